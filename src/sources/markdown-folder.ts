import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { codeOf, HyperletterError } from '../errors.ts'
import { datesInGit } from './git-dates.ts'
import { mediaTypeOf } from './media-types.ts'
import { FileIndex, isOutside, readDraft, type FileOptions } from './markdown-file.ts'
import {
  compareNaturally,
  invalidDraft,
  skippedFor,
  type DraftSource,
  type SkippedDraft,
  type UNDATED,
  type WithheldKind,
  type SourceItem,
} from './source.ts'
import { suspicionOf, withheldByDate, withheldByPath } from './unpublished.ts'

export interface MarkdownFolderOptions extends Omit<FileOptions, 'index'> {
  /** Glob, see `matchesGlob`. */
  readonly match?: string | undefined
  /** Globs of files that are left out. */
  readonly exclude?: readonly string[] | undefined
  /** What is published although its head, name or place marks it as not for everybody, or not now. */
  readonly include?: ReadonlySet<WithheldKind>
  /** Leave out template code that no Markdown can be made of. */
  readonly withoutTemplates?: boolean | undefined
  readonly undated?: (typeof UNDATED)[number] | undefined
}

interface FolderListing {
  /** Paths of the Markdown files, relative to the folder, with `/`, in natural order. */
  readonly files: readonly string[]
  readonly skipped: readonly SkippedDraft[]
}

const MARKDOWN_EXTENSIONS = new Set(['.md', '.markdown', '.mdown', '.mkd', '.mkdn', '.mdwn'])

const OTHER = { other: true } as const
function isPost(file: string): boolean {
  return MARKDOWN_EXTENSIONS.has(extname(file).toLowerCase())
}

/** Text formats that pandoc turns into Markdown: extension, name, name for pandoc. */
const OTHER_TEXT: Readonly<Record<string, readonly [string, string]>> = {
  '.rst': ['reStructuredText', 'rst'],
  '.adoc': ['AsciiDoc', 'asciidoc'],
  '.org': ['Org mode', 'org'],
  '.textile': ['Textile', 'textile'],
  '.html': ['HTML', 'html'],
  '.htm': ['HTML', 'html'],
  '.docx': ['a word processor document', 'docx'],
  '.rmd': ['R Markdown', 'markdown'],
  '.mdx': ['Markdown with components', 'markdown'],
}

/** Files that are read at a time. */
const READ_AT_ONCE = 16

/**
 * The Markdown files of a folder and the folders below it, and every other file with the reason why
 * it is skipped. Hidden files and `node_modules` are passed over; links to folders are not followed.
 * @param folder Absolute path.
 */
export function markdownFolder(
  folder: string,
  { match, exclude, include = new Set(), ...others }: MarkdownFolderOptions = {},
): DraftSource {
  return {
    linkedBy: 'paths',
    async *drafts({ signal }) {
      const { files, skipped } = await listFolder(folder, { match, exclude, include })
      const options = { include, index: new FileIndex(folder), ...others }
      const added = others.undated === 'git' ? await datesInGit(folder) : undefined
      yield* skipped
      for (let start = 0; start < files.length; start += READ_AT_ONCE) {
        signal?.throwIfAborted()
        const some = files.slice(start, start + READ_AT_ONCE)
        yield* await Promise.all(
          some.map((file) => readOne(folder, file, options, added?.get(file))),
        )
      }
    },
  }
}

async function readOne(
  folder: string,
  origin: string,
  options: MarkdownFolderOptions & FileOptions,
  addedAt: string | undefined,
): Promise<SourceItem> {
  try {
    const read = await readDraft(join(folder, origin), { name: origin, root: folder, ...options })
    const draft = { ...read, warnings: [...suspicionOf(origin), ...read.warnings] }
    const early = draft.dateFrom === 'name' ? withheldByDate(draft) : undefined
    if (early !== undefined && options.include?.has(early.kind) !== true)
      throw invalidDraft(`${early.message.slice(0, -1)}; --include ${early.kind} publishes it`)
    if (draft.dateFrom !== 'file') return { origin, draft }
    if (addedAt !== undefined)
      return { origin, draft: { ...draft, publishedAt: addedAt, dateFrom: 'git' } }
    if (options.undated === 'skip') throw invalidDraft('no date in the head, the name or the path')
    if (options.undated === 'names') return { origin, draft }
    const day = draft.publishedAt.slice(0, 10)
    const message = `No date in the head, the name or the path; the time of the file counts (${day}), and it comes last.`
    return { origin, draft: { ...draft, warnings: [{ message }, ...draft.warnings] } }
  } catch (error) {
    return skippedFor(origin, error)
  }
}

async function listFolder(
  folder: string,
  options: Required<Pick<MarkdownFolderOptions, 'include'>> & MarkdownFolderOptions,
): Promise<FolderListing> {
  const home = await realFolder(folder)
  const files: string[] = []
  const skipped: SkippedDraft[] = []
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
      const message = await reasonToSkip(entry, path, file, home, options)
      const mark = isPost(file) ? {} : OTHER
      if (message === undefined) files.push(file)
      else skipped.push({ origin: file, code: 'INVALID_DRAFT', message, ...mark })
    }
  }
  return {
    files: files.toSorted(compareNaturally),
    skipped: skipped.toSorted((a, b) => compareNaturally(a.origin, b.origin)),
  }
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

