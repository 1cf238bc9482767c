import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { codeOf, HyperletterError, type ErrorCode } from '../errors.ts'
import { isPicture, leaves } from './attachments.ts'
import type { Draft } from './draft.ts'
import { matchesGlob } from './glob.ts'

/** A file of a folder that is not published, and why. */
export interface SkippedFile {
  /** Path relative to the folder, with `/`. */
  readonly file: string
  readonly code: ErrorCode
  readonly message: string
}

export interface FolderListing {
  /** Absolute paths of the Markdown files below the folder, in natural order. */
  readonly drafts: readonly string[]
  readonly skipped: readonly SkippedFile[]
}

const MARKDOWN_EXTENSIONS = new Set(['.md', '.markdown', '.mdown', '.mkd'])

/** Text formats that pandoc turns into Markdown: extension, name, name for pandoc. */
const OTHER_TEXT: Readonly<Record<string, readonly [string, string]>> = {
  '.rst': ['reStructuredText', 'rst'],
  '.adoc': ['AsciiDoc', 'asciidoc'],
  '.org': ['Org mode', 'org'],
  '.textile': ['Textile', 'textile'],
  '.html': ['HTML', 'html'],
  '.htm': ['HTML', 'html'],
  '.docx': ['a word processor document', 'docx'],
}

const natural = new Intl.Collator('en', { numeric: true })

/**
 * The Markdown files of a folder and the folders below it, and every other file with the reason why
 * it is skipped. Hidden files and `node_modules` are passed over; links to folders are not followed.
 * @param options.match Glob, see `matchesGlob`.
 * @throws INVALID_INPUT if there is no such folder.
 */
export async function listDraftFolder(
  folder: string,
  options: { match?: string } = {},
): Promise<FolderListing> {
  const home = await realFolder(folder)
  const drafts: string[] = []
  const skipped: SkippedFile[] = []
  const waiting = [folder]
  for (let current = waiting.pop(); current !== undefined; current = waiting.pop()) {
    for (const entry of await entriesOf(current, folder, skipped)) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
      const path = join(current, entry.name)
      if (entry.isDirectory()) {
        waiting.push(path)
        continue
      }
      const file = shownPath(folder, path)
      const message = await reasonToSkip(entry, path, file, home, options.match)
      if (message === undefined) drafts.push(path)
      else skipped.push({ file, code: 'INVALID_DRAFT', message })
    }
  }
  return {
    drafts: drafts.toSorted(compareNaturally),
    skipped: skipped.toSorted((a, b) => compareNaturally(a.file, b.file)),
  }
}

/**
 * The order in which the drafts of a folder become issues: by date if each of them says its date
 * itself, else by path, where `issue-9` comes before `issue-10`.
 */
export function inPublishingOrder<
  T extends { path: string; draft: Pick<Draft, 'publishedAt' | 'dateFrom'> },
>(drafts: T[]): T[] {
  const dated = drafts.every(({ draft }) => draft.dateFrom === 'head' || draft.dateFrom === 'name')
  return drafts.toSorted((a, b) => {
    const days = dated ? Date.parse(a.draft.publishedAt) - Date.parse(b.draft.publishedAt) : 0
    return days === 0 ? compareNaturally(a.path, b.path) : days
  })
}

async function realFolder(folder: string): Promise<string> {
  try {
    if ((await stat(folder)).isDirectory()) return await realpath(folder)
  } catch (cause) {
    const words =
      codeOf(cause) === 'ENOENT' ? 'There is no folder' : 'This folder cannot be opened:'
    throw new HyperletterError('INVALID_INPUT', `${words} ${folder}.`, {
      hint: 'Check the path.',
      cause,
    })
  }
  throw new HyperletterError('INVALID_INPUT', `${folder} is a file, not a folder.`, {
    hint: 'Publish a single file with `hyperletter publish <file>`.',
  })
}

async function entriesOf(path: string, folder: string, skipped: SkippedFile[]): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (cause) {
    const reason =
      codeOf(cause) === 'EACCES' ? 'permission denied' : (codeOf(cause) ?? String(cause))
    if (path === folder) {
      throw new HyperletterError(
        'INVALID_INPUT',
        `The folder ${folder} cannot be read: ${reason}.`,
        { cause },
      )
    }
    const message = `this folder cannot be read: ${reason}`
    skipped.push({ file: shownPath(folder, path), code: 'INVALID_DRAFT', message })
    return []
  }
}

async function reasonToSkip(
  entry: Dirent,
  path: string,
  file: string,
  home: string,
  match: string | undefined,
): Promise<string | undefined> {
  if (match !== undefined && !matchesGlob(file, match)) return `does not match ${match}`
  if (entry.isSymbolicLink()) {
    const reason = await reasonToSkipLink(path, home)
    if (reason !== undefined) return reason
  } else if (!entry.isFile()) return 'not a regular file'
  const extension = extname(entry.name).toLowerCase()
  if (MARKDOWN_EXTENSIONS.has(extension)) return undefined
  if (isPicture(entry.name)) return 'a picture; it travels with an issue that shows it'
  const other = OTHER_TEXT[extension]
  if (other === undefined) return 'not a Markdown file'
  return `${extension} is ${other[0]}, not Markdown; convert it first (pandoc -f ${other[1]} -t gfm)`
}

// A folder that somebody else made must not publish a file from elsewhere on this machine.
async function reasonToSkipLink(path: string, home: string): Promise<string | undefined> {
  try {
    const real = await realpath(path)
    if (leaves(home, real)) return 'a link that leaves the folder'
    const facts = await stat(real)
    if (facts.isDirectory()) return 'a link to a folder, which is not followed'
    return facts.isFile() ? undefined : 'not a regular file'
  } catch {
    return 'a link that leads nowhere'
  }
}

function shownPath(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/')
}

/** Folder by folder, numbers by their value; equal only if the paths are. */
function compareNaturally(a: string, b: string): number {
  const [left, right] = [a.split(/[\\/]/), b.split(/[\\/]/)]
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const order = natural.compare(left[at] ?? '', right[at] ?? '')
    if (order !== 0) return order
  }
  return left.length - right.length || (a < b ? -1 : Number(a > b))
}
