import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname } from 'node:path'
import { codeOf, HyperletterError } from '../errors.ts'
import type { Author } from '../format/records/text.ts'
import { findAttachments, type DraftAttachment, type DraftWarning } from './attachments.ts'
import { invalidDraft } from './complaint.ts'
import { dateInName } from './date.ts'
import { checkTitle, readHead } from './head.ts'
import { localImages } from './images.ts'
import { checkBody, checkDraftSize, checkDraftText, decodeDraft } from './text.ts'
import { titleFromName, titleHeading } from './title.ts'
import { splitFrontMatter } from './front-matter.ts'

export type { DraftAttachment, DraftWarning } from './attachments.ts'

/** An issue before it is signed: everything checked against the limits of the records. */
export interface Draft {
  readonly title: string
  readonly summary?: string
  readonly authors?: Author[]
  readonly tags?: string[]
  readonly language?: string
  /** ISO 8601 in UTC. */
  readonly publishedAt: string
  /** Where an imported issue came from; left to whoever imports. */
  readonly importedFrom?: string
  /** The text below the head, byte for byte. */
  readonly markdown: string
  readonly attachments: readonly DraftAttachment[]
  readonly warnings: readonly DraftWarning[]
  /** How `publishedAt` was found. */
  readonly dateFrom: 'head' | 'name' | 'file' | 'now'
  /** The number that the head claims; the log gives the real one. */
  readonly declaredNumber?: number
}

interface Origin {
  /** Absolute path of the folder in which images are looked up. */
  readonly folder?: string | undefined
  /** File name. */
  readonly name?: string | undefined
  /** The date when neither head nor name has one. */
  readonly date: Date
  readonly dateFrom: 'file' | 'now'
}

/**
 * Reads a draft and finds its images; nothing is changed anywhere.
 * @param path Absolute path of a Markdown file.
 * @throws INVALID_DRAFT saying what is wrong and on which line; TOO_LARGE.
 */
export async function readDraft(path: string): Promise<Draft> {
  const name = basename(path)
  let bytes
  let date
  try {
    // At once: a draft has a few kilobytes, and a thread of the pool costs ten times as much. An
    // archive has hundreds of them.
    const facts = statSync(path)
    if (!facts.isFile()) throw notAFile(name, facts.isDirectory())
    checkDraftSize(facts.size)
    date = facts.mtime
    bytes = readFileSync(path)
  } catch (error) {
    throw error instanceof HyperletterError ? error : unreadable(path, error)
  }
  checkDraftSize(bytes.byteLength)
  return draftFrom(decodeDraft(bytes), { folder: dirname(path), name, date, dateFrom: 'file' })
}

/**
 * A draft from text that came by a pipe.
 * @param options.folder Absolute path in which images are looked up; without it they count as missing.
 * @param options.name File name, for want of a title or date in the text.
 * @throws INVALID_DRAFT, TOO_LARGE
 */
export async function parseDraft(
  markdown: string,
  options: { folder?: string; name?: string; now?: Date } = {},
): Promise<Draft> {
  const { folder, name, now = new Date() } = options
  return draftFrom(checkDraftText(markdown), { folder, name, date: now, dateFrom: 'now' })
}

async function draftFrom(text: string, origin: Origin): Promise<Draft> {
  const { fields, body, bodyLine, doubt } = await splitFrontMatter(text)
  const { title, publishedAt, ...head } = readHead(fields)
  checkBody(body)
  const images = (await localImages(body)).map((it) => ({ ...it, line: it.line + bodyLine - 1 }))
  const { attachments, warnings } = await findAttachments(images, origin.folder)
  return {
    title: title ?? (await titleOf(body, bodyLine, origin.name)),
    ...head,
    ...dated(publishedAt, origin),
    markdown: body,
    attachments,
    warnings: doubt === undefined ? warnings : [{ message: doubt, line: 1 }, ...warnings],
  }
}

async function titleOf(body: string, bodyLine: number, name: string | undefined): Promise<string> {
  const heading = await titleHeading(body)
  if (heading !== undefined)
    return checkTitle(heading.text, 'first heading', heading.line + bodyLine - 1)
  if (name !== undefined) return checkTitle(titleFromName(name), 'file name', undefined)
  throw invalidDraft('The draft has no title.', {
    hint: 'Begin it with a heading, such as "# Spring tide", or with a head that has a title.',
  })
}

function dated(
  inHead: string | undefined,
  origin: Origin,
): Pick<Draft, 'publishedAt' | 'dateFrom'> {
  if (inHead !== undefined) return { publishedAt: inHead, dateFrom: 'head' }
  const { name } = origin
  const inName = name === undefined ? undefined : dateInName(basename(name, extname(name)))
  if (inName !== undefined) return { publishedAt: inName.date, dateFrom: 'name' }
  return { publishedAt: origin.date.toISOString(), dateFrom: origin.dateFrom }
}

function notAFile(name: string, isFolder: boolean): HyperletterError {
  return isFolder
    ? invalidDraft(`"${name}" is a folder, not a Markdown file.`, {
        hint: 'Publish all drafts of a folder with `hyperletter import <folder>`.',
      })
    : invalidDraft(`"${name}" is not a regular file.`)
}

function unreadable(path: string, cause: unknown): HyperletterError {
  const code = codeOf(cause)
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return invalidDraft(`There is no file ${path}.`, { hint: 'Check the path.', cause })
  }
  const reason =
    code === 'EACCES' || code === 'EPERM' ? 'permission denied' : (code ?? String(cause))
  return invalidDraft(`The file ${path} cannot be read: ${reason}.`, {
    cause,
    hint: 'Check who may read it.',
  })
}
