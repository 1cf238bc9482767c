import type { Config } from '../../config/config.ts'
import { DebouncedTask } from '../../async.ts'
import { without, type BlockRange } from '../../format/block-ranges.ts'
import type { Feed } from '../../format/feed.ts'
import { EVERYTHING, sameRanges, UNDECIDED } from '../../format/selection.ts'
import type { Library } from '../library/library.ts'
import type { Logger } from '../../logger.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { diskBytes } from '../../log/store/disk.ts'
import type { Store } from '../../log/store/store.ts'
import { CappedDisk } from './capped-disk.ts'
import type { FeedUsage } from './feed-usage.ts'
import {
  addOnDemand,
  allocate,
  fairShare,
  overShare,
  recordShare,
  totalBytes,
  type Choice,
  type OnDemandIssue,
  type Plan,
} from './plan.ts'
import { StepwiseFetching } from './stepwise-fetching.ts'
import { UsageIndex } from './usage-index.ts'

export interface RetentionOptions {
  readonly config: Pick<Config, 'storeDir' | 'lettersDir'>
  readonly capBytes: number
  readonly store: Store
  readonly library: Library
  readonly logger: Logger
  readonly open: (feedKey: FeedKey) => Promise<unknown>
}

/** What goes first when room is needed. */
export interface Next {
  readonly feedKey: FeedKey
  /** Absent for a newsletter that cannot be read here. */
  readonly number: number | undefined
}

/** A log grows and blocks arrive by the hundred; one round serves them all. */
const ROUND_AFTER_MS = 200

/** Issues come of age. */
const ROUND_EVERY_MS = 3_600_000

/**
 * Keeps what others wrote under a cap on this disk, and what is kept of each newsletter to the policy its
 * reader chose. In rounds: find out what newsletters take, plan what stays (see `plan.ts`), drop the rest, take it
 * off the disk when it is much, and select what is fetched next.
 */
export class Retention {
  readonly #open: RetentionOptions['open']
  readonly #disk: CappedDisk
  readonly #index: UsageIndex
  readonly #rounds: DebouncedTask
  readonly #fetching: StepwiseFetching
  readonly #abort = new AbortController()
  /** In the order in which they were asked for. */
  #onDemand: readonly OnDemandIssue[] = []
  /** What was decided in the last round. */
  #choices: ReadonlyMap<FeedUsage, Choice> = new Map()
  #next: Next | undefined
  readonly #seen = new Set<FeedKey>()
  #isMeasured = false

