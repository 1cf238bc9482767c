export interface LookupQueueOptions<K> {
  /** Does one look-up and gives how long to wait, in milliseconds, before the next one of that key. */
  readonly lookUp: (key: K) => Promise<number>
}

/** How soon the first look-up of a key comes, once it is added. */
const FIRST_MS = 500

/** Between two look-ups, of whatever keys: a thousand newsletters take some minutes, and no burst. */
const GAP_MS = 200

/** When a look-up that failed is tried again. */
const AFTER_FAILURE_MS = 600_000

/** Repeats a look-up for each of many keys: one at a time, spread over time, until it is closed. */
export class LookupQueue<K> {
  readonly #lookUp: LookupQueueOptions<K>['lookUp']
  /** Key → when it is due, in milliseconds since 1970. */
  readonly #due = new Map<K, number>()
  #timer: NodeJS.Timeout | undefined
  #busy = false
  #closed = false

  constructor({ lookUp }: LookupQueueOptions<K>) {
    this.#lookUp = lookUp
  }

  /** Soon looks a key up, and again and again; a key that is there already keeps its turn. */
  add(key: K): void {
    if (this.#closed || this.#due.has(key)) return
    this.#due.set(key, Date.now() + FIRST_MS * (1 + Math.random()))
    this.#schedule()
  }

  delete(key: K): void {
    this.#due.delete(key)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#due.clear()
  }

  #schedule(leastMs = 0): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#busy || this.#due.size === 0) return
    const next = Math.min(...this.#due.values())
    // No timer holds longer than 24 days; one that fires too early finds nothing due.
    const waitMs = Math.min(Math.max(next - Date.now(), leastMs), 3_600_000)
    this.#timer = setTimeout(() => {
      this.#runDue().catch(() => undefined)
    }, waitMs)
    // Waiting for a look-up is no reason to stay.
    this.#timer.unref()
  }

  async #runDue(): Promise<void> {
    const [key] = [...this.#due].toSorted(([, a], [, b]) => a - b)[0] ?? []
    if (key === undefined || (this.#due.get(key) ?? 0) > Date.now()) return this.#schedule()
    this.#busy = true
    try {
      const againMs = await this.#lookUp(key).catch(() => AFTER_FAILURE_MS)
      if (this.#due.has(key)) this.#due.set(key, Date.now() + againMs)
    } finally {
      this.#busy = false
      this.#schedule(GAP_MS)
    }
  }
}
