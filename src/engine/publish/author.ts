import { hasCode, HyperletterError, ifCode } from '../../errors.ts'
import {
  LOG_START,
  composeNewsletter,
  type Entry,
  type LogPosition,
} from '../../format/history/entry.ts'
import type { Feed } from '../../format/feed.ts'
import { short, type Logger } from '../../logger.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { decodeRecord } from '../../format/records/record.ts'
import type { Newsletter } from '../../format/records/bodies.ts'
import type { AppendOptions, Continuity } from './continuity.ts'
import type { Journal, PendingAppend } from './journal.ts'
import { SerialQueue } from '../../async.ts'

export interface AuthorOptions {
  readonly journal: Journal
  readonly continuity: Continuity
  readonly logger: Logger
  readonly flush: () => Promise<void>
  /** Reads the signing key of a feed. Throws KEY_DAMAGED. */
  readonly readKey?: (feedKey: FeedKey) => Promise<unknown>
}

/**
 * Appends to the feeds of this device so that an acknowledged entry is never lost and never signed
 * twice: journal, append, flush and note, drop the journal. One append at a time a feed.
 */
export class Author {
  readonly #options: AuthorOptions
  readonly #queues = new Map<string, SerialQueue>()
  #closed = false

  constructor(options: AuthorOptions) {
    this.#options = options
  }

  /** Opens a new, empty feed with its profile. */
  begin(feed: Feed, newsletter: Newsletter): Promise<void> {
    return this.exclusively(feed.feedKey, () =>
      this.#append(feed, LOG_START, [composeNewsletter(LOG_START, newsletter)]),
    )
  }

  /**
   * Appends entries, each composed for the place that the one before it leaves, in one journal and one flush.
   * Where the log here may be behind, it catches up from peers first.
   * @throws NOT_AUTHOR, KEY_DAMAGED, FEED_BEHIND if blocks of the log are missing here and cannot be had, FEED_CONFLICT if
   * the log here is another than the one that was published, DISK_FULL; then nothing was published.
   */
  append<E extends Entry>(
    feed: Feed,
    compose: readonly ((at: LogPosition) => E)[],
    options: AppendOptions = {},
  ): Promise<readonly E[]> {
    return this.exclusively(feed.feedKey, async () => {
      await this.#assureCurrent(feed, options)
      const start = await feed.position()
      const entries: E[] = []
      for (const make of compose) entries.push(make(entries.at(-1)?.next ?? start))
      await this.#append(feed, start, entries)
      return entries
    })
  }

  /** What `append` does first, for work that looks at the log before it appends. @throws as `append` does */
  makeCurrent(feed: Feed, options: AppendOptions = {}): Promise<void> {
    return this.exclusively(feed.feedKey, () => this.#assureCurrent(feed, options))
  }

  /**
   * Finishes an append that a crash interrupted.
   * @throws FEED_BEHIND or FEED_CONFLICT if the log is not where that append began; INVALID_RECORD if what is in
   * the journal is no entry that this version knows, which is never signed.
   */
  async recover(feed: Feed, { start, blocks }: PendingAppend): Promise<void> {
    decodeRecord(blocks.at(-1) ?? new Uint8Array(), start + blocks.length - 1)
    if (feed.length < start) {
      const message = `The log has ${feed.length} blocks, but had ${start} before it crashed.`
      throw new HyperletterError('FEED_BEHIND', message)
    }
    if (feed.length === start) {
      await feed.log.append(blocks)
      const facts = { feed: short(feed.feedKey), index: start }
      this.#options.logger.warn(facts, 'finished an interrupted publication')
    } else if (!(await sameBlocks(feed, start, blocks))) {
      const message = 'The log went on with other blocks than those in the journal.'
      throw new HyperletterError('FEED_CONFLICT', message)
    }
    await this.#options.flush()
    await this.#options.continuity.record(feed)
    await this.#options.journal.drop(feed.feedKey)
  }

  /** Forgets an entry that was interrupted, together with the history that it belonged to. */
  async forgetPending(feedKey: FeedKey): Promise<void> {
    await this.#options.journal.drop(feedKey)
  }

  /** Remembers a longer log that peers proved to have. */
  async recordAdopted(feed: Feed): Promise<void> {
    await this.exclusively(feed.feedKey, () => this.#options.continuity.recordAdopted(feed))
  }

  /** Runs work while nothing is appended to a feed. @throws ABORTED */
  exclusively<T>(feedKey: FeedKey, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(feedKey) ?? new SerialQueue()
    this.#queues.set(feedKey, queue)
    return queue.run(() => {
      if (this.#closed) throw new HyperletterError('ABORTED', 'The engine is closing.')
      return work()
    })
  }

  /** Keeps others from appending to a feed until the function that it gives is called; that must happen. */
  lock(feedKey: FeedKey): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const held = () => new Promise<void>((release) => resolve(release))
      this.exclusively(feedKey, held).catch(reject)
    })
  }

