import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'
import { codeOf, HyperletterError } from '../errors.ts'
import type { DraftFile, DraftFiles } from './attachments.ts'
import { draftFromMarkdown, type DraftOrigin } from './draft.ts'
import { withoutLocation } from './picture-location.ts'
import { invalidDraft, type Draft } from './source.ts'
import { checkDraftSize, checkDraftText, decodeDraft } from './text.ts'

export interface FileOptions extends Pick<
  DraftOrigin,
  'include' | 'withoutTemplates' | 'keepLocation'
> {
  /** Absolute path of a folder outside of the imported one, in which files may lie, too. */
  readonly siteRoot?: string | undefined
  /** The files of the imported folder, for paths that are not spelled as the files are, or are names alone. */
  readonly index?: FileIndex | undefined
  /** Gets the path of every file that is looked for, there or not. */
  readonly onLookUp?: ((path: string) => void) | undefined
}

/**
 * Reads a draft and finds its images; nothing is changed anywhere.
 * @param path Absolute path of a Markdown file.
 * @param options.name Its path below an imported folder, with `/`; else its file name counts.
 * @param options.root The imported folder, in which its pictures may lie; else the folder of the file.
 * @param options.include What is published although its head marks it.
 * @throws INVALID_DRAFT saying what is wrong and on which line; TOO_LARGE.
 */
export async function readDraft(
  path: string,
  {
    name = basename(path),
    root = dirname(path),
    include,
    withoutTemplates,
    ...options
  }: { name?: string; root?: string } & FileOptions = {},
): Promise<Draft> {
  let bytes
  let date
  try {
    // At once: a draft has a few kilobytes, and a thread of the pool costs ten times as much. An
    // archive has hundreds of them.
    const facts = statSync(path)
    if (!facts.isFile()) throw notAFile(name, facts.isDirectory())
    checkDraftSize(facts.size)
    date = facts.mtime
    bytes = readAtOnce(path, facts.size)
  } catch (error) {
    throw error instanceof HyperletterError ? error : unreadable(path, error)
  }
  checkDraftSize(bytes.byteLength)
  const files = filesBelow({ root, ...options }, dirname(path))
  const choices = { include, withoutTemplates, keepLocation: options.keepLocation }
  return draftFromMarkdown(decodeDraft(bytes), { files, name, date, dateFrom: 'file', ...choices })
}

/** Room for nearly every draft: memory that is new to the process takes longer than reading does. */
const room = Buffer.allocUnsafeSlow(64 * 1024)

/** The bytes of a file, which are there until the next one is read. */
function readAtOnce(path: string, sizeBytes: number): Buffer {
  // What has no size may have bytes all the same.
  if (sizeBytes === 0 || sizeBytes > room.byteLength) return readFileSync(path)
  const file = openSync(path, 'r')
  try {
    let length = 0
    for (let read = -1; read !== 0 && length < sizeBytes; length += read)
      read = readSync(file, room, length, sizeBytes - length, null)
    return room.subarray(0, length)
  } finally {
    closeSync(file)
  }
}

/**
 * A draft from text that came by a pipe.
 * @param options.folder Absolute path in which images are looked up; without it they count as missing.
 * @param options.name File name, for want of a title or date in the text.
 * @throws INVALID_DRAFT, TOO_LARGE
 */
export async function parseDraft(
  markdown: string,
  options: { folder?: string; name?: string; now?: Date } & FileOptions = {},
): Promise<Draft> {
  const { folder, name, include, now = new Date(), ...more } = options
  const files = folder === undefined ? undefined : filesBelow({ root: folder, ...more })
  const { keepLocation } = more
  const origin = { files, name, include, keepLocation, date: now, dateFrom: 'now' as const }
  return draftFromMarkdown(checkDraftText(markdown), origin)
}

/** Where site generators keep what they copy to the root of a site. */
const SITE_ROOTS = ['', 'static', 'public', 'assets', 'source', 'src', 'content', 'docs']

