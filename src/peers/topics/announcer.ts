import { hex } from '../../hex.ts'

export interface AnnouncerOptions {
  /** Announces a topic and looks it up, from now on. */
  readonly join: (topic: Uint8Array) => void
  /** Only looks a topic up; `join` or `leave` follows. */
  readonly lookUp: (topic: Uint8Array) => void
  /** Announces and looks up once more what was joined. */
  readonly renew: (topic: Uint8Array) => void
  readonly leave: (topic: Uint8Array) => Promise<void>
}

/**
 * When a topic is looked up again after it was joined, in milliseconds. Of two who join at the same time
 * each looks before the other is announced; by itself the swarm looks again after ten minutes.
 */
const AGAIN_AFTER_MS = [3_000, 30_000]

/**
 * Who has nothing of a newsletter is announced so long after the look-up began: nobody can have anything from there
 * before, and announcing takes from the processor what the first issue needs.
 */
const ANNOUNCE_AFTER_MS = 300

/** Between two topics that can wait: a thousand are all announced within two minutes of the start. */
const GAP_MS = 100

/**
 * Joins topics one after another, in the order in which they were added. All at once, a thousand of
 * them keep the DHT busy for more than a minute, and the one that somebody waits for is among them.
 */
export class Announcer {
  readonly #options: AnnouncerOptions
  /** Topics in hex that are to be joined. */
  readonly #waiting = new Set<string>()
  readonly #joined = new Set<string>()
  /** Topics in hex that are looked up, and not announced yet. */
  readonly #lookedUp = new Map<string, NodeJS.Timeout>()
  /** Topics in hex that are to be looked up again, in the order of the time when. */
  readonly #again = AGAIN_AFTER_MS.map(() => new Map<string, number>())
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  /** Announces a topic when its turn comes. */
  add(topic: Uint8Array): void {
    this.#waiting.add(hex(topic))
    this.#run()
  }

  /** Looks a topic up now, and announces it soon. */
  lookUp(topic: Uint8Array): void {
    const name = hex(topic)
    if (this.#joined.has(name) || this.#lookedUp.has(name) || this.#isClosed) return
    this.#options.lookUp(topic)
    const timer = setTimeout(() => this.addNow(topic), ANNOUNCE_AFTER_MS)
    timer.unref()
    this.#lookedUp.set(name, timer)
  }

  /** Announces a topic now. */
  addNow(topic: Uint8Array): void {
    const name = hex(topic)
    this.#forgetLookUp(name)
    const isWaiting = this.#waiting.delete(name)
    if (this.#joined.has(name)) {
      if (isWaiting) this.#options.renew(topic)
      return
    }
    this.#joined.add(name)
    this.#options.join(topic)
    for (const [i, afterMs] of AGAIN_AFTER_MS.entries()) {
      this.#again[i]?.set(name, Date.now() + afterMs)
    }
    this.#run()
  }

  /** Announces all topics anew, those of `first` at once and the others when their turn comes. */
  again(first: Iterable<Uint8Array>): void {
    for (const topic of this.#joined) this.add(Buffer.from(topic, 'hex'))
    for (const topic of first) this.addNow(topic)
  }

  async delete(topic: Uint8Array): Promise<void> {
    const name = hex(topic)
    this.#waiting.delete(name)
    for (const it of this.#again) it.delete(name)
    const isLookedUp = this.#forgetLookUp(name)
    if (this.#joined.delete(name) || isLookedUp) await this.#options.leave(topic)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#isClosed = true
    this.#waiting.clear()
    for (const timer of this.#lookedUp.values()) clearTimeout(timer)
    this.#lookedUp.clear()
  }

  #forgetLookUp(name: string): boolean {
    clearTimeout(this.#lookedUp.get(name))
    return this.#lookedUp.delete(name)
  }

  #run(): void {
    if (this.#isClosed) return
    this.#timer ??= setInterval(() => this.#next(), GAP_MS)
    // What is announced matters only while something else keeps the process.
    this.#timer.unref()
  }

  #next(): void {
    const [topic] = this.#waiting
    if (topic !== undefined) {
      this.addNow(Buffer.from(topic, 'hex'))
    } else if (this.#again.some((it) => it.size > 0)) {
      this.#lookAgain()
    } else {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #lookAgain(): void {
    for (const round of this.#again) {
      const [[topic, dueAt] = ['', Infinity]] = round
      if (dueAt > Date.now()) continue
      round.delete(topic)
      this.#options.renew(Buffer.from(topic, 'hex'))
      return
    }
  }
}
