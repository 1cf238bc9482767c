import type Hyperswarm from 'hyperswarm'
import type { PeerDiscoverySession } from 'hyperswarm'
import { hex } from '../hex.ts'
import type { Logger } from '../logger.ts'
import { withinMs } from '../async.ts'

/** How long leaving one topic may take; with no DHT in reach the stack takes 5 s. */
const LEAVE_TOPIC_MS = 1_000

export class Topics {
  readonly #swarm: Hyperswarm
  readonly #logger: Logger
  readonly #isHidden: boolean
  readonly #sessions = new Map<string, PeerDiscoverySession>()
  #isListening = false

  /** @param options.isHidden nothing is announced, only looked up. */
  constructor(swarm: Hyperswarm, logger: Logger, options: { readonly isHidden: boolean }) {
    this.#swarm = swarm
    this.#logger = logger
    this.#isHidden = options.isHidden
  }

  /** Announces and looks up a topic until `leave`. Does not wait. */
  join(topic: Uint8Array): void {
    const session = this.#sessions.get(hex(topic)) ?? this.#open(topic, this.#isListening)
    if (!session.isServer && !this.#isHidden) void this.#announce(session)
  }

  /** Looks up a topic until `leave`, and does not announce it before `join`. */
  lookUp(topic: Uint8Array): void {
    if (!this.#sessions.has(hex(topic))) this.#open(topic, false)
  }

  /** Looks the topic up once more, and announces it, now. */
  refresh(topic: Uint8Array): void {
    const session = this.#sessions.get(hex(topic))
    if (session !== undefined) void this.#refresh(session)
  }

  /** Unannounces a topic; if that takes long, it goes on by itself. */
  async leave(topic: Uint8Array): Promise<void> {
    if (!this.#sessions.delete(hex(topic))) return
    await withinMs(LEAVE_TOPIC_MS, this.#swarm.leave(topic))
  }

  #open(topic: Uint8Array, server: boolean): PeerDiscoverySession {
    const session = this.#swarm.join(topic, { server, client: true })
    this.#sessions.set(hex(topic), session)
    return session
  }

  // Before it announces anything the stack makes this node known, which takes some round trips; looking up can do without.
  async #announce(session: PeerDiscoverySession): Promise<void> {
    try {
      await this.#swarm.listen()
      this.#isListening = true
    } catch (error) {
      this.#logger.debug({ err: String(error) }, 'not known in the DHT yet')
    }
    await this.#refresh(session)
  }

  // Also where that fails now, the stack announces it with its next round.
  async #refresh(session: PeerDiscoverySession): Promise<void> {
    try {
      await session.refresh({ server: !this.#isHidden, client: true })
    } catch (error) {
      this.#logger.debug({ err: String(error) }, 'look-up failed')
    }
  }
}

type TopicPort = Pick<Topics, 'join' | 'lookUp' | 'refresh' | 'leave'>

/**
 * When a topic is looked up again after it was joined, in milliseconds. Of two peers that join at the same time
 * each looks before the other is announced; by itself the swarm looks again after ten minutes.
 */
const AGAIN_AFTER_MS = [3_000, 30_000]

/**
 * Time from the first look-up of a topic to its announcement: where nothing is held yet nobody can get anything, and
 * announcing takes processor time that the first download needs.
 */
const ANNOUNCE_AFTER_MS = 300

/** Between two topics that can wait: a thousand are announced within two minutes of the start. */
const GAP_MS = 100

/**
 * Joins topics one after another, in the order in which they were added. All at once, a thousand of
 * them keep the DHT busy for more than a minute, and the one that the user waits for is among them.
 */
export class Announcer {
  readonly #topics: TopicPort
  /** Topics in hex that are to be joined. */
  readonly #waiting = new Set<string>()
  readonly #joined = new Set<string>()
  /** Topics in hex that are looked up, and not announced yet. */
  readonly #lookedUp = new Map<string, NodeJS.Timeout>()
  /** Topics in hex that are to be looked up again, in the order of the time when. */
  readonly #again = AGAIN_AFTER_MS.map(() => new Map<string, number>())
  #timer: NodeJS.Timeout | undefined
  /** When the timer was due when it was set; Infinity while there is none. */
  #timerAt = Infinity
  #isClosed = false

  constructor(topics: TopicPort) {
    this.#topics = topics
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
    this.#topics.lookUp(topic)
    const timer = setTimeout(() => this.addNow(topic), ANNOUNCE_AFTER_MS).unref()
    this.#lookedUp.set(name, timer)
  }

  addNow(topic: Uint8Array): void {
    const name = hex(topic)
    this.#forgetLookUp(name)
    const isWaiting = this.#waiting.delete(name)
    if (this.#joined.has(name)) {
      if (isWaiting) this.#topics.refresh(topic)
      return
    }
    this.#joined.add(name)
    this.#topics.join(topic)
    for (const [i, afterMs] of AGAIN_AFTER_MS.entries()) {
      this.#again[i]?.set(name, Date.now() + afterMs)
    }
    this.#run()
  }

  /** Announces all topics anew, those of `first` at once and the others when their turn comes. */
  reannounce(first: Iterable<Uint8Array>): void {
    for (const topic of this.#joined) this.add(Buffer.from(topic, 'hex'))
    for (const topic of first) this.addNow(topic)
  }

  async delete(topic: Uint8Array): Promise<void> {
    const name = hex(topic)
    this.#waiting.delete(name)
    for (const it of this.#again) it.delete(name)
    const isLookedUp = this.#forgetLookUp(name)
    if (this.#joined.delete(name) || isLookedUp) await this.#topics.leave(topic)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#isClosed = true
    this.#waiting.clear()
    for (const timer of this.#lookedUp.values()) clearTimeout(timer)
    this.#lookedUp.clear()
  }

  #forgetLookUp(name: string): boolean {
    clearTimeout(this.#lookedUp.get(name))
    return this.#lookedUp.delete(name)
  }

  // The timer is for what comes next: an announcer that has nothing to do for a while wakes nobody.
  #run(): void {
    const dueAt = this.#dueAt()
    if (this.#isClosed || dueAt >= this.#timerAt) return
    clearTimeout(this.#timer)
    this.#timerAt = dueAt
    const step = () => {
      this.#timerAt = Infinity
      this.#next()
      this.#run()
    }
    // What is announced matters only while something else keeps the process.
    this.#timer = setTimeout(step, Math.max(GAP_MS, dueAt - Date.now())).unref()
  }

  #dueAt(): number {
    if (this.#waiting.size > 0) return Date.now()
    return Math.min(...this.#again.map((round) => round.values().next().value ?? Infinity))
  }

  #next(): void {
    const [topic] = this.#waiting
    if (topic === undefined) this.#lookAgain()
    else this.addNow(Buffer.from(topic, 'hex'))
  }

  #lookAgain(): void {
    for (const round of this.#again) {
      const [[topic, dueAt] = ['', Infinity]] = round
      if (dueAt > Date.now()) continue
      round.delete(topic)
      this.#topics.refresh(Buffer.from(topic, 'hex'))
      return
    }
  }
}
