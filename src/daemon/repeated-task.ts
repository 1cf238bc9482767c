import { setTimeout as wait } from 'node:timers/promises'

/** Work that is done again and again, after the pause that it asks for or as soon as somebody wakes it. */
export class RepeatedTask {
  readonly #run: () => Promise<number>
  readonly #closed = new AbortController()
  #pause = new AbortController()
  #running: Promise<void> = Promise.resolve()

  /** @param run gives how long to wait, in milliseconds; it handles its failures itself. */
  constructor(run: () => Promise<number>) {
    this.#run = run
  }

  get signal(): AbortSignal {
    return this.#closed.signal
  }

  start(): void {
    this.#running = this.#repeat()
  }

  /** Ends the pause that it is in, or the next one if it runs. */
  wake(): void {
    this.#pause.abort()
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.wake()
    await this.#running
  }

  async #repeat(): Promise<void> {
    while (!this.signal.aborted) {
      this.#pause = new AbortController()
      const pauseMs = await this.#run()
      if (this.signal.aborted) return
      await wait(pauseMs, undefined, { signal: this.#pause.signal, ref: false }).catch(() => {})
    }
  }
}
