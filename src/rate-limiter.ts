export interface Rate {
  readonly perSecond: number
  /** What may go at once after a pause. */
  readonly burst: number
}

export interface RateLimiterOptions extends Rate {
  /** Milliseconds of a clock that never goes back; `performance.now` when absent. */
  readonly now?: () => number
}

/** A token bucket: `burst` at once, refilled at `perSecond`. */
export class RateLimiter {
  readonly #perSecond: number
  readonly #burst: number
  readonly #now: () => number
  #left: number
  #at: number

  constructor({ perSecond, burst, now = () => performance.now() }: RateLimiterOptions) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#now = now
    this.#left = burst
    this.#at = now()
  }

  /** Takes `amount` if that much is left, else nothing. What is refused is no debt: it costs nothing later. */
  take(amount = 1): boolean {
    this.#refill()
    if (this.#left < amount) return false
    this.#left -= amount
    return true
  }

  /** Takes `amount` in any case. Returns how long to wait until it is paid for, in milliseconds. */
  reserve(amount = 1): number {
    this.#refill()
    this.#left -= amount
    return Math.max(0, (-this.#left / this.#perSecond) * 1_000)
  }

  #refill(): void {
    const now = this.#now()
    const earned = ((now - this.#at) / 1_000) * this.#perSecond
    this.#left = Math.min(this.#burst, this.#left + earned)
    this.#at = now
  }
}
