import type { FeedKey } from '../../format/keys/feed-key.ts'

/** So many newsletters at a time, and so often: an open log takes memory until it rests again. */
const AT_ONCE = 4
const EVERY_MS = 3_000

/** Opens newsletters that rest and have to be looked at, a few at a time. */
export class Opening {
  readonly #open: (feedKey: FeedKey) => Promise<unknown>
  #openedAt = 0

  constructor(open: (feedKey: FeedKey) => Promise<unknown>) {
    this.#open = open
  }

  /** Opens one now. */
  async one(feedKey: FeedKey): Promise<void> {
    await this.#open(feedKey)
  }

  /** Opens some of these, unless that was done a moment ago. @returns whether any are left to open. */
  async some(closed: readonly FeedKey[]): Promise<boolean> {
    if (closed.length > 0 && Date.now() - this.#openedAt >= EVERY_MS) {
      this.#openedAt = Date.now()
      for (const feedKey of closed.slice(0, AT_ONCE)) await this.#open(feedKey)
    }
    return closed.length > 0
  }
}
