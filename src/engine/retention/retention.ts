import type Corestore from 'corestore'
import type { Config } from '../../config/config.ts'
import { without, type BlockRange } from '../../format/block-ranges.ts'
import type { Feed } from '../../format/feed.ts'
import { EVERYTHING, sameRanges, UNDECIDED } from '../../format/selection.ts'
import type { Library } from '../library/library.ts'
import type { Logger } from '../../logger.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { Budget } from './budget.ts'
import { allocatedBelow, diskBytes } from '../../log/store/disk.ts'
import { allocate, oldestOfLargest, type Allocation, type Next } from './allocate.ts'
import { Fetching } from './fetching.ts'
import { Reclaimer, NEGLIGIBLE_BYTES } from './reclaim.ts'
import { assertFits, OnDemandCache } from './on-demand-cache.ts'
import { Opening } from './opening.ts'
import { DebouncedTask } from './debounced-task.ts'
import { isLimiting, type FeedUsage } from './feed-usage.ts'
import { UsageIndex } from './usage-index.ts'

export interface RetentionOptions {
  readonly config: Pick<Config, 'dataDir' | 'storeDir'>
  readonly capBytes: number
  readonly store: Corestore
  readonly library: Library
  readonly logger: Logger
  /** Opens a newsletter that rests. */
  readonly open: (feedKey: FeedKey) => Promise<unknown>
}

/** After this without a block, older issues are fetched beside those that nobody sends. */
const STALLED_MS = 5_000

/**
 * Keeps what others wrote under a cap on this disk, and what is kept of each newsletter to the policy its
 * reader chose: says which blocks of each feed are fetched and which are dropped, and takes those off the disk.
 */
export class Retention {
  readonly #options: RetentionOptions
  readonly #budget: Budget
  readonly #stocks: UsageIndex
  readonly #abort = new AbortController()
  readonly #rounds: DebouncedTask
  readonly #loans = new OnDemandCache()
  readonly #freeing: Reclaimer
  readonly #opening: Opening
  readonly #fetching: Fetching
  readonly #seen = new Set<FeedKey>()
  #isMeasured = false
  #decisions: readonly Allocation[] = []
  #next: Next | undefined

