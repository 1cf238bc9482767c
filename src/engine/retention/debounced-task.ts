import { SerialQueue } from '../../serial-queue.ts'

/** A log grows and blocks arrive by the hundred; one look serves them all. */
const LOOK_AFTER_MS = 200

/** Issues come of age. */
const LOOK_AGAIN_MS = 3_600_000

export interface DebouncedTaskOptions {
  readonly look: (isThorough: boolean) => Promise<void>
  /** Called when a round that nobody waits for failed. */
  readonly onFailure: (err: unknown) => void
}

/** Looks now and then, and soon after it is asked to: one round at a time, however often it is asked. */
export class DebouncedTask {
  readonly #options: DebouncedTaskOptions
  readonly #timer: NodeJS.Timeout
  #soon: NodeJS.Timeout | undefined
  #later: NodeJS.Timeout | undefined
  #isAsked = false
  #isLooking = false
  #isClosed = false
  readonly #rounds = new SerialQueue()

  constructor(options: DebouncedTaskOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.ask(), LOOK_AGAIN_MS)
    this.#timer.unref()
  }

  /** Looks soon. */
  ask(): void {
    this.#isAsked = true
    if (this.#soon !== undefined || this.#isLooking || this.#isClosed) return
    this.#soon = setTimeout(() => {
      this.now().catch((err: unknown) => {
        if (!this.#isClosed) this.#options.onFailure(err)
      })
    }, LOOK_AFTER_MS)
    this.#soon.unref()
  }

  /** Looks after a while, unless that is on its way already. */
  askLater(ms: number, before: () => void): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined
      before()
      this.ask()
    }, ms)
    this.#later.unref()
  }

  /** Looks now, after the round that is under way. */
  now(isThorough = false): Promise<void> {
    clearTimeout(this.#soon)
    this.#soon = undefined
    return this.#rounds.run(async () => {
      if (this.#isClosed) return
      this.#isAsked = false
      this.#isLooking = true
      try {
        await this.#options.look(isThorough)
      } finally {
        this.#isLooking = false
        // Whatever asked meanwhile may have come too late for this one.
        if (this.#isAsked) this.ask()
      }
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#timer)
    clearTimeout(this.#soon)
    clearTimeout(this.#later)
    await this.#rounds.idle()
  }
}