/** The files of a folder and below, and none that a link brings in from elsewhere. */
function filesBelow(
  { root, siteRoot, index, onLookUp, keepLocation = false }: { root: string } & FileOptions,
  folder = root,
): DraftFiles {
  const roots = siteRoot === undefined ? [root] : [root, siteRoot]
  const findIn = async (path: string): Promise<DraftFile | undefined> => {
    for (const base of roots) {
      for (const candidate of candidates(base, folder, path)) {
        onLookUp?.(candidate)
        const found = await findFile(base, candidate, path)
        if (found !== undefined) return found
      }
    }
    const indexed = await index?.find(candidates(root, folder, path), path)
    if (indexed !== undefined) return findFile(root, indexed, path)
    // Some generators read every path from the root of the site, above which browsers know nothing.
    return path.startsWith('/') ? undefined : findIn(`/${path.replace(/^(?:\.\.\/)+/, '')}`)
  }
  return {
    async find(path) {
      const found = await findIn(path)
      return found === undefined || keepLocation
        ? found
        : { ...found, open: async () => withoutLocation(await found.open()) }
    },
  }
}

/** Most files of a folder that are kept in mind. */
const MAX_INDEXED = 200_000

/** The files below a folder, by what is the same for any case and normal form, and by their name alone. */
export class FileIndex {
  readonly #root: string
  #files: Promise<ReadonlyMap<string, string | undefined>> | undefined

  constructor(root: string) {
    this.#root = root
  }

  /** The file that one of the candidates means, or the only one of a name that has no folder. */
  async find(paths: readonly string[], name: string): Promise<string | undefined> {
    const files = await (this.#files ??= this.#read())
    const named = name.includes('/') ? [] : [name]
    for (const path of [...paths, ...named]) {
      const found = files.get(sameSpelled(path))
      if (found !== undefined) return found
    }
    return undefined
  }

  async #read(): Promise<ReadonlyMap<string, string | undefined>> {
    const files = new Map<string, string | undefined>()
    const waiting = [this.#root]
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      for (const it of await readdir(at, { withFileTypes: true }).catch(() => [])) {
        const path = join(at, it.name)
        if (it.name.startsWith('.') || it.name === 'node_modules') continue
        if (it.isDirectory()) waiting.push(path)
        else if (files.size < 2 * MAX_INDEXED) {
          files.set(sameSpelled(path), path)
          const name = sameSpelled(it.name)
          files.set(name, files.has(name) ? undefined : path)
        }
      }
    }
    return files
  }
}

function sameSpelled(path: string): string {
  return path.normalize('NFC').toLowerCase()
}

/** Where the file may lie: below the folder, or, from the root of a site, below any folder that may be that root. */
function candidates(root: string, folder: string, path: string): string[] {
  const isInside = !isOutside(root, folder)
  if (!path.startsWith('/')) {
    const beside = join(folder, path)
    if (!isOutside(root, beside)) return [beside]
    return isInside ? [] : [join(root, path)].filter((it) => !isOutside(root, it))
  }
  const found: string[] = []
  for (let at = isInside ? folder : root; !isOutside(root, at); at = dirname(at)) {
    found.push(...SITE_ROOTS.map((name) => join(at, name, path)))
    if (at === root) break
  }
  return found
}

async function findFile(root: string, path: string, name: string): Promise<DraftFile | undefined> {
  let real: string
  let facts
  try {
    real = await realpath(path)
    if (isOutside(await realpath(root), real)) {
      throw invalidDraft(
        `The file "${name}" is a link that leaves the folder of the draft; replace it by a copy.`,
      )
    }
    facts = await stat(real)
  } catch (error) {
    if (error instanceof HyperletterError) throw error
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw invalidDraft(`The file "${name}" cannot be read (${code}).`, { cause: error })
  }
  if (!facts.isFile()) throw invalidDraft(`"${name}" is not a file.`)
  return { identity: real, sizeBytes: facts.size, open: () => readWhole(real, name) }
}

// In one piece: Node's own `readFile` asks the system for 512 KiB at a time, and on a busy machine
// waits for its turn each time.
async function readWhole(path: string, name: string): Promise<Uint8Array> {
  try {
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
  } catch (cause) {
    throw invalidDraft(`The image "${name}" cannot be read (${codeOf(cause)}).`, { cause })
  }
}

/** True if `real` is not below `home`; both are real paths. */
export function isOutside(home: string, real: string): boolean {
  const way = relative(home, real)
  return way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)
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
