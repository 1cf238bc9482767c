import { KEEP_EVERYTHING, type Keep } from '../../config/keep.ts'
import type { Feed } from '../../format/feed.ts'
import { EVERYTHING } from '../../format/selection.ts'
import type { Library } from '../library/library.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { totalOf, type Kept } from './allocate.ts'
import { FeedUsage } from './feed-usage.ts'

/** The feeds that have been open: those of others, which take room under the cap, and one's own, which do not. */
export class UsageIndex {
  readonly #library: Library
  readonly #stocks = new Map<FeedKey, FeedUsage>()
  readonly #own = new Set<Feed>()
  readonly #exempt = new Set<FeedKey>()
  /** The sum is kept, for it is asked for whenever one of a thousand logs grows. */
  readonly #totals = new Map<FeedUsage, number>()
  #totalBytes = 0

  constructor(library: Library) {
    this.#library = library
  }

  /** @returns nothing for a newsletter of one's own. */
  add(feed: Feed): FeedUsage | undefined {
    if (feed.writable || this.#isOwn(feed.feedKey)) {
      this.#addOwn(feed)
      return undefined
    }
    const before = this.#stocks.get(feed.feedKey)
    if (before !== undefined) this.remove(before)
    const stock = new FeedUsage(feed)
    this.#stocks.set(feed.feedKey, stock)
    this.note(stock)
    return stock
  }

  /** Counts a newsletter as one's own from now on. */
  exempt(feedKey: FeedKey): void {
    this.#exempt.add(feedKey)
    const stock = this.#stocks.get(feedKey)
    if (stock === undefined) return
    this.remove(stock)
    this.#addOwn(stock.feed)
    stock.feed.select(EVERYTHING)
  }

  get(feedKey: FeedKey): FeedUsage | undefined {
    return this.#stocks.get(feedKey)
  }

  /** Whether it is still one of these. */
  has(stock: FeedUsage): boolean {
    return this.#stocks.get(stock.feed.feedKey) === stock
  }

  remove(stock: FeedUsage): void {
    if (this.has(stock)) this.#stocks.delete(stock.feed.feedKey)
    this.#totalBytes -= this.#totals.get(stock) ?? 0
    this.#totals.delete(stock)
  }

  /** Notes that a newsletter may take more or less than before. */
  note(stock: FeedUsage): void {
    if (!this.has(stock)) return
    const total = totalOf({ stock, keep: this.policyOf(stock.feed.feedKey) })
    this.#totalBytes += total - (this.#totals.get(stock) ?? 0)
    this.#totals.set(stock, total)
  }

  /** What all newsletters of others take if each gets all that is wanted of it. */
  get totalBytes(): number {
    return this.#totalBytes
  }

  /** What is here of them takes, about. */
  get heldBytes(): number {
    return [...this.#stocks.values()].reduce((sum, it) => sum + it.heldBytes, 0)
  }

  get ownBytes(): number {
    return [...this.#own].reduce((sum, it) => sum + it.log.byteLength, 0)
  }

  policyOf(feedKey: FeedKey): Keep {
    return this.#library.get(feedKey)?.keep ?? KEEP_EVERYTHING
  }

  /** All of them with what is wanted of them; some may rest. */
  kept(): Kept[] {
    return [...this.#stocks.values()].map((stock) => {
      const { feedKey } = stock.feed
      const starred = () => this.#library.marks.numbers('star', feedKey)
      return { stock, keep: this.policyOf(feedKey), starred }
    })
  }

  /** Newsletters of others that have not been open yet. */
  unseen(): FeedKey[] {
    return this.#library
      .list()
      .map((it) => it.feedKey)
      .filter((it) => !this.#stocks.has(it) && !this.#isOwn(it))
  }

  #addOwn(feed: Feed): void {
    this.#own.add(feed)
    feed.log.events.on('retention', 'close', () => this.#own.delete(feed))
  }

  // Also where this device has not the key to publish: nothing of a newsletter of one's own is ever dropped.
  #isOwn(feedKey: FeedKey): boolean {
    const isAuthor = this.#library.get(feedKey)?.roles.includes('author') === true
    return isAuthor || this.#exempt.has(feedKey)
  }
}
