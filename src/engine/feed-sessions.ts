import type { Feed } from '../format/feed.ts'
import type { FeedKey } from '../format/keys/feed-key.ts'
import { short, type Logger } from '../logger.ts'

/** The hold of one user on an open feed: it does not close for being idle before every session has ended. */
export class FeedSession implements AsyncDisposable {
  readonly feed: Feed
  #end: (() => Promise<void>) | undefined

  constructor(feed: Feed, end: () => Promise<void>) {
    this.feed = feed
    this.#end = end
  }

  /** Ends the session, once; the feed may stay open. */
  async [Symbol.asyncDispose](): Promise<void> {
    const end = this.#end
    this.#end = undefined
    await end?.()
  }
}

interface Use {
  sessions: number
  temporary: number
  /** When the last session began or ended, on the clock of `performance`. */
  at: number
}

/** How long a feed stays open after its last session, in milliseconds. */
const IDLE_MS = 60_000

export class FeedSessions {
  readonly #logger: Logger
  readonly #revert: (feedKey: FeedKey) => Promise<void>
  readonly #uses = new Map<FeedKey, Use>()

  /** @param revert called after the last temporary session of a feed. */
  constructor(logger: Logger, revert: (feedKey: FeedKey) => Promise<void>) {
    this.#logger = logger
    this.#revert = revert
  }

  /**
   * Begins a session of the feed that `open` gives; it ends if that fails.
   * @param options.isUse false: the feed was not used by it when it has ended.
   */
  async begin(
    feedKey: FeedKey,
    open: () => Promise<Feed>,
    { temporary = false, isUse = true }: { temporary?: boolean; isUse?: boolean } = {},
  ): Promise<FeedSession> {
    // Counted before anything is awaited: a feed that is about to be used must not be closed for being idle.
    const use = this.#uses.get(feedKey) ?? { sessions: 0, temporary: 0, at: -Infinity }
    this.#uses.set(feedKey, use)
    use.sessions++
    if (temporary) use.temporary++
    const noteUse = () => {
      if (isUse) use.at = performance.now()
    }
    noteUse()
    const end = async () => {
      use.sessions--
      noteUse()
      if (!temporary || --use.temporary > 0) return
      await this.#revert(feedKey).catch((err: unknown) => {
        this.#logger.warn({ feed: short(feedKey), err }, 'after a look at a newsletter')
      })
    }
    try {
      return new FeedSession(await open(), end)
    } catch (error) {
      await end()
      throw error
    }
  }

  /** Whether a feed has no session, and had none a moment ago. */
  isIdle(feedKey: FeedKey): boolean {
    const use = this.#uses.get(feedKey)
    if (use === undefined) return true
    if (use.sessions > 0 || performance.now() - use.at < IDLE_MS) return false
    this.#uses.delete(feedKey)
    return true
  }
}
