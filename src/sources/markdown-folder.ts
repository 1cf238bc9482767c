import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { codeOf, invalidInput } from '../errors.ts'
import {
  withheldByFolder,
  withheldFolders,
  hasPosts,
  notesThatSay,
  pageAmong,
} from './site-folders.ts'
import { datesInGit } from './git-dates.ts'
import { matchesGlob } from './globs.ts'
import { mediaTypeOf } from './media-types.ts'
import { FileIndex, isOutside, readDraft, type FileOptions } from './markdown-file.ts'
import {
  compareNaturally,
  invalidDraft,
  skippedFor,
  type DraftSource,
  type SkippedDraft,
  type UNDATED,
  type Withheld,
  type WithheldKind,
  type SourceItem,
} from './source.ts'
import { withheldByDate } from './unpublished.ts'
import { suspicionOf, withheldByPath } from './unpublished-paths.ts'

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

const MARKDOWN_EXTENSIONS = new Set([
  '.md',
  '.markdown',
  '.mdown',
  '.mkd',
  '.mkdn',
  '.mdwn',
  '.mdx',
])

/** A program, of which readers see the words. */
const MDX = {
  kind: 'extras',
  message: 'Markdown with components, of which the text stays',
} as const

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
      const isSite = hasPosts(files)
      const said = isSite || include.has('drafts') ? undefined : notesThatSay(folder, files)
      const about = [...files, ...skipped.map((it) => it.origin)]
      const folders = await withheldFolders(folder, about)
      const options = { include, index: new FileIndex(folder), isSite, said, folders, ...others }
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

const SILENT =
  'a note whose head says nothing of publishing, where others say publish: true; --include drafts publishes it'

/** What all files of the folder say of one of them. */
interface Among {
  readonly isSite: boolean
  /** Those that may be published, where the heads of notes say so. */
  readonly said: ReadonlySet<string> | undefined
  readonly folders: ReadonlyMap<string, Withheld>
}

async function readOne(
  folder: string,
  origin: string,
  options: MarkdownFolderOptions & FileOptions & Among,
  addedAt: string | undefined,
): Promise<SourceItem> {
  try {
    if (options.said?.has(origin) === false) throw invalidDraft(SILENT)
    const read = await readDraft(join(folder, origin), { name: origin, root: folder, ...options })
    const draft = { ...read, warnings: [...suspicionOf(origin), ...read.warnings] }
    const withheld =
      withheldByFolder(origin, options.folders) ??
      (draft.dateFrom === 'name'
        ? withheldByDate(draft)
        : draft.dateFrom === 'file'
          ? pageAmong(origin, draft, options)
          : undefined)
    if (withheld !== undefined && options.include?.has(withheld.kind) !== true) {
      const { kind, message } = withheld
      throw invalidDraft(`${message.replace(/\.$/, '')}; --include ${kind} publishes it`)
    }
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
    throw invalidInput(`${words} ${folder}.`, { hint: 'Check the path.', cause })
  }
  throw invalidInput(`${folder} is a file, not a folder.`, {
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
      throw invalidInput(`The folder ${folder} cannot be read: ${reason}.`, { cause })
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
    const withheld = withheldByPath(file) ?? (/\.mdx$/i.test(file) ? MDX : undefined)
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
