import { createHash } from 'node:crypto'
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDirectory, writeBeside, type BesideOptions } from '../../atomic-file.ts'
import { codeOf, hasCode, HyperletterError, invalidInput } from '../../errors.ts'
import type { LogFile } from '../../format/log-files/write.ts'
import type { SiteFile } from '../../site/static/model.ts'
import { translateStorageError } from '../../storage-errors.ts'

/** Everybody may read: a web server runs as another user. */
const FOLDER_MODE = 0o755

/** Folders of pages in which every file is made by us. */
const OWN_FOLDERS = ['issues', 'archive', 'complete']

/** Files at the top that a theme or an option may have had and has no more. */
const OPTIONAL = ['theme.css', 'cover.png', 'sitemap.xml']

/**
 * A folder that a web server serves, and that is written again and again. Each file is written beside its place and
 * renamed into it; one that is the same already is not touched, so that `rsync` and its like move only changes.
 */
export class SiteFolder {
  readonly changes = { files: 0, changed: 0, changedBytes: 0, removed: 0 }
  readonly #folder: string
  readonly #signal: AbortSignal | undefined
  readonly #written = new Set<string>()

  /** @param folder absolute; it need not exist. */
  constructor(folder: string, signal: AbortSignal | undefined) {
    this.#folder = folder
    this.#signal = signal
  }

