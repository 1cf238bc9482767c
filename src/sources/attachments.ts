import { extname, isAbsolute, posix } from 'node:path'
import { HyperletterError } from '../errors.ts'
import { attachmentName, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS } from '../format/records/content.ts'
import { line as lineOfText } from '../format/records/text.ts'
import type { LocalImage } from './images.ts'
import { invalidDraft, type DraftAttachment, type DraftWarning } from './source.ts'

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
  for (const image of images) {
    const { line } = image
    const name = nameOf(image)
    if (seen.has(name)) continue
    seen.add(name)
    const found = await files?.find(name, line)
    if (found === undefined) {
      const why =
        files === undefined
          ? 'text from a pipe has no folder to find it in'
          : 'there is no such file'
      warnings.push({ message: `The image "${name}" is missing: ${why}.`, line })
      continue
    }
    if (attachments.length === MAX_ATTACHMENTS) {
      const message = `Line ${line}: The draft shows more than ${MAX_ATTACHMENTS} pictures.`
      throw new HyperletterError('TOO_LARGE', message, { hint: 'Publish it in several issues.' })
    }
    checkSize(found.sizeBytes, name, line)
    attachments.push({
      name,
      mediaType: mediaTypeOf(name),
      // Alternative text over the limits stays in the Markdown, where readers find it anyway.
      ...(altText.safeParse(image.alt).success ? { alt: image.alt } : {}),
      sizeBytes: found.sizeBytes,
      open: () => found.open(),
    })
  }
  return { attachments, warnings }
}

function nameOf({ path, line }: LocalImage): string {
  const shown = path.slice(0, 255).replaceAll(/\p{C}/gu, '?')
  const name = posix.normalize(path)
  if (
    isAbsolute(path) ||
    /^(?:[/\\]|file:|[a-z]:)/i.test(path) ||
    name === '..' ||
    name.startsWith('../')
  ) {
    throw invalidDraft(`The image "${shown}" lies outside of the folder of the draft.`, {
      line,
      hint: 'Copy it beside the draft, or below, and name it by a relative path; or link to it on the web.',
    })
  }
  const complaint = attachmentName.safeParse(name).error?.issues[0]?.message
  if (complaint === undefined) return name
  throw invalidDraft(`The image "${shown}" cannot travel under this name: it ${complaint}.`, {
    line,
    hint: 'Rename the file, and write / between folders.',
  })
}

function checkSize(sizeBytes: number, name: string, line: number): void {
  if (sizeBytes === 0) throw invalidDraft(`The image "${name}" is an empty file.`, { line })
  if (sizeBytes <= MAX_ATTACHMENT_BYTES) return
  throw new HyperletterError(
    'TOO_LARGE',
    `Line ${line}: The image "${name}" has ${sizeBytes} bytes; ${MAX_ATTACHMENT_BYTES} is the limit.`,
    { hint: 'Make it smaller, or link to it on the web.' },
  )
}
