import { posix } from 'node:path'
import { defined } from '../defined.ts'
import { hasCode } from '../errors.ts'
import { attachmentName, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS } from '../format/records/bodies.ts'
import { line as lineOfText } from '../format/records/text.ts'
import { mediaTypeOf, UNKNOWN_TYPE } from './media-types.ts'
import { isUnsafe, type LocalReference } from './local-reference.ts'
import { printable, type DraftAttachment, type DraftWarning } from './source.ts'

export interface DraftFile extends Pick<DraftAttachment, 'sizeBytes' | 'open' | 'bytes'> {
  /** Equal for two paths that lead to one file; each path is a file of its own where it is absent. */
  readonly identity?: string
}

/** The files beside a draft: a folder, or what an archive has. */
export interface DraftFiles {
  /**
   * The file at a path; undefined if there is none.
   * @param path As the text says it, with `/`, resolved as far as it can be: relative, from the root of the site (`/…`),
   * or from folders above (`../…`).
   * @throws INVALID_DRAFT if it may not or cannot be read.
   */
  find(path: string): Promise<DraftFile | undefined>
}

const NOT_FOUND =
  'there is no such file in the folder of the draft or that of the import; --site-root names another one'

const altText = lineOfText(1_024)

/** What the references of a draft lead to. */
export interface FoundFiles {
  readonly attachments: DraftAttachment[]
  readonly warnings: DraftWarning[]
  /** Links that lead to no file. */
  readonly links: readonly LocalReference[]
}

/** Above this, a picture makes readers wait, and an issue is most likely not what its author thinks. */
const LARGE_PICTURE_BYTES = 2 * 1024 * 1024

/** Pictures that browsers do not show, or only some do. */
const NOT_SHOWN = new Set(['image/heic', 'image/heif', 'image/jxl', 'image/tiff', UNKNOWN_TYPE])

/**
 * Finds the files that a draft shows, and those it links to: pictures, sound, films and documents, no pages.
 * @param files Without them (text from a pipe) every image is missing.
 */
export async function findAttachments(
  references: readonly LocalReference[],
  files: DraftFiles | undefined,
): Promise<FoundFiles> {
  const attachments: DraftAttachment[] = []
  const warnings: DraftWarning[] = []
  const links: LocalReference[] = []
  const seen = new Set<string>()
  /** The identity of the file that has each name. */
  const named = new Map<string, string>()
  for (const it of references) {
    const { line, kind } = it
    const path = posix.normalize(it.path)
    const name = path.replace(/^(?:\.\.\/|\/)+/, '')
    const isPage = kind === 'link' && (mediaTypeOf(name) === UNKNOWN_TYPE || isHidden(name))
    if (!isPage && seen.has(path)) continue
    const complaint = isPage ? undefined : complaintOf(path, name)
    let found: DraftFile | undefined
    try {
      if (!isPage && complaint === undefined) found = await files?.find(path)
    } catch (error) {
      if (!hasCode(error, 'INVALID_DRAFT')) throw error
      seen.add(path)
      warnings.push({ kind: 'missing-file', message: error.message, line })
      continue
    }
    if (kind === 'link' && found === undefined) {
      links.push(it)
      continue
    }
    seen.add(path)
    const missing = (shownName: string, why: string) => {
      const what = kind === 'image' ? 'image' : 'linked file'
      const message = `The ${what} "${printable(shownName, 255)}" is missing: ${why}.`
      warnings.push({ kind: 'missing-file', message, line })
    }
    const identity = found?.identity ?? path
    if (complaint !== undefined) {
      missing(path, complaint)
    } else if (files === undefined) {
      missing(path, 'text from a pipe has no folder to find it in')
    } else if (found === undefined) {
      missing(path, /^[./]/.test(path) ? NOT_FOUND : 'there is no such file')
    } else if (found.sizeBytes === 0) {
      missing(name, 'it is an empty file')
    } else if (found.sizeBytes > MAX_ATTACHMENT_BYTES) {
      missing(name, `it has ${found.sizeBytes} bytes; ${MAX_ATTACHMENT_BYTES} is the limit`)
    } else if (attachments.length === MAX_ATTACHMENTS) {
      missing(name, `an issue has at most ${MAX_ATTACHMENTS} attachments`)
    } else if (named.has(name)) {
      if (named.get(name) !== identity) missing(path, `another file is called ${name}`)
    } else {
      named.set(name, identity)
      const attachment = attachmentOf(it, name, found)
      attachments.push(attachment)
      const doubt = kind === 'image' ? doubtAbout(attachment) : undefined
      if (doubt !== undefined) {
        const suspect = NOT_SHOWN.has(attachment.mediaType) ? 'unshown-picture' : 'large-picture'
        warnings.push({
          kind: suspect,
          message: `The image "${printable(name, 255)}" ${doubt}.`,
          line,
        })
      }
    }
  }
  return { attachments, warnings, links }
}

function complaintOf(path: string, name: string): string | undefined {
  return /^(?:\\|file:|[a-z]:)/i.test(path)
    ? 'it is a path of one machine; name it by a relative path'
    : isUnsafe(path)
      ? 'readers load no such address'
      : attachmentName.safeParse(name).error?.issues[0]?.message
}

/** Files that somebody hid are not published because a text links to them. */
function isHidden(name: string): boolean {
  return /(?:^|\/)\./.test(name)
}

/** What an author may not know of a picture. */
function doubtAbout({ mediaType, sizeBytes }: DraftAttachment): string | undefined {
  if (NOT_SHOWN.has(mediaType)) {
    return mediaType === UNKNOWN_TYPE
      ? 'is of a kind that browsers do not show; convert it to JPEG, PNG or WebP'
      : `is ${mediaType.slice('image/'.length).toUpperCase()}, which most browsers do not show; convert it to JPEG, PNG or WebP`
  }
  if (!mediaType.startsWith('image/') || sizeBytes <= LARGE_PICTURE_BYTES) return undefined
  return `has ${(sizeBytes / 1024 / 1024).toFixed(1)} MiB; readers wait for more than 2 MiB`
}

function attachmentOf({ alt }: LocalReference, name: string, found: DraftFile): DraftAttachment {
  return {
    name,
    mediaType: mediaTypeOf(name),
    // Alternative text over the limits stays in the Markdown, where readers find it anyway.
    ...(altText.safeParse(alt).success ? { alt } : {}),
    sizeBytes: found.sizeBytes,
    open: () => found.open(),
    ...defined({ bytes: found.bytes }),
  }
}