  constructor(options: RetentionOptions) {
    this.#options = options
    const { capBytes, store, config, library, logger } = options
    this.#budget = new Budget(capBytes)
    this.#stocks = new UsageIndex(library)
    this.#opening = new Opening(options.open)
    this.#freeing = new Reclaimer({ store, storeDir: config.storeDir, signal: this.#abort.signal })
    this.#fetching = new Fetching({
      budget: this.#budget,
      freeing: this.#freeing,
      loans: this.#loans,
      usedBytes: () => this.usedBytes(),
      reclaim: (wantedBytes) => this.#reclaim({ wantedBytes }),
      onWaiting: () => this.#lookAgain(),
      onRefused: () => this.look(),
    })
    this.#rounds = new DebouncedTask({
      look: (isThorough) => this.#look(isThorough),
      onFailure: (err) => logger.warn({ err }, 'keeping the disk'),
    })
  }

  /** `Infinity` for none. */
  get capBytes(): number {
    return this.#budget.capBytes
  }

  /** From now on; what no longer fits goes soon. */
  setCap(capBytes: number): void {
    this.#budget.capBytes = capBytes
    // Also a feed that was fetched whole so far.
    for (const { stock } of this.#stocks.kept()) this.#holdBack(stock)
    this.look()
  }

  /** Watches over a feed until it is closed. */
  add(feed: Feed): void {
    const { feedKey } = feed
    const { events } = feed.log
    const stock = this.#stocks.add(feed)
    if (stock === undefined) return
    // What is here of it was counted as something unknown so far.
    if (this.#isMeasured && !this.#seen.has(feedKey)) this.#budget.regain(stock.heldBytes)
    this.#seen.add(feedKey)
    const onGrown = () => {
      this.#stocks.note(stock)
      // Before the first of the new blocks is asked for.
      this.#holdBack(stock)
      this.look()
    }
    const onLimited = () => {
      if (feed.selection !== EVERYTHING) this.look()
    }
    events.on('retention', 'append', onGrown)
    events.on('retention', 'download', onLimited)
    events.on('retention', 'listed', onLimited)
    if (isLimiting(this.#stocks.policyOf(feedKey))) feed.select(UNDECIDED)
    this.#holdBack(stock)
    this.look()
  }

  /** A newsletter that is becoming one's own: all of it is kept, whatever the cap. */
  exempt(feedKey: FeedKey): void {
    this.#stocks.exempt(feedKey)
  }

  /** Looks soon whether anything has to be fetched or dropped. */
  look(): void {
    this.#rounds.ask()
  }

  /**
   * Looks now, and waits until what has no place any more is dropped.
   * @param isThorough it is then off the disk too, but for a rest, whether or not the room is needed.
   */
  settle({ isThorough = false } = {}): Promise<void> {
    return this.#rounds.now(isThorough)
  }

  /**
   * Makes room for something of an issue that has no place here, so that it can be fetched now. It goes
   * first when room is needed. @throws TOO_LARGE if it never fits.
   */
  async borrow(feed: Feed, number: number, ranges: readonly BlockRange[]): Promise<void> {
    const { feedKey, log } = feed
    if (feed.selection === EVERYTHING) return
    const blocks = ranges.reduce((sum, it) => sum + it.end - it.start, 0)
    const bytes = diskBytes((blocks * log.byteLength) / Math.max(1, log.length), blocks)
    assertFits(bytes, this.#budget.bytes)
    this.#loans.add({ feedKey, number, ranges, bytes }, this.#budget.bytes)
    await this.settle()
  }

  /**
   * Makes room for blocks of a feed that come at once and not from peers.
   * @returns what gives the room back to the plan. @throws TOO_LARGE if it never fits.
   */
  async reserve({ feedKey }: Feed, bytes: number): Promise<() => void> {
    if (this.#stocks.get(feedKey) === undefined) return () => undefined
    assertFits(bytes, this.#budget.bytes)
    this.#budget.lose(bytes)
    await this.settle({ isThorough: true })
    return () => {
      this.#budget.regain(bytes)
      this.look()
    }
  }

  /** Drops all blocks of a feed that nobody here wants any more. They are off the disk soon after. */
  async forget(feedKey: FeedKey): Promise<void> {
    const stock = this.#stocks.get(feedKey)
    if (stock === undefined) return
    const { feed } = stock
    this.#stocks.remove(stock)
    this.#seen.delete(feedKey)
    if (!stock.isOpen) return
    this.#loans.forget(feedKey)
    feed.select({ fetch: [], keep: [] })
    await this.#freeing.drop(feed)
    this.#budget.regain()
    await this.settle({ isThorough: true })
  }

  /** What blocks of others take on this disk, with all that belongs to them. */
  async usedBytes(): Promise<number> {
    const { dataDir } = this.#options.config
    return Math.max(0, (await allocatedBelow(dataDir)) - this.#stocks.ownBytes)
  }

  /** What goes first when room is needed. */
  async next(): Promise<Next | undefined> {
    const { first } = this.#loans
    if (first !== undefined) return { feedKey: first.feedKey, number: first.number }
    return this.#next ?? oldestOfLargest(this.#stocks.kept())
  }

  /** How many issues of a newsletter have no place here. */
  leftOut(feedKey: FeedKey): number {
    const stock = this.#stocks.get(feedKey)
    if (stock === undefined || stock.feed.selection === EVERYTHING) return 0
    const chosen = this.#decisions.find((it) => it.stock === stock)?.chosen ?? 'all'
    return chosen === 'all' ? 0 : Math.max(0, stock.issues - chosen.size)
  }

  /** Numbers of issues that are larger than the whole cap. */
  tooLarge(feedKey: FeedKey): readonly number[] {
    const items = this.#stocks.get(feedKey)?.items ?? []
    return items.flatMap(({ number, bytes, isPinned }) =>
      number !== undefined && !isPinned && bytes > this.#budget.bytes ? [number] : [],
    )
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#rounds.close()
  }

  async #look(isThorough: boolean): Promise<void> {
    await this.#measure()
    const kept = this.#stocks.kept()
    const lengths = new Map(kept.map(({ stock }) => [stock, stock.feed.length]))
    const budgetBytes = Math.max(0, this.#budget.bytes - this.#loans.bytes)
    const decided = await allocate(kept, budgetBytes, Date.now())
    const { isTight, decisions, next } = decided
    this.#decisions = decisions
    for (const { stock } of decisions) this.#stocks.note(stock)
    this.#next = next
    for (const decision of decisions) await this.#drop(decision)
    const bearable = isThorough ? 0 : this.#budget.bearableBytes
    if (this.#freeing.droppedBytes > bearable) await this.#reclaim({ isThorough })
    const isCurrent = (stock: FeedUsage) => stock.feed.length === lengths.get(stock)
    await this.#fetching.begin(decisions, { isTight, isCurrent })
    if (!isTight) return
    const closed = [...decided.unknown, ...this.#stocks.unseen()]
    if (await this.#opening.some(closed)) this.#lookAgain()
  }

  // Once: what lies here that is neither of a newsletter nor the storage's own leaves less room.
  async #measure(): Promise<void> {
    if (this.#isMeasured || this.capBytes === Infinity) return
    this.#isMeasured = true
    const { storageBytes } = this.#budget
    // It may be what was dropped before a crash.
    if ((await this.usedBytes()) > this.capBytes - storageBytes) await this.#reclaim({})
    const strange = (await this.usedBytes()) - this.#stocks.heldBytes - storageBytes
    this.#budget.lose(strange)
  }

  // What has no place any more goes before anything new comes.
  async #drop({ stock, chosen }: Allocation): Promise<void> {
    const { feed } = stock
    if (chosen === 'all') return
    const { fetch } = feed.selection
    const { keep } = stock.select(chosen, new Set(), this.#loans.of(feed.feedKey))
    if (sameRanges(keep, feed.selection.keep)) return
    if (!stock.isOpen) {
      // It is decided anew once it is open.
      await this.#opening.one(feed.feedKey)
      return
    }
    feed.select({ fetch: without(fetch, without(EVERYTHING.keep, keep)), keep })
    await this.#freeing.drop(feed)
  }

  // The storage copies what lives beside what is dead, so this is done for a good part at once.
  #reclaim({ wantedBytes = 0, isThorough = false }): Promise<void> {
    return this.#freeing.reclaim(async (deadBytes) => {
      const used = await this.usedBytes()
      if (used + wantedBytes > this.#budget.fullBytes) return deadBytes < NEGLIGIBLE_BYTES
      const { leastDeadBytes, bearableBytes } = this.#budget
      const [least, share] = isThorough ? [leastDeadBytes, 0.05] : [bearableBytes, 0.1]
      return deadBytes <= Math.max(least, used * share)
    })
  }

  // A peer that has the rest may never come; others should not wait behind it.
  #lookAgain(): void {
    this.#rounds.askLater(STALLED_MS, () => {
      for (const { stock } of this.#decisions) stock.wait()
    })
  }

  // What does not fit whole is fetched once it is clear which part of it.
  #holdBack(stock: FeedUsage): void {
    const { feed } = stock
    const fits = this.#stocks.totalBytes + this.#loans.bytes <= this.#budget.bytes
    if (!fits && this.#stocks.has(stock) && feed.selection === EVERYTHING) feed.select(UNDECIDED)
  }
}
