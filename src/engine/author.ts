import { HyperletterError } from '../errors.ts'
import { LOG_START, composeNewsletter, type Entry, type LogPosition } from '../feed/entry.ts'
import type { Feed } from '../feed/feed.ts'
import { short, type Logger } from '../logger.ts'
import type { Newsletter } from '../records/newsletter.ts'
import { onStore } from '../storage-errors.ts'
import type { Journal, PendingAppend } from './journal.ts'

export interface AuthorOptions {
  readonly journal: Journal
  readonly logger: Logger
  /** Forces what was appended to disk. */
  readonly flush: () => Promise<void>
}

/**
 * Appends to the feeds of this device so that an acknowledged entry is never lost and never signed
 * twice: journal, append, flush, drop the journal. One append at a time a feed.
 */
export class Author {
  readonly #options: AuthorOptions
  readonly #queues = new Map<string, Promise<unknown>>()
  #closed = false

  constructor(options: AuthorOptions) {
    this.#options = options
  }

  /** Opens a new, empty feed with its profile. */
  begin(feed: Feed, newsletter: Newsletter): Promise<void> {
    return this.#exclusively(feed, () =>
      this.#append(feed, LOG_START, [composeNewsletter(LOG_START, newsletter)]),
    )
  }

  /**
   * Appends entries, each composed for the place that the one before it leaves, in one journal and one flush.
   * @throws NOT_AUTHOR, FEED_BEHIND if blocks of the log are missing here, DISK_FULL; then nothing was published.
   */
  append<E extends Entry>(
    feed: Feed,
    compose: readonly ((at: LogPosition) => E)[],
  ): Promise<readonly E[]> {
    return this.#exclusively(feed, async () => {
      await this.#assertMayAppend(feed)
      const start = await feed.position()
      const entries: E[] = []
      for (const make of compose) entries.push(make(entries.at(-1)?.next ?? start))
      await this.#append(feed, start, entries)
      return entries
    })
  }

  /**
   * Finishes an append that a crash interrupted.
   * @throws FEED_BEHIND or FEED_CONFLICT if the log is not where that append began.
   */
  async recover(feed: Feed, { start, blocks }: PendingAppend): Promise<void> {
    if (feed.length < start) {
      throw new HyperletterError(
        'FEED_BEHIND',
        `The log has ${feed.length} blocks, but had ${start} before it crashed.`,
      )
    }
    if (feed.length === start) {
      await onStore(() => feed.core.append(blocks))
      this.#options.logger.warn(
        { feed: short(feed.feedKey), index: start },
        'finished an interrupted publication',
      )
    } else if (!(await sameBlocks(feed, start, blocks))) {
      throw new HyperletterError(
        'FEED_CONFLICT',
        'The log went on with other blocks than those in the journal.',
      )
    }
    await this.#options.flush()
    await this.#options.journal.drop(feed.feedKey)
  }

  /** Takes no further appends, and waits for the one that has begun in each feed: it ends whole. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#queues.values())
  }

  async #append(feed: Feed, at: LogPosition, entries: readonly Entry[]): Promise<void> {
    const blocks = entries.flatMap((entry) => entry.blocks)
    const { feedKey } = feed
    await this.#options.journal.write({ feedKey, start: at.length, blocks })
    try {
      await onStore(() => feed.core.append(blocks))
    } catch (error) {
      // Nothing was appended, and the caller is told so: it must not be published at the next start.
      if (feed.length === at.length) await this.#options.journal.drop(feedKey)
      throw error
    }
    try {
      await this.#options.flush()
    } catch (err) {
      // It is in the log, and safe in the journal: published, whatever this store can still do. To
      // report a failure would make the author publish it twice. The next start finishes it.
      this.#options.logger.warn({ feed: short(feedKey), err }, 'an entry stays in the journal')
      return
    }
    await this.#options.journal.drop(feedKey)
  }

  async #assertMayAppend(feed: Feed): Promise<void> {
    if (!feed.writable) {
      throw new HyperletterError(
        'NOT_AUTHOR',
        'This device does not hold the signing key of the newsletter.',
      )
    }
    if (await this.#options.journal.has(feed.feedKey)) {
      throw new HyperletterError('FEED_BEHIND', 'An interrupted publication could not be finished.')
    }
    const seen = Math.max(feed.length, ...feed.core.peers.map((peer) => peer.remoteLength))
    const held = feed.core.contiguousLength
    if (held < seen || feed.length === 0) {
      throw new HyperletterError(
        'FEED_BEHIND',
        `This device has ${held} of ${seen} blocks of the log.`,
      )
    }
  }

  #exclusively<T>(feed: Feed, work: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(feed.feedKey) ?? Promise.resolve()
    const result = before
      .catch(() => undefined)
      .then(() => {
        if (this.#closed) throw new HyperletterError('ABORTED', 'The engine is closing.')
        return work()
      })
    this.#queues.set(feed.feedKey, result)
    return result
  }
}

async function sameBlocks(
  feed: Feed,
  start: number,
  blocks: readonly Uint8Array[],
): Promise<boolean> {
  for (const [offset, expected] of blocks.entries()) {
    const found = await feed.core.get(start + offset, { wait: false })
    if (found === null || !found.equals(expected)) return false
  }
  return true
}