  constructor({ config, capBytes, store, library, logger, open }: RetentionOptions) {
    this.#open = open
    this.#index = new UsageIndex(library)
    const ownBytes = () => this.#index.ownBytes()
    this.#disk = new CappedDisk({ config, capBytes, store, ownBytes, signal: this.#abort.signal })
    this.#rounds = new DebouncedTask({
      run: (isThorough) => this.#round(isThorough),
      onFailure: (err) => logger.warn({ err }, 'keeping the disk'),
      delayMs: ROUND_AFTER_MS,
      everyMs: ROUND_EVERY_MS,
    })
    this.#fetching = new StepwiseFetching(this.#disk, this.#rounds, open)
  }

  /** `Infinity` for none. */
  get capBytes(): number {
    return this.#disk.capBytes
  }

  /** What letters take on the disk, and may take. */
  get letters(): Pick<CappedDisk, 'letterBytes' | 'letterBudgetBytes'> {
    return this.#disk
  }

  /** From now on; what no longer fits goes soon. */
  setCap(capBytes: number): void {
    this.#disk.capBytes = capBytes
    // Also a feed that was fetched whole so far.
    for (const usage of this.#index.list()) this.#holdBack(usage)
    this.schedule()
  }

  /** Watches over a feed until it is closed. */
  add(feed: Feed): void {
    const { feedKey, log } = feed
    const { events } = log
    const usage = this.#index.add(feed)
    if (usage === undefined) return
    // What is here of it was counted as something unknown so far.
    if (this.#isMeasured && !this.#seen.has(feedKey))
      this.#disk.regain(this.#index.unseen().length === 0 ? Infinity : usage.heldBytes)
    this.#seen.add(feedKey)
    events.on('retention', 'append', () => {
      this.#index.update(usage)
      // Before the first of the new blocks is asked for.
      this.#holdBack(usage)
      this.schedule()
    })
    const onNews = () => {
      if (feed.selection !== EVERYTHING) this.schedule()
    }
    events.on('retention', 'download', onNews)
    events.on('retention', 'listed', onNews)
    if (this.#index.isLimited(usage)) feed.select(UNDECIDED)
    this.#holdBack(usage)
    this.schedule()
  }

  /** A newsletter that is becoming one's own: all of it is kept, whatever the cap. */
  keepAll(feedKey: FeedKey): void {
    this.#index.addOwn(feedKey)
  }

  schedule(): void {
    this.#rounds.schedule()
  }

  /**
   * Has a round now, and waits until what has no place any more is dropped.
   * @param isThorough it is then off the disk too, but for a rest, whether or not the room is needed.
   */
  runNow({ isThorough = false } = {}): Promise<void> {
    return this.#rounds.runNow(isThorough)
  }

  /**
   * Makes room for something of an issue that has no place here, so that it can be fetched now. It goes
   * first when room is needed. @throws TOO_LARGE if it never fits.
   */
  async reserveOnDemand(feed: Feed, number: number, ranges: readonly BlockRange[]): Promise<void> {
    const { feedKey, log } = feed
    if (feed.selection === EVERYTHING) return
    const blocks = ranges.reduce((sum, it) => sum + it.end - it.start, 0)
    const bytes = diskBytes((blocks * log.byteLength) / Math.max(1, log.length), blocks)
    this.#disk.assertFits(bytes)
    const issue = { feedKey, number, ranges, bytes }
    this.#onDemand = addOnDemand(this.#onDemand, issue, this.#disk.budgetBytes)
    await this.runNow()
  }

  /**
   * Makes room for blocks of a feed that come at once and not from peers.
   * @returns what gives the room back to the plan. @throws TOO_LARGE if it never fits.
   */
  async reserve({ feedKey }: Feed, bytes: number): Promise<() => void> {
    if (this.#index.get(feedKey) === undefined) return () => undefined
    this.#disk.assertFits(bytes)
    this.#disk.lose(bytes)
    await this.runNow({ isThorough: true })
    return () => {
      this.#disk.regain(bytes)
      this.schedule()
    }
  }

  /** Drops all blocks of a feed that nobody here wants any more. They are off the disk soon after. */
  async discard(feedKey: FeedKey): Promise<void> {
    const usage = this.#index.delete(feedKey)
    this.#seen.delete(feedKey)
    if (usage?.isOpen !== true) return
    this.#onDemand = this.#onDemand.filter((it) => it.feedKey !== feedKey)
    usage.feed.select({ fetch: [], keep: [] })
    await this.#disk.drop(usage.feed)
    this.#disk.regain()
    await this.runNow({ isThorough: true })
  }

  /** What blocks of others and letters take on this disk, with all that belongs to them. */
  usedBytes(): Promise<number> {
    return this.#disk.usedBytes()
  }

  /** What goes first when room is needed; where everything fits, the oldest issue of the newsletter that takes most. */
  async next(): Promise<Next | undefined> {
    const [first] = this.#onDemand
    if (first !== undefined) return { feedKey: first.feedKey, number: first.number }
    if (this.#next !== undefined) return this.#next
    const { largest } = this.#index
    if (largest === undefined || largest.feed.length === 0) return undefined
    const { feedKey } = largest.feed
    if (!this.#index.isLimited(largest)) {
      return { feedKey, number: await this.#index.oldestOf(largest) }
    }
    const oldest = largest.items.findLast((it) => !it.isPinned)
    return oldest && { feedKey, number: oldest.number }
  }

  /** How many issues of a newsletter have no place here. */
  leftOut(feedKey: FeedKey): number {
    const usage = this.#index.get(feedKey)
    if (usage === undefined || usage.feed.selection === EVERYTHING) return 0
    const chosen = this.#choices.get(usage) ?? 'all'
    return chosen === 'all' ? 0 : Math.max(0, usage.issues - chosen.size)
  }

  /** Numbers of issues that are larger than the whole cap. */
  tooLarge(feedKey: FeedKey): readonly number[] {
    const items = this.#index.get(feedKey)?.items ?? []
    return items.flatMap(({ number, bytes, isPinned }) =>
      number !== undefined && !isPinned && !this.#disk.fits(bytes) ? [number] : [],
    )
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#rounds.close()
  }

  async #round(isThorough: boolean): Promise<void> {
    if (!this.#isMeasured && this.capBytes !== Infinity) {
      this.#isMeasured = true
      // What they take is not known before.
      for (const feedKey of this.#index.unseenOwn()) await this.#open(feedKey)
      await this.#disk.measure(this.#index.heldBytes, this.#index.unseen().length === 0)
    }
    const usages = this.#index.list()
    const lengths = new Map(usages.map((it) => [it, it.feed.length]))
    const plan = await this.#plan(usages)
    // What has no place any more goes before anything new comes.
    for (const [usage, choice] of this.#choices) await this.#drop(usage, choice)
    if (isThorough ? this.#disk.hasDropped : this.#disk.isDirty) {
      await this.#disk.reclaim({ isThorough })
    }
    await this.#fetching.fetch(usages, plan, {
      // What has grown since is held back, and decided anew.
      mayFetch: (it) => it.isOpen && it.feed.length === lengths.get(it),
      onDemandOf: (it) => this.#onDemandOf(it.feed.feedKey),
    })
    if (!plan.isTight) return
    const unknown = plan.unknown.flatMap((i) => usages[i]?.feed.feedKey ?? [])
    await this.#fetching.openSome([...unknown, ...this.#index.unseen()])
  }

  async #plan(usages: readonly FeedUsage[]): Promise<Plan> {
    const budgetBytes = Math.max(0, this.#disk.budgetBytes - totalBytes(this.#onDemand))
    const measured = () => usages.map((it) => it.usage(this.#index.policyOf(it)))
    for (const it of usages) if (this.#index.isLimited(it)) await this.#index.load(it)
    const before = measured()
    const over = new Set(overShare(before, budgetBytes))
    const wanted = before.map((it) => it.wantedBytes)
    const mostRecordBytes = recordShare(fairShare(wanted, budgetBytes))
    for (const [i, usage] of usages.entries()) {
      usage.feed.maxRecordBytes = over.has(i) ? mostRecordBytes : Infinity
      if (over.has(i)) await this.#index.load(usage)
    }
    for (const it of usages) this.#index.update(it)
    const plan = allocate(measured(), budgetBytes)
    this.#choices = new Map(usages.map((it, i) => [it, plan.choices[i] ?? 'all']))
    const last = plan.next && usages[plan.next.newsletter]
    const number = plan.next && last?.items[plan.next.item]?.number
    this.#next = last && { feedKey: last.feed.feedKey, number }
    return plan
  }

  async #drop(usage: FeedUsage, choice: Choice): Promise<void> {
    const { feed } = usage
    if (choice === 'all') return
    const { keep } = usage.selectionOf(choice, new Set(), this.#onDemandOf(feed.feedKey))
    if (sameRanges(keep, feed.selection.keep)) return
    // It is decided anew once it is open.
    if (!usage.isOpen) return void (await this.#open(feed.feedKey))
    const fetch = without(feed.selection.fetch, without(EVERYTHING.keep, keep))
    feed.select({ fetch, keep })
    await this.#disk.drop(feed)
  }

  // What does not fit whole is fetched once it is clear which part of it.
  #holdBack(usage: FeedUsage): void {
    const { feed } = usage
    if (this.#index.get(feed.feedKey) !== usage || feed.selection !== EVERYTHING) return
    const neededBytes = this.#index.wantedBytes + totalBytes(this.#onDemand)
    if (neededBytes <= this.#disk.budgetBytes) return
    feed.maxRecordBytes = recordShare(this.#disk.budgetBytes)
    feed.select(UNDECIDED)
  }

  #onDemandOf(feedKey: FeedKey): readonly OnDemandIssue[] {
    return this.#onDemand.filter((it) => it.feedKey === feedKey)
  }
}
