import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { documentOf, type IndexedIssue, type Searchable, type SearchDocument } from './document.ts'
import { type Clause, rank, type Ranked } from './query.ts'
import { readChecked, replaceChecked } from '../../atomic-file.ts'

/** Which words are in which issues: a file for each newsletter, all of them in memory. */
export class SearchIndex {
  readonly #folder: string
  /** By feed key and number. */
  readonly #feeds: Map<string, Map<number, SearchDocument>>
  /** Newsletters whose files are not what they should be. */
  #changed = new Set<string>()

  private constructor(folder: string, feeds: ReadonlyMap<string, readonly SearchDocument[]>) {
    this.#folder = folder
    this.#feeds = new Map(
      [...feeds].map(([feedKey, all]) => [feedKey, new Map(all.map((it) => [it.number, it]))]),
    )
  }

  /** Reads the index of a folder; an empty one where there is none that can be used. */
  static async open(folder: string): Promise<SearchIndex> {
    return new SearchIndex(folder, await readIndex(folder))
  }

  feedKeys(): string[] {
    return [...this.#feeds.keys()]
  }

  numbersOf(feedKey: string): number[] {
    return [...(this.#feeds.get(feedKey)?.keys() ?? [])]
  }

  editionOf(feedKey: string, number: number): number | undefined {
    return this.#feeds.get(feedKey)?.get(number)?.edition
  }

  add(issue: IndexedIssue, searchable: Searchable): void {
    const feed = this.#feeds.get(issue.feedKey) ?? new Map<number, SearchDocument>()
    this.#feeds.set(issue.feedKey, feed.set(issue.number, documentOf(issue, searchable)))
    this.#changed.add(issue.feedKey)
  }

  /** Removes an issue, from the disk with the next `save`. */
  remove(feedKey: string, number: number): void {
    if (this.#feeds.get(feedKey)?.delete(number) === true) this.#changed.add(feedKey)
  }

  /** Removes all of a newsletter, from the disk with the next `save`. */
  removeFeed(feedKey: string): void {
    if (this.#feeds.delete(feedKey)) this.#changed.add(feedKey)
  }

  /** Writes what changed since the last time. Throws what the file system throws. */
  async save(): Promise<void> {
    if (this.#changed.size === 0) return
    const changed = this.#changed
    this.#changed = new Set()
    const feeds = [...this.#feeds].map(([feedKey, all]) => [feedKey, [...all.values()]] as const)
    try {
      await writeIndex(this.#folder, new Map(feeds), changed)
    } catch (error) {
      this.#changed = new Set([...changed, ...this.#changed])
      throw error
    }
  }

  /** Issues that a query finds, best first, and the query as it was understood. */
  search(query: readonly Clause[]): Ranked {
    const documents = [...this.#feeds.values()].flatMap((all) => [...all.values()])
    return rank(documents, query)
  }
}

/**
 * What the files hold, and how texts become terms. Raised when either changes; with another version of
 * Unicode, too, words may come out differently. A file of another version is made anew.
 */
const VERSION = `2-${process.versions['unicode'] ?? ''}`

const FILE = /^(?<feedKey>[a-z0-9]{52})\.terms$/

const count = z.int().nonnegative()

const header = z.strictObject({ version: z.literal(VERSION) })

/** Of each document: number of the issue, edition, length in terms, bytes of its terms. */
const table = z.array(z.tuple([count, count, count, count]))

/** The documents of each newsletter in a folder; of those without a file that is sound and of this version, none. */
export async function readIndex(folder: string): Promise<Map<string, SearchDocument[]>> {
  const names = await readdir(folder).catch((): string[] => [])
  const files = names.flatMap((name) => FILE.exec(name)?.groups?.['feedKey'] ?? [])
  const read = files.map(async (feedKey) => {
    return [feedKey, await documentsIn(folder, feedKey).catch(() => [])] as const
  })
  return new Map(await Promise.all(read))
}

/** A line of JSON that describes the documents, and their terms one after the other. */
async function documentsIn(folder: string, feedKey: string): Promise<SearchDocument[]> {
  const { facts, body } = await readChecked(fileOf(folder, feedKey))
  header.parse(facts)
  let at = body.indexOf('\n') + 1
  return table.parse(JSON.parse(body.toString('utf8', 0, at))).map((described) => {
    const [number, edition, length, size] = described
    const terms = body.subarray(at, (at += size))
    return { feedKey, number, edition, length, terms }
  })
}

/**
 * Writes the documents of newsletters, and removes the files of all others.
 * For this user's eyes only: private newsletters are in it.
 * @param changed Those whose files are not what they should be.
 */
export async function writeIndex(
  folder: string,
  feeds: ReadonlyMap<string, readonly SearchDocument[]>,
  changed: ReadonlySet<string>,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [feedKey, documents] of feeds) {
    if (!changed.has(feedKey)) continue
    const described: z.input<typeof table> = documents.map((it) => [
      it.number,
      it.edition,
      it.length,
      it.terms.length,
    ])
    const line = Buffer.from(`${JSON.stringify(described)}\n`)
    const parts = [line, ...documents.map((it) => it.terms)]
    await replaceChecked(fileOf(folder, feedKey), { version: VERSION }, parts)
  }
  const names = await readdir(folder)
  const stale = names.filter((name) => !feeds.has(FILE.exec(name)?.groups?.['feedKey'] ?? ''))
  await Promise.all(stale.map((name) => rm(join(folder, name), { force: true })))
}

function fileOf(folder: string, feedKey: string): string {
  return join(folder, `${feedKey}.terms`)
}
