import type { Engine } from '../../../engine/engine.ts'
import { hasCode } from '../../../errors.ts'
import { contentRange } from '../../../format/history/issue-ranges.ts'
import { newestEdition, type Edition } from '../../../format/history/corrections.ts'
import type { Feed } from '../../../format/feed.ts'
import type { Listing } from '../../../format/history/history.ts'
import type { LibraryEntry } from '../../../engine/library/library.ts'
import type { SearchIndex } from '../../../engine/search/search-index.ts'
import { plainText } from '../../../engine/search/text/plain-text.ts'
import { INLINE_LENGTH, inWorker } from '../../../text-worker/text-worker.ts'

/** Texts that are read from disk at the same time. */
const READ_AT_ONCE = 16

const LOCAL = { wait: false }

/**
 * Brings an index up to what is on this machine by comparing it with the logs: what arrived or was
 * amended is read and added, what was retracted or left the library is removed.
 */
export class CatchUp {
  readonly #engine: Engine
  readonly #index: SearchIndex
  // A listing is the same object until its log changes; these are in the index as they are.
  readonly #done = new WeakSet<Listing>()

  constructor(engine: Engine, index: SearchIndex) {
    this.#engine = engine
    this.#index = index
  }

  /** Throws the reason of an aborted signal; what was read until then is kept. */
  async run(signal: AbortSignal | undefined): Promise<void> {
    const entries = this.#engine.library.list()
    const here = new Set<string>(entries.map((it) => it.feedKey))
    for (const feedKey of this.#index.feedKeys()) {
      if (!here.has(feedKey)) this.#index.removeFeed(feedKey)
    }
    for (const entry of entries) await this.#catchUp(entry, signal)
  }

  async #catchUp(entry: LibraryEntry, signal: AbortSignal | undefined): Promise<void> {
    try {
      await using session = await this.#engine.open(entry)
      const { feed } = session
      const listing = await feed.list(LOCAL)
      if (this.#done.has(listing)) return
      const isAllThere = await this.#compare(feed, listing, signal)
      if (isAllThere) this.#done.add(listing)
    } catch (error) {
      // A newsletter that cannot be read must not keep the others from being searched.
      if (!hasCode(error, 'NEEDS_KEY', 'NOT_AVAILABLE')) throw error
    }
  }

  async #compare(
    feed: Feed,
    { issues, missing }: Listing,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const index = this.#index
    const wanted: { number: number; edition: Edition }[] = []
    const gone = new Set(missing === 0 ? index.numbersOf(feed.feedKey) : [])
    for (const issue of issues) {
      const { number } = issue.record
      const edition = newestEdition(issue)
      if (issue.retraction !== undefined) {
        gone.add(number)
        continue
      }
      gone.delete(number)
      if (index.editionOf(feed.feedKey, number) !== edition.index) wanted.push({ number, edition })
    }
    for (const number of gone) index.remove(feed.feedKey, number)
    let isAllThere = missing === 0
    // Oldest first, as they will arrive from here on.
    wanted.reverse()
    for (let i = 0; i < wanted.length; i += READ_AT_ONCE) {
      signal?.throwIfAborted()
      const some = wanted.slice(i, i + READ_AT_ONCE)
      const added = await Promise.all(
        some.map(({ number, edition }) => this.#add(feed, number, edition)),
      )
      isAllThere &&= added.every(Boolean)
    }
    return isAllThere
  }

  /** @returns false if the text is not here yet. */
  async #add(feed: Feed, number: number, edition: Edition): Promise<boolean> {
    if (!feed.holds(contentRange(edition.record.body))) return false
    const { title, summary, tags, authors } = edition.record
    const markdown = await readText(feed, edition)
    // One that takes too long is found by its head, as one that cannot be read.
    const text =
      markdown.length <= INLINE_LENGTH
        ? plainText(markdown)
        : ((await inWorker('terms', { text: markdown })) ?? '')
    this.#index.add(
      { feedKey: feed.feedKey, number, edition: edition.index },
      { title, text, summary, tags, authors: authors?.map((it) => it.name) },
    )
    return true
  }
}

// An issue whose text is not what its record says is found by its head.
async function readText(feed: Feed, edition: Edition): Promise<string> {
  try {
    return await feed.readBody(edition, LOCAL)
  } catch (error) {
    if (hasCode(error, 'INVALID_RECORD', 'TOO_LARGE')) return ''
    throw error
  }
}
