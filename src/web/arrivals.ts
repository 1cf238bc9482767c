import type { Operations } from '../api/contract/contract.ts'
import type { IssueSummary } from '../site/pages/parts.ts'

/** How long the next attempt waits after a watch that failed. */
const RETRY_MS = 5_000

type Listener = (issue: IssueSummary) => void

/** One watch for all pages that listen; it begins with the first of them. */
export class Arrivals {
  readonly #operations: Operations
  readonly #signal: AbortSignal
  readonly #listeners = new Set<Listener>()
  #isWatching = false

  constructor(operations: Operations, signal: AbortSignal) {
    this.#operations = operations
    this.#signal = signal
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** Issues as they arrive, until `signal` aborts. */
  async *follow(signal: AbortSignal): AsyncGenerator<IssueSummary> {
    const waiting: IssueSummary[] = []
    let wake = () => {}
    const listener: Listener = (issue) => {
      waiting.push(issue)
      wake()
    }
    const onAbort = () => wake()
    signal.addEventListener('abort', onAbort)
    this.#listeners.add(listener)
    if (!this.#isWatching) void this.#watch()
    try {
      while (!signal.aborted) {
        const next = waiting.shift()
        if (next !== undefined) yield next
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#listeners.delete(listener)
    }
  }

  async #watch(): Promise<void> {
    this.#isWatching = true
    const signal = this.#signal
    while (!signal.aborted) {
      try {
        for await (const issue of this.#operations.watchIssues({}, { signal })) {
          // Where a newsletter continues stands on its page.
          if ('event' in issue) continue
          for (const listener of this.#listeners) listener(issue)
        }
      } catch {
        // Whoever does the work may come back; until then pages show what is held.
      }
      await pause(RETRY_MS, signal)
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
