import { weigh } from './shares.ts'
import type { View } from './view.ts'

/** What a plan has to know of a peer. */
export interface Member<P> {
  readonly peer: P
  /** `seedOf` its public key. */
  readonly seed: number
  /** Nothing is expected from it. */
  readonly isSilent: boolean
  /** Fetches a share and passes it on; else its share is spread over the others. */
  readonly isOwner: boolean
}

export interface PlanOptions<P> {
  readonly view: View<P>
  /** `seedOf` our own public key. */
  readonly seed: number
  /** The first `HORIZON` of `View.missing`. */
  readonly missing: readonly number[]
  readonly members: readonly Member<P>[]
  /** Whether it is worth dividing them. */
  readonly isDivided: boolean
  /** How many blocks of its share a reader has asked a source for at a time, about. */
  readonly underWay: number
}

/** What to ask whom for, by what peers hold at one moment. Each list begins with what to ask for first. */
export interface Plan<P> {
  /** Held by sources only, and ours to fetch from there. */
  readonly own: readonly number[]
  /** Held by fellows: the rarest first. */
  readonly shared: readonly number[]
  /** Held by sources only; what others are to fetch, but will not come to soon. */
  readonly spare: readonly number[]
  /** Fellow → how many blocks of its share nobody has announced yet. */
  readonly open: ReadonlyMap<P, number>
  /** Hold everything. There are fewer of them than readers who want something from them, or none. */
  readonly sources: ReadonlySet<P>
  /** Fellows that download too. */
  readonly readers: number
}

/** How many missing blocks a plan looks at. */
export const HORIZON = 1_024

/** Of each fellow's share so many times as much as may be under way is left to it: what it has is not known at once. */
const LEFT_TO_OWNER = 3

/**
 * Divides the missing blocks. While there are fewer sources than readers, what sources send is dear:
 * each block should leave them once, to the reader whose share it is, who passes it on.
 */
export function makePlan<P>({
  view,
  seed,
  missing,
  members,
  isDivided,
  underWay,
}: PlanOptions<P>): Plan<P> {
  const complete = members.filter(({ peer }) => view.holdsAll(peer))
  const fellows = members.filter((it) => !complete.includes(it))
  const readers = fellows.filter(({ peer }) => view.isReader(peer))
  const owners = readers.filter(({ isOwner }) => isOwner)
  const areFew = isDivided && complete.length <= readers.length
  const sources = new Set(areFew ? complete.map(({ peer }) => peer) : [])
  const holders = (areFew ? fellows : members).filter((it) => !it.isSilent)
  const own: Weighed[] = []
  const shared: (Weighed & { holders: number })[] = []
  const theirs = new Map<P, (Weighed & { isNext: boolean })[]>()
  for (const index of missing) {
    const weight = weigh(seed, index)
    const isUrgent = view.isUrgent?.(index) === true
    let count = 0
    for (const { peer } of holders) if (view.holds(peer, index)) count++
    if (count > 0) shared.push({ index, weight, isUrgent, holders: count })
    else {
      const { owner, heaviest, isNext } = ownerOf(owners, index, weight)
      if (owner === undefined) own.push({ index, weight, isUrgent })
      else push(theirs, owner, { index, weight: heaviest, isUrgent, isNext })
    }
  }
  const spare: Weighed[] = []
  const open = new Map<P, number>()
  for (const [owner, blocks] of theirs) {
    open.set(owner, blocks.length)
    // The owner begins with what it weighs most for; who helps begins at the other end.
    for (const it of blocks.toSorted(byWeight).slice(LEFT_TO_OWNER * Math.max(1, underWay))) {
      if (it.isNext) spare.push({ ...it, weight: -it.weight })
    }
  }
  return {
    own: own.toSorted(byWeight).map(indexOf),
    shared: shared
      .toSorted((a, b) => byUrgency(a, b) || a.holders - b.holders || byWeight(a, b))
      .map(indexOf),
    spare: spare.toSorted(byWeight).map(indexOf),
    open,
    sources,
    readers: readers.length,
  }
}

interface Weighed {
  readonly index: number
  readonly weight: number
  readonly isUrgent: boolean
}

// `isNext`: after the owner, nobody weighs more for it than we do.
function ownerOf<P>(
  owners: readonly Member<P>[],
  index: number,
  ownWeight: number,
): { owner: P | undefined; heaviest: number; isNext: boolean } {
  let owner: P | undefined
  let heaviest = ownWeight
  let heavier = 0
  for (const it of owners) {
    const weight = weigh(it.seed, index)
    if (weight > ownWeight) heavier++
    if (weight > heaviest) {
      heaviest = weight
      owner = it.peer
    }
  }
  return { owner, heaviest, isNext: heavier === 1 }
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

function byWeight(a: Weighed, b: Weighed): number {
  return byUrgency(a, b) || b.weight - a.weight
}

function byUrgency(a: Weighed, b: Weighed): number {
  return Number(b.isUrgent) - Number(a.isUrgent)
}

function indexOf({ index }: Weighed): number {
  return index
}
