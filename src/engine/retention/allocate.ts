import { KEEP_EVERYTHING, type Keep } from '../../config/keep.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { fairShare, planFor, type Chosen } from './plan.ts'
import { isLimiting, type FeedUsage } from './feed-usage.ts'

/** A newsletter with what its reader wants of it. */
export interface Kept {
  readonly stock: FeedUsage
  readonly keep: Keep
  /** Numbers of issues that stay whatever they take. */
  readonly starred: () => Promise<ReadonlySet<number>>
}

/** What may stay of a newsletter: all of it, or some of its items. */
export interface Allocation {
  readonly stock: FeedUsage
  readonly chosen: Chosen | 'all'
}

export interface Allocations {
  /** Not everything that is wanted fits. */
  readonly isTight: boolean
  readonly decisions: readonly Allocation[]
  readonly next: Next | undefined
  /** Newsletters that rest, and have to be opened to know what may stay of them. */
  readonly unknown: readonly FeedKey[]
}

/** What goes first when room is needed. */
export interface Next {
  readonly feedKey: FeedKey
  /** Absent for a newsletter that cannot be read here. */
  readonly number: number | undefined
}

/** Applies the policies, and shares what room there is where it is not enough for all. */
export async function allocate(
  newsletters: readonly Kept[],
  budgetBytes: number,
  nowMs: number,
): Promise<Allocations> {
  for (const { stock, keep, starred } of newsletters) {
    if (isLimiting(keep)) await stock.load(keep, await starred(), nowMs)
  }
  const totals = newsletters.map(totalOf)
  const share = fairShare(totals, budgetBytes)
  const rich = newsletters.filter((_, i) => (totals[i] ?? 0) > share)
  let leftBytes = budgetBytes
  for (const total of totals) if (total <= share) leftBytes -= total
  const resting: FeedUsage[] = []
  for (const { stock, keep, starred } of rich) {
    if (!isLimiting(keep)) await stock.load(KEEP_EVERYTHING, await starred(), nowMs)
    leftBytes -= stock.isLoaded ? stock.recordBytes : stock.heldBytes
    if (!stock.isLoaded) resting.push(stock)
  }
  const plan = planFor(
    rich.map((it) => it.stock.items),
    Math.max(0, leftBytes),
  )
  const known = rich.map((it, i) => [it.stock, plan.chosen[i]] as const)
  const planned = new Map(known.filter(([stock]) => stock.isLoaded))
  const decisions = newsletters.map(({ stock, keep }): Allocation => {
    const chosen = planned.get(stock)
    if (chosen !== undefined) return { stock, chosen }
    return { stock, chosen: isLimiting(keep) ? new Set(stock.items.keys()) : 'all' }
  })
  const last = plan.next && rich[plan.next.newsletter]?.stock
  const number = plan.next && last?.items[plan.next.item]?.number
  const next = last && { feedKey: last.feed.feedKey, number }
  return {
    isTight: rich.length > 0,
    decisions,
    next,
    unknown: resting.map((it) => it.feed.feedKey),
  }
}

/** What goes first where everything fits: the oldest issue of the newsletter that takes most. */
export async function oldestOfLargest(newsletters: readonly Kept[]): Promise<Next | undefined> {
  const [largest] = newsletters.toSorted((a, b) => totalOf(b) - totalOf(a))
  if (largest === undefined) return undefined
  const { stock, keep, starred } = largest
  if (!isLimiting(keep)) await stock.load(KEEP_EVERYTHING, await starred(), Date.now())
  const oldest = stock.items.findLast((it) => !it.isPinned)
  return oldest && { feedKey: stock.feed.feedKey, number: oldest.number }
}

/** What newsletters that are fetched whole will take beyond what they take now, about. */
export function expectedBytes(decisions: readonly Allocation[]): number {
  let sum = 0
  for (const { stock, chosen } of decisions) {
    if (chosen === 'all' && stock.isOpen) sum += stock.wholeBytes - stock.heldBytes
  }
  return sum
}

/** What a newsletter takes if it gets all that its reader wants. */
export function totalOf({ stock, keep }: Pick<Kept, 'stock' | 'keep'>): number {
  return isLimiting(keep) ? Math.min(stock.wholeBytes, stock.limitedBytes) : stock.wholeBytes
}

/** What may be fetched now. */
export interface Step {
  readonly fetched: ReadonlyMap<FeedUsage, Chosen>
  /** What is on its way with it. */
  readonly missingBytes: number
  /** The first that found no room, if any did. */
  readonly refusedBytes: number | undefined
}

/**
 * The next issues to fetch, newest first: no more of each newsletter than a step, unless nothing has come for
 * a while, and no more of all than there is room for now.
 */
export function nextStep(
  decisions: readonly Allocation[],
  roomBytes: number,
  stepBytes: (stock: FeedUsage) => number,
): Step {
  const fetched = new Map<FeedUsage, Chosen>()
  let leftBytes = roomBytes
  let missingBytes = 0
  let refusedBytes: number | undefined
  for (const { stock, chosen } of decisions) {
    if (chosen === 'all') continue
    const some = new Set<number>()
    let step = stepBytes(stock)
    for (const i of [...chosen].toSorted((a, b) => a - b)) {
      const item = stock.items[i]
      const missing = item === undefined ? 0 : stock.missingBytes(item)
      if (missing === 0) continue
      if (missing > leftBytes) {
        refusedBytes ??= missing - leftBytes
        break
      }
      some.add(i)
      leftBytes -= missing
      missingBytes += missing
      step -= missing
      if (step <= 0) break
    }
    fetched.set(stock, some)
  }
  return { fetched, missingBytes, refusedBytes }
}
