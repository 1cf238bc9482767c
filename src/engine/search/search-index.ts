import { documentOf, type IndexedIssue, type Searchable, type SearchDocument } from './document.ts'
import { readIndex, writeIndex } from './index-files.ts'
import type { Clause } from './query.ts'
import { rank, type Ranked } from './ranking.ts'

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

  /** Numbers of the issues of a newsletter that are in the index. */
  numbersOf(feedKey: string): number[] {
    return [...(this.#feeds.get(feedKey)?.keys() ?? [])]
  }

  /** The edition of an issue that is in the index. */
  editionOf(feedKey: string, number: number): number | undefined {
    return this.#feeds.get(feedKey)?.get(number)?.edition
  }

  /** Adds an issue, or another edition of one. */
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
    return rank(
      [...this.#feeds.values()].flatMap((all) => [...all.values()]),
      query,
    )
  }
}
