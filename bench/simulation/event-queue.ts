interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** Events by time, and those of one time in the order in which they were added: a simulated clock. */
export class EventQueue {
  readonly #heap: Event[] = []
  #order = 0
  nowMs = 0

  at(atMs: number, run: () => void): void {
    const heap = this.#heap
    const event = { atMs, order: this.#order++, run }
    let i = heap.length
    heap.push(event)
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent]
      if (above === undefined || isBefore(above, event)) break
      heap[i] = above
      heap[parent] = event
      i = parent
    }
  }

  /** Runs the earliest event. Gives whether there was one. */
  runNext(): boolean {
    const heap = this.#heap
    const [first] = heap
    const last = heap.pop()
    if (first === undefined || last === undefined) return false
    if (heap.length > 0) {
      let i = 0
      for (;;) {
        let child = 2 * i + 1
        const left = heap[child]
        const right = heap[child + 1]
        if (left === undefined) break
        let least = left
        if (right !== undefined && isBefore(right, left)) {
          least = right
          child++
        }
        if (isBefore(last, least)) break
        heap[i] = least
        i = child
      }
      heap[i] = last
    }
    this.nowMs = first.atMs
    first.run()
    return true
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}
