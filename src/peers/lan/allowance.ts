export interface AnswerBudgetOptions {
  readonly perSecond: number
  /** How many may come together after a pause. */
  readonly atOnce: number
}

/** How often something may happen: so many times a second, and some more at once after a pause. */
export class AnswerBudget {
  readonly #options: AnswerBudgetOptions
  readonly #now: () => number
  #left: number
  #at: number

  /** @param now milliseconds of any clock that does not go back. */
  constructor(options: AnswerBudgetOptions, now: () => number = () => performance.now()) {
    this.#options = options
    this.#now = now
    this.#left = options.atOnce
    this.#at = now()
  }

  /** Takes one if there is one left. */
  take(): boolean {
    const { perSecond, atOnce } = this.#options
    const now = this.#now()
    this.#left = Math.min(atOnce, this.#left + ((now - this.#at) / 1_000) * perSecond)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
