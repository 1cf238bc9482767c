import v8 from 'node:v8'

/** Of those who limit the heap now. */
const limits = new Set<{ readonly percent: number }>()

/**
 * Limits how far the heap of this process may grow before V8 collects garbage; the least of several limits counts.
 * @param percent Of what the last collection left.
 * @returns a function that takes the limit away.
 */
export function growHeapBy(percent: number): () => void {
  const limit = { percent }
  limits.add(limit)
  apply()
  return () => {
    limits.delete(limit)
    apply()
  }
}

/** With 0, V8 decides, and leaves much garbage where that is cheaper. */
function apply(): void {
  const least = limits.size === 0 ? 0 : Math.min(...[...limits].map((it) => it.percent))
  v8.setFlagsFromString(`--heap-growing-percent=${least}`)
}
