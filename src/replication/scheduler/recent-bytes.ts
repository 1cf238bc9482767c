/** About so much of the past counts, in milliseconds. */
const MEMORY_MS = 1_000

/** How fast bytes have come of late: a sum in which older ones count ever less. */
export class RecentBytes {
  #sum = 0
  #atMs = 0

  add(bytes: number, nowMs: number): void {
    this.#sum = this.#sumAt(nowMs) + bytes
    this.#atMs = nowMs
  }

  perMs(nowMs: number): number {
    return this.#sumAt(nowMs) / MEMORY_MS
  }

  #sumAt(nowMs: number): number {
    return this.#sum * Math.exp((this.#atMs - nowMs) / MEMORY_MS)
  }
}