  /** Takes no further appends, and waits for the one that has begun in each feed: it ends whole. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#queues.values()].map((it) => it.idle()))
  }

  async #append(feed: Feed, at: LogPosition, entries: readonly Entry[]): Promise<void> {
    const blocks = entries.flatMap((entry) => entry.blocks)
    const { feedKey } = feed
    await this.#options.journal.write({ feedKey, start: at.length, blocks })
    try {
      await feed.log.append(blocks)
    } catch (error) {
      // Nothing was appended, and the caller is told so: it must not be published at the next start.
      if (feed.length === at.length) await this.#options.journal.drop(feedKey)
      throw error
    }
    // Both wait for the disk, and until both are done the journal stands for the entry.
    const [flushed, noted] = await Promise.allSettled([
      this.#options.flush(),
      this.#options.continuity.record(feed),
    ])
    const { logger } = this.#options
    if (flushed.status === 'rejected') {
      // It is in the log, and safe in the journal: published, whatever this store can still do. To
      // report a failure would make the author publish it twice. The next start finishes it.
      const { reason: err } = flushed as { reason: unknown }
      logger.warn({ feed: short(feedKey), err }, 'an entry stays in the journal')
      return
    }
    if (noted.status === 'rejected') {
      // It is published and on disk; a note that is behind only notices less.
      const { reason: err } = noted as { reason: unknown }
      logger.warn({ feed: short(feedKey), err }, 'could not note what was published')
    }
    await this.#options.journal.drop(feedKey)
  }

  /** @throws NOT_AUTHOR, KEY_DAMAGED, FEED_BEHIND, FEED_CONFLICT */
  async #assureCurrent(feed: Feed, options: AppendOptions): Promise<void> {
    if (!feed.writable) {
      await this.#options.readKey?.(feed.feedKey)
      const message = 'This device does not hold the signing key of the newsletter.'
      throw new HyperletterError('NOT_AUTHOR', message)
    }
    const { continuity, journal } = this.#options
    if ((await continuity.assure(feed, options)) === 'settled') await this.#dropForeign(feed)
    if (await journal.has(feed.feedKey)) await this.#finish(feed)
  }

  // The original of a copied directory gave this entry up and published another: it was told so.
  async #dropForeign(feed: Feed): Promise<void> {
    for (const it of await this.#options.journal.pending()) {
      if (it.feedKey !== feed.feedKey || feed.length === it.start) continue
      if (await sameBlocks(feed, it.start, it.blocks)) continue
      await this.#options.journal.drop(feed.feedKey)
    }
  }

  // What the engine could not finish when it opened may be possible now: the log caught up meanwhile.
  async #finish(feed: Feed): Promise<void> {
    const pending = await this.#options.journal.pending()
    try {
      for (const it of pending) if (it.feedKey === feed.feedKey) await this.recover(feed, it)
    } catch (cause) {
      if (hasCode(cause, 'DISK_FULL')) throw cause
      const message = 'An interrupted publication could not be finished.'
      throw new HyperletterError('FEED_BEHIND', message, { cause })
    }
  }
}

async function sameBlocks(
  feed: Feed,
  start: number,
  blocks: readonly Uint8Array[],
): Promise<boolean> {
  for (const [offset, expected] of blocks.entries()) {
    const found = await feed.log
      .read(start + offset, { wait: false })
      .catch(ifCode(undefined, 'NOT_AVAILABLE'))
    if (found === undefined || Buffer.compare(found, expected) !== 0) return false
  }
  return true
}
