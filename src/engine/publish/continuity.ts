import { hasCode, HyperletterError } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { hex } from '../../hex.ts'
import { short } from '../../logger.ts'
import { UNKNOWN, type PublishedNotes } from './author-files.ts'

export interface AppendOptions {
  /**
   * Append though this device may lack what was published, and nobody can be asked. If somebody holds
   * more, that is a fork.
   */
  readonly force?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ContinuityOptions {
  readonly notes: PublishedNotes
  readonly flush: () => Promise<void>
  /** Fetches what peers hold more of a log, all of it. Throws FEED_BEHIND if that cannot be had. */
  readonly catchUp?: (feed: Feed, wanted: Wanted) => Promise<unknown>
}

interface Wanted {
  /** Blocks that the log is known to have. */
  readonly atLeast: number
  readonly signal: AbortSignal | undefined
}

/**
 * Knows whether the log on this device is all that was published, so that an append continues it and
 * does not begin a second one. Only one of its methods may run for a feed at a time.
 */
export class Continuity {
  readonly #options: ContinuityOptions

  constructor(options: ContinuityOptions) {
    this.#options = options
  }

  /** Blocks that the log of a feed is known to have, whatever is here. */
  async knownLength(feedKey: FeedKey): Promise<number> {
    return (await this.#options.notes.get(feedKey))?.length ?? 0
  }

  /** From now on nothing is appended to a log before a peer was asked for it: it was restored or copied. */
  async mistrust(feedKey: FeedKey): Promise<void> {
    const note = await this.#options.notes.get(feedKey)
    await this.#options.notes.put(feedKey, { ...(note ?? UNKNOWN), mustCatchUp: true })
  }

  /** As `mistrust`, and what was published from here no longer counts: readers hold another history. */
  async disown(feedKey: FeedKey): Promise<void> {
    await this.#options.notes.put(feedKey, UNKNOWN)
  }

  /** The log here is all that was published: it came whole from peers or a bundle. */
  async trust(feed: Feed): Promise<void> {
    await this.#options.flush()
    await this.record(feed)
  }

  /** Writes down how far the log goes. */
  async record({ log, feedKey, length }: Feed, mustCatchUp = false): Promise<void> {
    const treeHash = hex(await log.treeHash(length))
    await this.#options.notes.put(feedKey, { length, treeHash, mustCatchUp })
  }

  /** Remembers a longer log that peers proved to have, so that a store which loses it again shows. */
  async recordAdopted(feed: Feed): Promise<void> {
    const note = await this.#options.notes.get(feed.feedKey)
    if (note === undefined || feed.length <= note.length) return
    await this.record(feed, note.mustCatchUp)
  }

  /**
   * Where the log here may be behind, catches up from peers.
   * @returns `settled` if it was restored or copied, and peers now told how it goes on.
   * @throws FEED_BEHIND if what is missing cannot be had, FEED_CONFLICT if the log here is another one than
   * what was published.
   */
  async assure(
    feed: Feed,
    { force = false, signal }: AppendOptions,
  ): Promise<'current' | 'settled'> {
    const { notes, catchUp } = this.#options
    const note = await notes.get(feed.feedKey)
    const atLeast = Math.max(note?.length ?? 0, feed.length)
    if (note?.mustCatchUp !== true && !(await isBehind(feed, atLeast))) {
      await this.#assertSameHistory(feed)
      return 'current'
    }
    try {
      if (catchUp === undefined) throw behind(feed, atLeast)
      await catchUp(feed, { atLeast, signal })
    } catch (error) {
      // Without the profile, or its own last record, there is nothing to append to.
      if (!force || !hasCode(error, 'FEED_BEHIND') || feed.length === 0) throw explained(error)
      await this.#assertSameHistory(feed)
      return 'current'
    }
    await this.#assertSameHistory(feed)
    await this.trust(feed)
    return note?.mustCatchUp === true ? 'settled' : 'current'
  }

  async #assertSameHistory({ log, feedKey, length }: Feed): Promise<void> {
    const note = await this.#options.notes.get(feedKey)
    if (note === undefined || note.length === 0 || note.length > length) return
    if (hex(await log.treeHash(note.length)) === note.treeHash) return
    const message = 'The log on this device is another than the one that was published from it.'
    throw new HyperletterError('FEED_CONFLICT', message, {
      hint: `Run \`hyperletter repair ${short(feedKey)}\` while readers are online.`,
    })
  }
}

async function isBehind(feed: Feed, atLeast: number): Promise<boolean> {
  const { length } = feed
  return length === 0 || length < seenLength(feed, atLeast) || !(await feed.isComplete())
}

function seenLength({ log }: Feed, atLeast: number): number {
  return Math.max(atLeast, ...log.peers.map((peer) => peer.length))
}

function behind(feed: Feed, atLeast: number): HyperletterError {
  const message = `It has ${feed.heldBlocks} of ${seenLength(feed, atLeast)} blocks of the log.`
  return new HyperletterError('FEED_BEHIND', message)
}

function explained(error: unknown): unknown {
  if (!hasCode(error, 'FEED_BEHIND')) return error
  return new HyperletterError(
    'FEED_BEHIND',
    `This device may lack issues that were published. ${error.message}`,
    {
      hint: 'Nothing was published. Try again while a reader is online, or take what is missing from a backup with `hyperletter restore --bundle <file>`. Only if nobody ever got more than what is here: --force.',
      cause: error,
    },
  )
}
