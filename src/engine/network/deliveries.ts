import { sleep } from '../../async.ts'
import type { Feed } from '../../format/feed.ts'

/** The shortest time for which letters to an author are gathered before they are written to disk together. */
const GATHER_MS = 50
/** How many times as long as the last write took they are gathered, if that is longer. */
const GATHER_FACTOR = 4

/** Writes letters that arrive for authors to disk soon after they arrive, and spends at most a fifth of the time on writing. */
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
