// What stays on a disk that is too small for all: sizes and policies in, decisions out. Nothing here reads or
// writes anything; `Retention` does what is decided.
//
// 1. `applyPolicy`: what a reader wants of one newsletter. 2. `fairShare`: which newsletters fit whole. 3. `planFor`:
// the newest items of those that do not. 4. `allocate`: the choice for each newsletter. 5. `nextStep`: what of it is
// fetched now.
import { oldestKept, type Keep } from '../../config/keep.ts'
import { merged, type BlockRange } from '../../format/block-ranges.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'

/** One issue of a newsletter, or a run of blocks of one that cannot be read here. */
export interface Item {
  readonly bytes: number
  /** It stays whatever it takes. */
  readonly isPinned: boolean
}

/** One newsletter. Sizes are in bytes on the disk. */
export interface Usage {
  /** What it takes if it gets all that its reader wants. */
  readonly wantedBytes: number
  /** What is here of it. */
  readonly heldBytes: number
  /** What stays in any case. */
  readonly recordBytes: number
  /** Its policy leaves something out. */
  readonly isLimited: boolean
  /** What is wanted of it, newest first; absent while that is not known. */
  readonly items: readonly Item[] | undefined
}

/** Indexes into the items of one newsletter. */
export type Chosen = ReadonlySet<number>

/** What may stay of one newsletter. */
export type Choice = Chosen | 'all'

/** One item of one newsletter, by their indexes. */
export interface Place {
  readonly newsletter: number
  readonly item: number
}

export interface Plan {
  /** Not everything that is wanted fits. */
  readonly isTight: boolean
  /** In the order of the newsletters. */
  readonly choices: readonly Choice[]
  /** What goes first when room is needed. */
  readonly next: Place | undefined
  /** Newsletters whose items have to be known to say what may stay of them. */
  readonly unknown: readonly number[]
}

/**
 * What a policy wants of a newsletter.
 * @param issues all of them, newest first.
 */
export function applyPolicy<T extends Item & { readonly publishedAtMs: number }>(
  issues: readonly T[],
  { newest = Infinity, newerThan, atMostBytes = Infinity }: Keep,
  nowMs: number,
): T[] {
  const since = newerThan === undefined ? -Infinity : oldestKept(newerThan, nowMs)
  let leftBytes = atMostBytes
  return issues.filter(({ bytes, isPinned, publishedAtMs }, i) => {
    const isWanted = i < newest && publishedAtMs >= since && bytes <= leftBytes
    // Once one does not fit, older ones do not either: they would come and go.
    leftBytes = bytes > leftBytes && !isPinned ? 0 : leftBytes - bytes
    return isPinned || isWanted
  })
}

/**
 * The largest share that every newsletter can have so that all together fit: one that needs less leaves the
 * rest to the others. `Infinity` if all of them fit whole.
 */
export function fairShare(totals: readonly number[], budgetBytes: number): number {
  let left = budgetBytes
  const ascending = totals.toSorted((a, b) => a - b)
  for (const [i, total] of ascending.entries()) {
    const share = left / (ascending.length - i)
    if (total > share) return Math.max(0, share)
    left -= total
  }
  return Infinity
}

/**
 * Of what a newsletter may take that does not fit whole: for records, which list its issues. Older ones go. Small ones
 * take twice that on the disk, see `diskBytes`.
 */
const RECORD_SHARE = 0.25
const RECORD_STEP_BYTES = 2 ** 18

/**
 * What records may take of a newsletter that may take so much. In steps, for the records are looked through anew
 * whenever it changes.
 */
export function recordShare(bytes: number): number {
  const steps = Math.floor((bytes * RECORD_SHARE) / RECORD_STEP_BYTES)
  return Math.max(1, steps) * RECORD_STEP_BYTES
}

/** Newsletters that do not fit whole, by their indexes. */
export function overShare(
  usages: readonly Pick<Usage, 'wantedBytes'>[],
  budgetBytes: number,
): number[] {
  const wanted = usages.map((it) => it.wantedBytes)
  const share = fairShare(wanted, budgetBytes)
  return usages.flatMap((it, i) => (it.wantedBytes > share ? [i] : []))
}

/** Applies the budget: small newsletters whole, of the others the newest items, as much of each as is fair. */
export function allocate(usages: readonly Usage[], budgetBytes: number): Plan {
  const over = overShare(usages, budgetBytes)
  let leftBytes = budgetBytes
  for (const [i, usage] of usages.entries()) {
    if (!over.includes(i)) leftBytes -= usage.wantedBytes
    else leftBytes -= usage.items === undefined ? usage.heldBytes : usage.recordBytes
  }
  const items = over.map((i) => usages[i]?.items ?? [])
  const { chosen, next } = planFor(items, Math.max(0, leftBytes))
  const planned = new Map(over.map((i, at) => [i, chosen[at]]))
  return {
    isTight: over.length > 0,
    choices: usages.map(({ isLimited, items: own }, i): Choice => {
      const some = own === undefined ? undefined : planned.get(i)
      return some ?? (isLimited ? new Set(own?.keys()) : 'all')
    }),
    next: next && { newsletter: over[next.newsletter] ?? 0, item: next.item },
    unknown: over.filter((i) => usages[i]?.items === undefined),
  }
}

