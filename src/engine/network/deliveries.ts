import { sleep } from '../../async.ts'
import type { Feed } from '../../format/feed.ts'

/** Letters that arrive for an author within this time, or so many times as long as writing took, are written together. */
const GATHER_MS = 50
const GATHER_FACTOR = 4

/** When letters that arrive for authors are written to disk: soon, and for a fifth of the time at most. */
export class Deliveries {
  readonly #deliver: (feed: Feed) => Promise<void>
  readonly #waiting = new Set<Feed>()
  readonly #tookMs = new WeakMap<Feed, number>()

  constructor(deliver: (feed: Feed) => Promise<void>) {
    this.#deliver = deliver
  }

  /** Resolves once it is done, or another call is going to do it. */
  async soon(feed: Feed): Promise<void> {
    if (this.#waiting.has(feed)) return
    this.#waiting.add(feed)
    await sleep(Math.max(GATHER_MS, GATHER_FACTOR * (this.#tookMs.get(feed) ?? 0)))
    this.#waiting.delete(feed)
    const before = performance.now()
    await this.#deliver(feed)
    this.#tookMs.set(feed, performance.now() - before)
  }
}
