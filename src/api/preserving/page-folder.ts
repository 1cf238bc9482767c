import { createHash } from 'node:crypto'
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { HyperletterError } from '../../errors.ts'
import type { SiteFile } from '../../site/static/model.ts'
import { replaceIfOther, sizeOf } from './log-folder.ts'

/** What a run did to a folder. */
export interface PageChanges {
  files: number
  changed: number
  changedBytes: number
  removed: number
}

/** Folders in which every file is made by us. */
const OWN_FOLDERS = ['issues', 'archive', 'complete']

/** Files at the top that a theme or an option may have had and has no more. */
const OPTIONAL = ['theme.css', 'cover.png', 'sitemap.xml']

/**
 * The files of a site in a folder. Each is written beside its place and renamed into it; one that is the same already
 * is not touched, so that `rsync` and its like move only changes.
 */
export class PageFolder {
  readonly changes: PageChanges = { files: 0, changed: 0, changedBytes: 0, removed: 0 }
  readonly #folder: string
  readonly #signal: AbortSignal | undefined
  readonly #written = new Set<string>()

  constructor(folder: string, signal: AbortSignal | undefined) {
    this.#folder = folder
    this.#signal = signal
  }

  /** @throws INVALID_INPUT if there are files of another site that would be replaced. */
  async assertUnused(): Promise<void> {
    const taken = ['index.html', 'atom.xml', 'feed.json', 'style.css', ...OWN_FOLDERS]
    for (const name of taken) {
      const found = await stat(join(this.#folder, name)).catch(() => undefined)
      if (found === undefined) continue
      throw new HyperletterError(
        'INVALID_INPUT',
        `${this.#folder} has another site: its ${name}.`,
        {
          hint: 'Choose an empty folder, or one of this newsletter that was exported before.',
        },
      )
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
    const options = { signal: this.#signal, isSynced: false }
    const written = await replaceIfOther(place, encoded(pieces()), options)
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
