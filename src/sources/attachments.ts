import { extname, isAbsolute, posix } from 'node:path'
import { attachmentName, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS } from '../format/records/content.ts'
import { line as lineOfText } from '../format/records/text.ts'
import type { LocalImage } from './images.ts'
import type { DraftAttachment, DraftWarning } from './source.ts'

/** A file beside a draft. */
export type DraftFile = Pick<DraftAttachment, 'sizeBytes' | 'open'>

/** The files beside a draft: a folder, or what an archive has. */
export interface DraftFiles {
  /**
   * The file of this name; undefined if there is none.
   * @param name Relative, with `/`, without `..`.
   * @param line Of the draft, for the error.
   * @throws INVALID_DRAFT if it may not or cannot be read.
   */
  find(name: string, line: number): Promise<DraftFile | undefined>
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
  '.avif': 'image/avif',
  '.svg': 'image/svg+xml',
  '.bmp': 'image/bmp',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.pdf': 'application/pdf',
}

const altText = lineOfText(1_024)

/** The media type of a file by its extension. */
export function mediaTypeOf(name: string): string {
  return MEDIA_TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream'
}

/**
 * Finds the files that the images of a draft show.
 * @param files Without them (text from a pipe) every image is missing.
 * @throws INVALID_DRAFT for a path that leaves the folder or is no attachment name; TOO_LARGE.
 */
export async function findAttachments(
  images: readonly LocalImage[],
  files: DraftFiles | undefined,
): Promise<{ readonly attachments: DraftAttachment[]; readonly warnings: DraftWarning[] }> {
  const attachments: DraftAttachment[] = []
  const warnings: DraftWarning[] = []
  const seen = new Set<string>()
  const missing = (name: string, why: string, line: number) =>
    void warnings.push({ message: `The image "${shown(name)}" is missing: ${why}.`, line })
  for (const image of images) {
    const { line } = image
    const name = posix.normalize(image.path)
    if (seen.has(name)) continue
    seen.add(name)
    const complaint = isOutside(name)
      ? 'it lies outside of the folder of the draft; copy it beside the draft, or below'
      : attachmentName.safeParse(name).error?.issues[0]?.message
    const found = complaint === undefined ? await files?.find(name, line) : undefined
    if (complaint !== undefined) {
      missing(name, complaint, line)
    } else if (files === undefined) {
      missing(name, 'text from a pipe has no folder to find it in', line)
    } else if (found === undefined) {
      missing(name, 'there is no such file', line)
    } else if (found.sizeBytes === 0) {
      missing(name, 'it is an empty file', line)
    } else if (found.sizeBytes > MAX_ATTACHMENT_BYTES) {
      missing(name, `it has ${found.sizeBytes} bytes; ${MAX_ATTACHMENT_BYTES} is the limit`, line)
    } else if (attachments.length === MAX_ATTACHMENTS) {
      missing(name, `an issue has at most ${MAX_ATTACHMENTS} attachments`, line)
    } else {
      attachments.push(attachmentOf(image, name, found))
    }
  }
  return { attachments, warnings }
}

function attachmentOf({ alt }: LocalImage, name: string, found: DraftFile): DraftAttachment {
  return {
    name,
    mediaType: mediaTypeOf(name),
    // Alternative text over the limits stays in the Markdown, where readers find it anyway.
    ...(altText.safeParse(alt).success ? { alt } : {}),
    sizeBytes: found.sizeBytes,
    open: () => found.open(),
  }
}

function isOutside(name: string): boolean {
  return (
    isAbsolute(name) ||
    /^(?:[/\\]|file:|[a-z]:)/i.test(name) ||
    name === '..' ||
    name.startsWith('../')
  )
}

function shown(name: string): string {
  return name.slice(0, 255).replaceAll(/\p{C}/gu, '?')
}
