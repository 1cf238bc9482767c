import type { Feed } from '../../format/feed.ts'
import { MAX_MIRRORS } from '../../format/records/bodies.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import { missingHere } from './last-resort.ts'

/** Delays, in milliseconds. */
export interface MirrorTimes {
  /** Between two looks at what is missing. */
  readonly lookEvery: number
  /** How long no peer must have delivered what none of them holds; shorter where somebody waits for it. */
  readonly patience: number
  readonly urgent: number
  /** How long no peer was there before a mirror is asked for news, and then how often; after a day, more rarely. */
  readonly alone: number
  readonly newsEvery: number
  readonly newsLaterEvery: number
  /** How long a mirror that failed is left alone; each time longer. */
  readonly afterFailure: number
  /** The same for one that sent what was never signed. */
  readonly afterWrong: number
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export const MIRROR_TIMES: MirrorTimes = {
  lookEvery: 1_000,
  patience: 10_000,
  urgent: 2_000,
  alone: 30_000,
  newsEvery: HOUR_MS,
  newsLaterEvery: 6 * HOUR_MS,
  afterFailure: MINUTE_MS,
  afterWrong: 10 * MINUTE_MS,
}

/** As long as a device with peers for part of a day has none. */
const OFTEN_CHECKS = 24

/**
 * Requests to servers that the author of a newsletter named and that were of no use so far: at once, and again each hour.
 * Without a limit, an author who keeps naming other servers could have every reader send requests to strangers.
 */
const MAX_VAIN = 2 * MAX_MIRRORS

/** When mirrors of one newsletter are to be asked: peers come first. */
export class Need {
  readonly #times: MirrorTimes
  readonly #vain = new RateLimiter({ burst: MAX_VAIN, perSecond: MAX_VAIN / 3_600 })
  #heldBlocks = -1
  #movedAt = Date.now()
  #lookedAt = 0
  #aloneSince: number | undefined
  #checks = 0
  #nextNewsAt = 0

  constructor(times: MirrorTimes) {
    this.#times = times
  }

  /** A mirror had something new: where there is news, it is worth asking often. */
  hasNews(): void {
    this.#checks = 0
  }

  /** Whether to ask a server that only the author named, and that was of no use so far. */
  mayTry(): boolean {
    return this.#vain.take()
  }

  /** Whether to ask now. @param isUrgent whether somebody waits for what is missing. */
  isDue(feed: Feed, isUrgent: boolean): boolean {
    const now = Date.now()
    const { heldBlocks } = feed
    if (heldBlocks !== this.#heldBlocks) {
      this.#heldBlocks = heldBlocks
      this.#movedAt = now
    }
    const isAlone = feed.log.peers.length === 0
    if (!isAlone) this.#aloneSince = undefined
    else this.#aloneSince ??= now
    if (feed.length === 0 ? isAlone : heldBlocks < feed.length) {
      const waitMs = isUrgent ? this.#times.urgent : this.#times.patience
      if (now - this.#movedAt < waitMs) return false
      // To compare what is missing with what peers have takes a while, in a long log.
      if (now - this.#lookedAt < waitMs) return false
      this.#lookedAt = now
      if (feed.length === 0 || missingHere(feed).length > 0) return true
    }
    if (this.#aloneSince === undefined || now - this.#aloneSince < this.#times.alone) return false
    if (now < this.#nextNewsAt) return false
    this.#checks++
    const { newsEvery, newsLaterEvery } = this.#times
    const everyMs = this.#checks > OFTEN_CHECKS ? newsLaterEvery : newsEvery
    // Not everybody at the same moment.
    this.#nextNewsAt = now + everyMs * (1 + Math.random() / 4)
    return true
  }
}