async function entriesOf(path: string, folder: string, skipped: SkippedDraft[]): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (cause) {
    const reason =
      codeOf(cause) === 'EACCES' ? 'permission denied' : (codeOf(cause) ?? String(cause))
    if (path === folder) {
      const words = `The folder ${folder} cannot be read: ${reason}.`
      throw new HyperletterError('INVALID_INPUT', words, { cause })
    }
    const message = `this folder cannot be read: ${reason}`
    skipped.push({ origin: shownPath(folder, path), code: 'INVALID_DRAFT', message, ...OTHER })
    return []
  }
}

async function reasonToSkip(
  entry: Dirent,
  path: string,
  file: string,
  home: string,
  {
    match,
    exclude = [],
    include,
  }: Required<Pick<MarkdownFolderOptions, 'include'>> & MarkdownFolderOptions,
): Promise<string | undefined> {
  if (match !== undefined && !matchesGlob(file, match)) return `does not match ${match}`
  const excluded = exclude.find((glob) => matchesGlob(file, glob))
  if (excluded !== undefined) return `matches ${excluded}, which is excluded`
  if (entry.isSymbolicLink()) {
    const reason = await reasonToSkipLink(path, home)
    if (reason !== undefined) return reason
  } else if (!entry.isFile()) return 'not a regular file'
  if (isPost(file)) {
    const withheld = withheldByPath(file)
    if (withheld === undefined || include.has(withheld.kind)) return undefined
    return `${withheld.message}; --include ${withheld.kind} publishes it`
  }
  if (mediaTypeOf(entry.name).startsWith('image/'))
    return 'a picture; it travels with an issue that shows it'
  const extension = extname(entry.name).toLowerCase()
  const other = OTHER_TEXT[extension]
  if (other === undefined) return 'not a Markdown file'
  return `${extension} is ${other[0]}, not Markdown; convert it first (pandoc -f ${other[1]} -t gfm)`
}

// A folder that somebody else made must not publish a file from elsewhere on this machine.
async function reasonToSkipLink(path: string, home: string): Promise<string | undefined> {
  try {
    const real = await realpath(path)
    if (isOutside(home, real)) return 'a link that leaves the folder'
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

/** Longer lists in braces are taken as they stand. */
const MAX_ALTERNATIVES = 256

/**
 * True if a relative path (`/` between segments) matches a glob: `*` and `?` inside of a segment,
 * `**` for any number of segments, `{a,b}` for one of several, `!` in front for all others. A glob without `/` is
 * tried on the file name alone.
 * Takes time in proportion to path × glob, whatever the glob: it does not become a regular expression.
 */
export function matchesGlob(path: string, glob: string): boolean {
  if (glob.startsWith('!')) return !matchesGlob(path, glob.slice(1))
  return alternatives(glob).some((it) => matchesPattern(path, it))
}

function alternatives(glob: string): string[] {
  let found = [glob]
  for (let next = found; next.length > 0 && next.length <= MAX_ALTERNATIVES;) {
    found = next
    if (!found.some((it) => BRACES.test(it))) break
    next = found.flatMap((it) => {
      const [whole, list = ''] = BRACES.exec(it) ?? []
      return whole === undefined
        ? [it]
        : list.split(',').map((word) => it.replace(BRACES, () => word))
    })
  }
  return found
}

const BRACES = /\{([^{}]*)\}/

function matchesPattern(path: string, glob: string): boolean {
  const segments = path.split('/')
  const wanted = glob.replace(/^(?:\.?\/)+/, '').split('/')
  return wanted.length === 1 && wanted[0] !== '**'
    ? matchesSegment(segments.at(-1) ?? '', wanted[0] ?? '')
    : matchesAll(segments, wanted, (segment, pattern) => matchesSegment(segment, pattern), '**')
}

function matchesSegment(segment: string, pattern: string): boolean {
  return matchesAll(
    Array.from(segment),
    Array.from(pattern),
    (it, wanted) => wanted === '?' || it === wanted,
    '*',
  )
}

// Only the last star needs to be tried again: an earlier one that took more leaves no more to match.
function matchesAll(
  items: readonly string[],
  pattern: readonly string[],
  matches: (item: string, wanted: string) => boolean,
  star: string,
): boolean {
  let at = 0
  let next = 0
  let lastStar = -1
  let retryFrom = 0
  while (at < items.length) {
    const wanted = pattern[next]
    if (wanted === star) {
      lastStar = next++
      retryFrom = at
    } else if (wanted !== undefined && matches(items[at] ?? '', wanted)) {
      at++
      next++
    } else if (lastStar >= 0) {
      next = lastStar + 1
      at = ++retryFrom
    } else return false
  }
  while (pattern[next] === star) next++
  return next === pattern.length
}
