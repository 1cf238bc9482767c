/**
 * When issues arrived whose dates lie ahead of that: pairs of a number and a time. Issues above the number of the pair
 * before, up to this one, were there by that time.
 */
export type Arrivals = readonly (readonly [number: number, at: string])[]

/** Authors' clocks differ by as much without anybody noticing. */
const TOLERANCE_MS = 10 * 60_000

/** Of one newsletter. With more, two of them become one. */
const MOST_ARRIVALS = 32

interface Dated {
  readonly number: number
  readonly publishedAt: string
}

/** Where an issue belongs among others by time, if that is before its date. */
export function arrivalOf(arrivals: Arrivals = [], { number, publishedAt }: Dated) {
  const at = arrivals.find(([upTo]) => number <= upTo)?.[1]
  return at !== undefined && at < publishedAt ? at : undefined
}

/** With what arrived by now; undefined where no date that lies ahead is new. */
export function addArrivals(
  arrivals: Arrivals = [],
  issues: readonly Dated[],
  now = Date.now(),
): Arrivals | undefined {
  const latest = new Date(now + TOLERANCE_MS).toISOString()
  const ahead = issues.filter((it) => it.publishedAt > latest)
  const newest = ahead.reduce((so, { number }) => Math.max(so, number), 0)
  if (newest <= (arrivals.at(-1)?.[0] ?? 0)) return undefined
  const all = [...arrivals, [newest, new Date(now).toISOString()] as const]
  // The oldest keeps its time: what was there for long does not become news.
  return all.length > MOST_ARRIVALS ? all.toSpliced(1, 1) : all
}
