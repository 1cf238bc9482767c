import { open, realpath, stat } from 'node:fs/promises'
import { extname, isAbsolute, join, posix, relative, sep } from 'node:path'
import { codeOf, HyperletterError } from '../errors.ts'
import { attachmentName, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS } from '../format/records/content.ts'
import { line as lineOfText } from '../format/records/text.ts'
import { invalidDraft } from './complaint.ts'
import type { LocalImage } from './images.ts'

/** A picture that travels with an issue. */
export interface DraftAttachment {
  /** As the text refers to it, without `./` and percent signs. */
  readonly name: string
  readonly mediaType: string
  readonly alt?: string
  readonly sizeBytes: number
  /** Absolute. The bytes are read when the issue is published: no buffering of many large files. */
  readonly path: string
}

/** Something an author should know of a draft that can be published all the same. */
export interface DraftWarning {
  readonly message: string
  /** Line of the file, from 1. */
  readonly line?: number
}

export interface FoundAttachments {
  readonly attachments: DraftAttachment[]
  readonly warnings: DraftWarning[]
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

/** True for the file names of pictures. */
export function isPicture(name: string): boolean {
  return mediaTypeOf(name).startsWith('image/')
}

/**
 * Finds the files of images below the folder of their draft.
 * @param folder Absolute path; without one (text from a pipe) every image is missing.
 * @throws INVALID_DRAFT for a path that leaves the folder or is no attachment name; TOO_LARGE.
 */
export async function findAttachments(
  images: readonly LocalImage[],
  folder: string | undefined,
): Promise<FoundAttachments> {
  const attachments: DraftAttachment[] = []
  const warnings: DraftWarning[] = []
  const seen = new Set<string>()
  for (const image of images) {
    const name = nameOf(image)
    if (seen.has(name)) continue
    seen.add(name)
    const found = folder === undefined ? undefined : await findFile(name, folder, image.line)
    if (found === undefined) {
      const where =
        folder === undefined
          ? 'text from a pipe has no folder to find it in'
          : 'there is no such file'
      warnings.push({ message: `The image "${name}" is missing: ${where}.`, line: image.line })
      continue
    }
    if (attachments.length === MAX_ATTACHMENTS) {
      throw new HyperletterError(
        'TOO_LARGE',
        `Line ${image.line}: The draft shows more than ${MAX_ATTACHMENTS} pictures.`,
        {
          hint: 'Publish it in several issues.',
        },
      )
    }
    attachments.push({
      name,
      mediaType: mediaTypeOf(name),
      // Alternative text over the limits stays in the Markdown, where readers find it anyway.
      ...(altText.safeParse(image.alt).success ? { alt: image.alt } : {}),
      ...found,
    })
  }
  return { attachments, warnings }
}

/**
 * The bytes of an attachment. In one piece: Node's own `readFile` asks the system for 512 KiB at a time, and on a
 * busy machine waits for its turn each time.
 */
export async function readAttachment({ path }: DraftAttachment): Promise<Uint8Array> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const bytes = new Uint8Array(size)
    let length = 0
    while (length < size) {
      const { bytesRead } = await file.read(bytes, length, size - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return bytes.subarray(0, length)
  } finally {
    await file.close()
  }
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

async function findFile(
  name: string,
  folder: string,
  line: number,
): Promise<{ path: string; sizeBytes: number } | undefined> {
  const path = join(folder, name)
  let facts
  try {
    const [home, real] = await Promise.all([realpath(folder), realpath(path)])
    if (leaves(home, real)) {
      throw invalidDraft(`The image "${name}" is a link that leaves the folder of the draft.`, {
        line,
        hint: 'Replace the link by a copy of the file.',
      })
    }
    facts = await stat(real)
  } catch (error) {
    if (error instanceof HyperletterError) throw error
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw invalidDraft(`The image "${name}" cannot be read (${code}).`, { line, cause: error })
  }
  if (!facts.isFile()) throw invalidDraft(`The image "${name}" is not a file.`, { line })
  if (facts.size === 0) throw invalidDraft(`The image "${name}" is an empty file.`, { line })
  if (facts.size > MAX_ATTACHMENT_BYTES) {
    throw new HyperletterError(
      'TOO_LARGE',
      `Line ${line}: The image "${name}" has ${facts.size} bytes; ${MAX_ATTACHMENT_BYTES} is the limit.`,
      { hint: 'Make it smaller, or link to it on the web.' },
    )
  }
  return { path, sizeBytes: facts.size }
}

/** True if `real` is not below `home`; both are real paths. */
export function leaves(home: string, real: string): boolean {
  const way = relative(home, real)
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)
}
