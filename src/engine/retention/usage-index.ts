import { KEEP_EVERYTHING, keepsEverything, type Keep } from '../../config/keep.ts'
import type { Feed } from '../../format/feed.ts'
import { EVERYTHING } from '../../format/selection.ts'
import type { Library } from '../library/library.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { diskBytes } from '../../log/store/disk.ts'
import { FeedUsage } from './feed-usage.ts'

/** The feeds that have been open: those of others, which take room under the cap, and one's own, which do not. */
export class UsageIndex {
  readonly #library: Library
  readonly #others = new Map<FeedKey, FeedUsage>()
  /** With what each took when its log was last seen open. */
  readonly #own = new Map<FeedKey, { readonly feed: Feed; bytes: number }>()
  readonly #becomingOwn = new Set<FeedKey>()
  /** The sum is kept, for it is asked for whenever one of a thousand logs grows. */
  readonly #wanted = new Map<FeedUsage, number>()
  #wantedBytes = 0

  constructor(library: Library) {
    this.#library = library
  }

  /** @returns nothing for a newsletter of one's own. */
  add(feed: Feed): FeedUsage | undefined {
    if (feed.writable || this.#isOwn(feed.feedKey)) {
      this.#addOwn(feed)
      return undefined
    }
    this.delete(feed.feedKey)
    const usage = new FeedUsage(feed)
    this.#others.set(feed.feedKey, usage)
    this.update(usage)
    return usage
  }

  addOwn(feedKey: FeedKey): void {
    this.#becomingOwn.add(feedKey)
    const usage = this.delete(feedKey)
    if (usage === undefined) return
    this.#addOwn(usage.feed)
    usage.feed.select(EVERYTHING)
  }

  get(feedKey: FeedKey): FeedUsage | undefined {
    return this.#others.get(feedKey)
  }

  /** All of others; the log of some may be closed. */
  list(): FeedUsage[] {
    return [...this.#others.values()]
  }

  delete(feedKey: FeedKey): FeedUsage | undefined {
    this.#own.delete(feedKey)
    const usage = this.#others.get(feedKey)
    if (usage === undefined) return undefined
    this.#others.delete(feedKey)
    this.#wantedBytes -= this.#wanted.get(usage) ?? 0
    this.#wanted.delete(usage)
    return usage
  }

  /** A newsletter may take more or less than before. */
  update(usage: FeedUsage): void {
    if (this.#others.get(usage.feed.feedKey) !== usage) return
    const { wantedBytes } = usage.usage(this.policyOf(usage))
    this.#wantedBytes += wantedBytes - (this.#wanted.get(usage) ?? 0)
    this.#wanted.set(usage, wantedBytes)
  }

  /** What all newsletters of others take if each gets all that is wanted of it. */
  get wantedBytes(): number {
    return this.#wantedBytes
  }

  /** What is here of them takes, about. */
  get heldBytes(): number {
    return this.list().reduce((sum, it) => sum + it.heldBytes, 0)
  }

  /** The newsletter of others of which most is wanted. */
  get largest(): FeedUsage | undefined {
    const wanted = (it: FeedUsage) => this.#wanted.get(it) ?? 0
    return this.list().toSorted((a, b) => wanted(b) - wanted(a))[0]
  }

  /** What this user wrote takes, about: newsletters, the library and its marks. */
  async ownBytes(): Promise<number> {
    const { bytes, blocks } = await this.#library.storedSize()
    let sum = diskBytes(bytes, blocks)
    for (const own of this.#own.values()) {
      const { log } = own.feed
      if (log.isOpen) own.bytes = diskBytes(log.byteLength, log.length)
      sum += own.bytes
    }
    return sum
  }

  policyOf({ feed }: FeedUsage): Keep {
    return this.#library.get(feed.feedKey)?.keep ?? KEEP_EVERYTHING
  }

  isLimited(usage: FeedUsage): boolean {
    return !keepsEverything(this.policyOf(usage))
  }

  /** Has a newsletter find out what it takes, by its policy. */
  async load(usage: FeedUsage): Promise<void> {
    const starred = await this.#starredOf(usage)
    await usage.load({ keep: this.policyOf(usage), starred }, Date.now())
    this.update(usage)
  }

  /** Number of the oldest issue that may go. */
  async oldestOf(usage: FeedUsage): Promise<number | undefined> {
    return usage.oldest(await this.#starredOf(usage))
  }

  /** Newsletters of others that have not been open yet. */
  unseen(): FeedKey[] {
    return this.#library
      .list()
      .map((it) => it.feedKey)
      .filter((it) => !this.#others.has(it) && !this.#isOwn(it))
  }

  /** Newsletters of one's own that have not been open yet. */
  unseenOwn(): FeedKey[] {
    const keys = this.#library.list().map((it) => it.feedKey)
    return keys.filter((it) => this.#isOwn(it) && !this.#own.has(it))
  }

  #starredOf({ feed }: FeedUsage): Promise<ReadonlySet<number>> {
    return this.#library.marks.numbers('star', feed.feedKey)
  }

  #addOwn(feed: Feed): void {
    this.#own.set(feed.feedKey, { feed, bytes: 0 })
  }

  // Also where this device has not the key to publish: nothing of a newsletter of one's own is ever dropped.
  #isOwn(feedKey: FeedKey): boolean {
    const isAuthor = this.#library.get(feedKey)?.roles.includes('author') === true
    return isAuthor || this.#becomingOwn.has(feedKey)
  }
}
