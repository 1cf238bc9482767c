import v8 from 'node:v8'

/**
 * Growth of the heap while many buffers pass. V8 counts them as heap, and learns that they are gone only from a collection of
 * young objects, after 32 MB of them. A heap of 35 MB that grows by half is full after 18 MB, and is collected whole.
 */
const PERCENT_OF_BUFFERS = 200

/** Bytes within a period from which on many buffers pass. At lower rates, full collections are rare. */
const MANY_BYTES = 8 * 1024 * 1024
const PERIOD_MS = 1_000

/** Bytes of buffers in this period, which lasts until the timer runs. */
let passedBytes = 0
let period: NodeJS.Timeout | undefined
let isFast = false

/** What a process at rest is limited to; 0 where V8 decides. */
let restPercent = 0

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

/** As `growHeapBy`, for good, while nobody else limits the heap and few buffers pass. */
export function growHeapAtRestBy(percent: number): void {
  restPercent = percent
  apply()
}

/** Says that a buffer passes through. While many do, a heap that is limited at rest gets room for them. */
export function noteBuffer(bytes: number): void {
  if (restPercent === 0) return
  passedBytes += bytes
  period ??= setTimeout(endPeriod, PERIOD_MS).unref()
  if (!isFast && passedBytes >= MANY_BYTES) setFast(true)
}

function endPeriod(): void {
  if (isFast && passedBytes < MANY_BYTES) setFast(false)
  period = isFast ? setTimeout(endPeriod, PERIOD_MS).unref() : undefined
  passedBytes = 0
}

function setFast(value: boolean): void {
  isFast = value
  apply()
}

/** With 0, V8 decides, and leaves much garbage where that is cheaper. */
function apply(): void {
  const percent = isFast ? PERCENT_OF_BUFFERS : restPercent
  const least = limits.size === 0 ? percent : Math.min(...[...limits].map((it) => it.percent))
  v8.setFlagsFromString(`--heap-growing-percent=${least}`)
}
