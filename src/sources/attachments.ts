import { extname, posix } from 'node:path'
import { attachmentName, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS } from '../format/records/content.ts'
import { line as lineOfText } from '../format/records/text.ts'
import type { LocalImage } from './images.ts'
import type { DraftAttachment, DraftWarning } from './source.ts'

/** A file beside a draft. */
export interface DraftFile extends Pick<DraftAttachment, 'sizeBytes' | 'open'> {
  /** Equal for two paths that lead to one file; each path is a file of its own where it is absent. */
  readonly identity?: string
}

/** The files beside a draft: a folder, or what an archive has. */
export interface DraftFiles {
  /**
   * The file at a path; undefined if there is none.
   * @param path As the text says it, with `/`, resolved as far as it can be: relative, from the root of the site (`/…`),
   * or from folders above (`../…`).
   * @param line Of the draft, for the error.
   * @throws INVALID_DRAFT if it may not or cannot be read.
   */
  find(path: string, line: number): Promise<DraftFile | undefined>
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

const NOT_FOUND = 'there is no such file in the folder of the draft or that of the import'

const altText = lineOfText(1_024)

/** The media type of a file by its extension. */
export function mediaTypeOf(name: string): string {
  return MEDIA_TYPES[extname(name).toLowerCase()] ?? 'application/octet-stream'
}

/**
 * Finds the files that the images of a draft show.
 * @param files Without them (text from a pipe) every image is missing.
 * @throws INVALID_DRAFT where a file may not or cannot be read
 */
export async function findAttachments(
  images: readonly LocalImage[],
  files: DraftFiles | undefined,
): Promise<{ readonly attachments: DraftAttachment[]; readonly warnings: DraftWarning[] }> {
  const attachments: DraftAttachment[] = []
  const warnings: DraftWarning[] = []
  const seen = new Set<string>()
  /** The identity of the file that has each name. */
  const named = new Map<string, string>()
  const missing = (name: string, why: string, line: number) =>
    void warnings.push({ message: `The image "${shown(name)}" is missing: ${why}.`, line })
  for (const image of images) {
    const { line } = image
    const path = posix.normalize(image.path)
    if (seen.has(path)) continue
    seen.add(path)
    const name = path.replace(/^(?:\.\.\/|\/)+/, '')
    const complaint = /^(?:\\|file:|[a-z]:)/i.test(path)
      ? 'it is a path of one machine; name it by a relative path'
      : attachmentName.safeParse(name).error?.issues[0]?.message
    const found = complaint === undefined ? await files?.find(path, line) : undefined
    const identity = found?.identity ?? path
    if (complaint !== undefined) {
      missing(path, complaint, line)
    } else if (files === undefined) {
      missing(path, 'text from a pipe has no folder to find it in', line)
    } else if (found === undefined) {
      missing(path, /^[./]/.test(path) ? NOT_FOUND : 'there is no such file', line)
    } else if (found.sizeBytes === 0) {
      missing(name, 'it is an empty file', line)
    } else if (found.sizeBytes > MAX_ATTACHMENT_BYTES) {
      missing(name, `it has ${found.sizeBytes} bytes; ${MAX_ATTACHMENT_BYTES} is the limit`, line)
    } else if (attachments.length === MAX_ATTACHMENTS) {
      missing(name, `an issue has at most ${MAX_ATTACHMENTS} attachments`, line)
    } else if (named.has(name)) {
      if (named.get(name) !== identity) missing(path, `another picture is called ${name}`, line)
    } else {
      named.set(name, identity)
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

function shown(name: string): string {
  return name.slice(0, 255).replaceAll(/\p{C}/gu, '?')
}
