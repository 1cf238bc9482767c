/** So much may go at once before anybody waits, in milliseconds of the rate. */
const BURST_MS = 100

/** A rate that several share, first come, first served: it says how long each has to wait. */
export class RateLimiter {
  readonly #perSecond: number
  /** When all that was taken is through, in milliseconds of a clock that never jumps. */
  #throughAt = 0

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /** Takes `amount`; gives how long to wait before more is taken, in milliseconds. */
  take(amount: number, now = performance.now()): number {
    const start = Math.max(now - BURST_MS, this.#throughAt)
    this.#throughAt = start + (amount / this.#perSecond) * 1_000
    return Math.max(0, this.#throughAt - now)
  }
}

/** How much one peer may ask for: a store of so many, filled up at a rate. */
export class BurstLimiter {
  readonly #most: number
  readonly #perSecond: number
  #left: number
  #at = performance.now()

  constructor({ most, perSecond }: { readonly most: number; readonly perSecond: number }) {
    this.#most = most
    this.#perSecond = perSecond
    this.#left = most
  }

  /** Takes one; gives for how long that was too early, in milliseconds. */
  take(now = performance.now()): number {
    const earned = ((now - this.#at) / 1_000) * this.#perSecond
    this.#left = Math.min(this.#most, this.#left + earned) - 1
    this.#at = now
    return this.#left >= 0 ? 0 : (-this.#left / this.#perSecond) * 1_000
  }
}
