import { SerialQueue } from './serial-queue.ts'

export interface DebouncedTaskOptions {
  /** @param isThorough as given to `runNow`. */
  readonly run: (isThorough: boolean) => Promise<void>
  /** Called when a run that nobody waits for failed. */
  readonly onFailure: (err: unknown) => void
  /** How long after `schedule` it runs; one run serves all that ask until then. */
  readonly delayMs: number
  /** It runs this often in any case. */
  readonly everyMs: number
}

/** Work that is done soon after it is asked for, and now and then: one run at a time, however often it is asked for. */
export class DebouncedTask {
  readonly #options: DebouncedTaskOptions
  readonly #queue = new SerialQueue()
  readonly #regular: NodeJS.Timeout
  #soon: NodeJS.Timeout | undefined
  #later: NodeJS.Timeout | undefined
  #isAsked = false
  #isClosed = false

  constructor(options: DebouncedTaskOptions) {
    this.#options = options
    this.#regular = setInterval(() => this.schedule(), options.everyMs).unref()
  }

  /** Runs soon; also again after the run that is under way, for which it may have come too late. */
  schedule(): void {
    this.#isAsked = true
    if (this.#soon !== undefined || this.#queue.size > 0 || this.#isClosed) return
    this.#soon = setTimeout(() => {
      this.runNow().catch((err: unknown) => {
        if (!this.#isClosed) this.#options.onFailure(err)
      })
    }, this.#options.delayMs).unref()
  }

  /** Runs after a while, unless that is on its way already. */
  scheduleAfter(ms: number, before: () => void): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined
      before()
      this.schedule()
    }, ms).unref()
  }

  /** Runs now, after the run that is under way. Rejects if it fails. */
  runNow(isThorough = false): Promise<void> {
    clearTimeout(this.#soon)
    this.#soon = undefined
    return this.#queue
      .run(async () => {
        if (this.#isClosed) return
        this.#isAsked = false
        await this.#options.run(isThorough)
      })
      .finally(() => {
        if (this.#isAsked) this.schedule()
      })
  }

  /** Waits for the run that is under way; none begins after it. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#regular)
    clearTimeout(this.#soon)
    clearTimeout(this.#later)
    await this.#queue.idle()
  }
}