  /** A file, if it is there and no larger than this. */
  async read(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const full = join(this.#folder, path)
    const size = await sizeOf(full)
    if (size === undefined || size > maxBytes) return undefined
    return readFile(full)
  }

  /** Paths of the files in a folder in it; none if there is no such folder. */
  async list(under: string): Promise<string[]> {
    const path = join(this.#folder, under)
    const found = await readdir(path, { withFileTypes: true }).catch(() => [])
    return found.filter((it) => it.isFile()).map(({ name }) => `${under}/${name}`)
  }

  async remove(path: string): Promise<void> {
    await rm(join(this.#folder, path), { force: true })
    this.changes.removed++
  }

  /**
   * Writes a file of a log, whole or not at all; one that never changes and is there already is not looked at.
   * @throws INVALID_INPUT if it cannot be written there; DISK_FULL; the reason of the signal.
   */
  async writeLogFile({ path, isImmutable, sizeBytes, bytes }: LogFile): Promise<void> {
    this.#signal?.throwIfAborted()
    const place = this.#note(path)
    const size = await sizeOf(place)
    if (isImmutable && size !== undefined && size === (sizeBytes ?? size)) return
    const pieces = async function* () {
      yield await bytes()
    }
    // A file that is known by its name alone must survive a power loss whole.
    await this.#replace(place, pieces(), { isSynced: isImmutable })
  }

  /** @throws INVALID_INPUT if there are files of another site that would be replaced. */
  async assertUnused(): Promise<void> {
    const taken = ['index.html', 'atom.xml', 'feed.json', 'style.css', ...OWN_FOLDERS]
    for (const name of taken) {
      const found = await stat(join(this.#folder, name)).catch(() => undefined)
      if (found === undefined) continue
      throw invalidInput(`${this.#folder} has another site: its ${name}.`, {
        hint: 'Choose an empty folder, or one of this newsletter that was exported before.',
      })
    }
  }

  /** Writes a file, and before it the files that it shows. */
  async write({ path, facts, pieces, shows = [] }: SiteFile): Promise<void> {
    this.#signal?.throwIfAborted()
    const mark = facts === undefined ? undefined : hashOf(JSON.stringify(facts))
    const isCurrent = mark !== undefined && (await this.#isMade(path, mark))
    for (const it of shows) await this.#place(it.path, it.bytes, isCurrent, it.pieces)
    if (isCurrent) this.#note(path)
    else {
      const marked = mark === undefined ? pieces : () => withMark(pieces(), path, mark)
      await this.#place(path, undefined, false, marked)
    }
  }

  /** Removes what earlier runs wrote and this one did not. */
  async removeOthers(): Promise<void> {
    for (const folder of OWN_FOLDERS) {
      const found = await readdir(join(this.#folder, folder), {
        recursive: true,
        withFileTypes: true,
      }).catch(() => [])
      const files = found.filter((it) => !it.isDirectory())
      for (const it of files) await this.#removeUnwritten(join(it.parentPath, it.name))
      // From the inmost on; only empty ones can be removed.
      const folders = found
        .filter((it) => it.isDirectory())
        .map((it) => join(it.parentPath, it.name))
      for (const it of [...folders.toSorted().toReversed(), join(this.#folder, folder)]) {
        if ((await readdir(it).catch(() => ['?'])).length === 0) await rm(it, { recursive: true })
      }
    }
    for (const name of OPTIONAL) await this.#removeUnwritten(join(this.#folder, name))
  }

  async #removeUnwritten(path: string): Promise<void> {
    if (this.#written.has(path) || (await stat(path).catch(() => undefined)) === undefined) return
    await rm(path)
    this.changes.removed++
  }

  /** @param isTrusted whether a file of that many bytes needs no second look. */
  async #place(
    path: string,
    bytes: number | undefined,
    isTrusted: boolean,
    pieces: SiteFile['pieces'],
  ): Promise<void> {
    const place = this.#note(path)
    if (isTrusted && bytes !== undefined && (await sizeOf(place)) === bytes) return
    await this.#replace(place, encoded(pieces()), { signal: this.#signal, isSynced: false })
  }

  async #replace(place: string, pieces: AsyncIterable<Uint8Array>, options: BesideOptions) {
    const written = await replaceIfOther(place, pieces, options)
    if (written === undefined) return
    this.changes.changed++
    this.changes.changedBytes += written
  }

  // A file that says what it was made of, and that nobody has changed since.
  async #isMade(path: string, mark: string): Promise<boolean> {
    const text = await readFile(join(this.#folder, path), 'utf8').catch(() => '')
    const body = text.slice(0, -endOf(path, mark, hashOf('')).length)
    return text === body + endOf(path, mark, hashOf(body))
  }

  #note(path: string): string {
    const place = join(this.#folder, path)
    this.#written.add(place)
    this.changes.files++
    return place
  }
}

/** Appends the hash of the sources of a page or feed, and the hash of its content. */
async function* withMark(
  pieces: AsyncIterable<string | Uint8Array>,
  path: string,
  mark: string,
): AsyncGenerator<string | Uint8Array> {
  let text = ''
  for await (const it of pieces) text += String(it)
  if (path.endsWith('.json')) text = text.replace(/\}\s*$/, '')
  yield text
  yield endOf(path, mark, hashOf(text))
}

function endOf(path: string, mark: string, hash: string): string {
  return path.endsWith('.json')
    ? `,"_hyperletter":{"made":"${mark} ${hash}"}}\n`
    : `\n<!-- made: ${mark} ${hash} -->\n`
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24)
}

async function* encoded(pieces: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const it of pieces) yield typeof it === 'string' ? Buffer.from(it) : it
}

/** Bytes of a file; undefined if there is none. */
async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true ? found.size : undefined
}

/**
 * Writes a file beside its place and renames it into it, unless the same is there already.
 * @returns bytes that were written; undefined if it was the same.
 * @throws INVALID_INPUT if it cannot be written there; DISK_FULL; the reason of the signal.
 */
async function replaceIfOther(
  place: string,
  pieces: AsyncIterable<Uint8Array>,
  options: BesideOptions,
): Promise<number | undefined> {
  let temporary: string | undefined
  try {
    await makeDirectory(dirname(place), dirname(place), FOLDER_MODE)
    temporary = await writeBeside(place, pieces, options)
    const { size } = await stat(temporary)
    const isSame =
      size === (await sizeOf(place)) && (await readFile(temporary)).equals(await readFile(place))
    if (isSame) return undefined
    await rename(temporary, place)
    temporary = undefined
    return size
  } catch (error) {
    // What could not be read to be written keeps its own complaint.
    throw codeOf(error) === undefined ? error : notWritten(error, place)
  } finally {
    if (temporary !== undefined) await rm(temporary, { force: true })
  }
}

/** The complaint about a file that could not be written. */
function notWritten(cause: unknown, path: string): unknown {
  const known = translateStorageError(cause)
  const isFolder = hasCode(known, 'INVALID_INPUT')
  if (known instanceof HyperletterError && !isFolder) return known
  const message = isFolder
    ? known.message
    : `Cannot write ${path}: ${codeOf(cause) ?? String(cause)}.`
  const hint = 'Choose a folder that you may write to.'
  return invalidInput(message, { hint, cause })
}
