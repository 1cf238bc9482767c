/** Runs one piece of work at a time, in the order in which they were given. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve()
  #size = 0

  /** Pieces of work that have not ended, the running one too. */
  get size(): number {
    return this.#size
  }

  /** Runs `work` when all that came before has ended, well or not. Its result and its failure are the caller's. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    this.#size++
    const result = this.#last.then(work).finally(() => this.#size--)
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Resolves when all that was given so far has ended; never rejects. */
  async idle(): Promise<void> {
    await this.#last
  }
}