/**
 * Shares a disk among newsletters: each gets its newest items, and the next older item goes to the
 * newsletter that would then take least. So what goes first is the oldest issue of the newsletter that takes
 * most. It depends on the sizes alone, not on what is here, so that nothing is dropped and fetched
 * in turns; and not on dates, which authors may claim as they like.
 * @param newsletters items of each, newest first. What is larger than the budget is passed over.
 */
export function planFor(
  newsletters: readonly (readonly Item[])[],
  budgetBytes: number,
): { readonly chosen: readonly Chosen[]; readonly next: Place | undefined } {
  const chosen = newsletters.map(
    (items) => new Set(items.flatMap((it, i) => (it.isPinned ? [i] : []))),
  )
  let left = budgetBytes
  for (const items of newsletters) {
    for (const { isPinned, bytes } of items) if (isPinned) left -= bytes
  }
  let next: Place | undefined
  const closed = new Set<number>()
  for (const { newsletter, item, bytes } of byShare(newsletters, budgetBytes)) {
    if (closed.has(newsletter)) continue
    if (bytes > left) {
      // An older one that is smaller would be dropped again as soon as there is room for this one.
      closed.add(newsletter)
      continue
    }
    left -= bytes
    chosen[newsletter]?.add(item)
    next = { newsletter, item }
  }
  return { chosen, next }
}

function byShare(newsletters: readonly (readonly Item[])[], budgetBytes: number) {
  return newsletters
    .flatMap((items, newsletter) => {
      let share = 0
      return items.flatMap(({ isPinned, bytes }, item) => {
        if (bytes > budgetBytes && !isPinned) return []
        share += bytes
        return isPinned ? [] : [{ newsletter, item, bytes, share }]
      })
    })
    .toSorted((a, b) => a.share - b.share)
}

/** What may be fetched now. */
export interface Step {
  /** By the index of the newsletter. */
  readonly fetched: ReadonlyMap<number, Chosen>
  /** What is on its way with it. */
  readonly missingBytes: number
  /** What the first that found no room lacks, if any did. */
  readonly refusedBytes: number | undefined
}

/**
 * The next issues to fetch, newest first: no more of each newsletter than a step, and no more of all than
 * there is room for now. What is chosen whole is not among them.
 * @param missingBytes what of an item is not here yet; @param stepBytes for each newsletter.
 */
export function nextStep(
  choices: readonly Choice[],
  missingBytes: (place: Place) => number,
  roomBytes: number,
  stepBytes: (newsletter: number) => number,
): Step {
  const fetched = new Map<number, Chosen>()
  let leftBytes = roomBytes
  let sum = 0
  let refusedBytes: number | undefined
  for (const [newsletter, chosen] of choices.entries()) {
    if (chosen === 'all') continue
    const some = new Set<number>()
    let step = stepBytes(newsletter)
    for (const item of [...chosen].toSorted((a, b) => a - b)) {
      const missing = missingBytes({ newsletter, item })
      if (missing === 0) continue
      if (missing > leftBytes) {
        refusedBytes ??= missing - leftBytes
        break
      }
      some.add(item)
      leftBytes -= missing
      sum += missing
      step -= missing
      if (step <= 0) break
    }
    fetched.set(newsletter, some)
  }
  return { fetched, missingBytes: sum, refusedBytes }
}

/** What of an issue was fetched because somebody asked for it, though it has no place here. */
export interface OnDemandIssue {
  readonly feedKey: FeedKey
  readonly number: number
  readonly ranges: readonly BlockRange[]
  readonly bytes: number
}

/** Of the budget, for issues on demand. */
const ON_DEMAND_SHARE = 0.125

/**
 * Adds an issue on demand, or more of one; beyond a share of the budget the oldest of the others go.
 * @param before in the order in which they were asked for.
 */
export function addOnDemand(
  before: readonly OnDemandIssue[],
  { feedKey, number, ranges, bytes }: OnDemandIssue,
  budgetBytes: number,
): readonly OnDemandIssue[] {
  const isSame = (it: OnDemandIssue) => it.feedKey === feedKey && it.number === number
  const known = before.find(isSame)
  const sum = {
    feedKey,
    number,
    ranges: merged([...(known?.ranges ?? []), ...ranges]),
    bytes: bytes + (known?.bytes ?? 0),
  }
  let all = [...before.filter((it) => !isSame(it)), sum]
  while (all.length > 1 && totalBytes(all) > budgetBytes * ON_DEMAND_SHARE) all = all.slice(1)
  return all
}

export function totalBytes(items: readonly { readonly bytes: number }[]): number {
  return items.reduce((sum, it) => sum + it.bytes, 0)
}
