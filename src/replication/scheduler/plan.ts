import { MANY_PEERS } from './peer-stats.ts'

/** A request under way. */
export interface Asked<P> {
  readonly peer: P
  readonly atMs: number
}

/** What a scheduler sees of a core and its peers. `P` names a peer; clocks are any milliseconds. */
export interface SchedulerPort<P> {
  /** Wanted blocks that are not here, the most urgent first; at most `limit`. */
  missing(limit: number): readonly number[]
  /** Whether somebody waits for a missing block more than for the others; nobody, when absent. */
  isUrgent?(index: number): boolean
  /** Whether a block is wanted and not here. */
  isMissing(index: number): boolean
  /** Requests for a block that are under way. */
  asked(index: number): readonly Asked<P>[]
  /** Whether a peer announced that it has a block. */
  holds(peer: P, index: number): boolean
  /** The same of many blocks at once, 1 or 0 for each; asked one by one, when absent. */
  holdsEach?(peer: P, indexes: readonly number[]): Uint8Array
  /** How many announcements a peer has made so far. */
  announcements(peer: P): number
  /** Whether a peer announced to have all that is wanted. */
  holdsAll(peer: P): boolean
  /** How many requests to a peer are under way. */
  inFlight(peer: P): number
  /** Whether a peer downloads too. */
  isReader(peer: P): boolean
}

/** Gives `seedOf` the keys of all that a peer serves, as it says; undefined where it does not say. */
export type Served<P> = (peer: P) => ReadonlySet<number> | undefined

/** What a plan has to know of a peer. */
export interface Member<P> {
  readonly peer: P
  /** `seedOf` its public key. */
  readonly seed: number
  /** Nothing is expected from it. */
  readonly isSilent: boolean
  /** Fetches a share and passes it on; else its share is spread over the others. */
  readonly isOwner: boolean
  /** How many blocks it may be asked for at a time. */
  readonly window: number
}

export interface PlanOptions<P> {
  readonly view: SchedulerPort<P>
  /** `seedOf` our own public key. */
  readonly seed: number
  /** The first `HORIZON` of `View.missing`. */
  readonly missing: readonly number[]
  readonly members: readonly Member<P>[]
  /** Whether it is worth dividing them. */
  readonly isDivided: boolean
  /** Nobody says, when absent. */
  readonly served?: Served<P> | undefined
  /** Seeds of those that are not connected to us and do not fetch their share; undefined: nobody like that is counted on. */
  readonly idle: ReadonlySet<number> | undefined
}

/** What to ask whom for, by what peers hold at one moment. Each list begins with what to ask for first. */
export interface DownloadPlan<P> {
  /** Held by sources only, and ours to fetch from there. */
  readonly own: readonly number[]
  /** Held by other readers: the rarest first. */
  readonly shared: readonly number[]
  /** Held by sources only; what others are to fetch, but will not come to soon. */
  readonly spare: readonly number[]
  /** Held by sources only; what others will come to soon, and ours to fetch if they do not. */
  readonly reserve: readonly number[]
  /** The same, of what they have probably asked for. */
  readonly promised: readonly number[]
  /** Reader → blocks of its share that nobody has announced yet; there is at least one. */
  readonly open: ReadonlyMap<P, readonly number[]>
  /** The same of readers that the sources serve and that are not connected to us, by their seeds. */
  readonly openFar: ReadonlyMap<number, readonly number[]>
  /**
   * In a large crowd, block → how many readers that lack it come before us, for each that has it. Nobody does where it
   * is absent.
   */
  readonly before: ReadonlyMap<number, number>
  /** Announced by nobody but sources. */
  readonly rare: readonly number[]
  /** Hold everything. There are fewer of them than readers who want something from them, or none. */
  readonly sources: ReadonlySet<P>
  /** Peers beside the sources that download too. */
  readonly readers: number
}

/** How many missing blocks a plan looks at. */
export const HORIZON = 1_024

/** Of each reader's share, this many times as much as may be under way is left to it: what it has is not known at once. */
const LEFT_TO_OWNER = 3

/**
 * Divides the missing blocks. While there are fewer sources than readers, what sources send is dear:
 * each block should leave them once, to the reader whose share it is and which passes it on.
 */
export function makePlan<P>(options: PlanOptions<P>): DownloadPlan<P> {
  const { view, seed, missing, members, isDivided, served, idle } = options
  const held = members.map(({ peer }) => heldBy(view, peer, missing))
  const complete = members.filter(
    ({ peer }, at) => held[at]?.includes(0) !== true && view.holdsAll(peer),
  )
  const others = members.filter((it) => !complete.includes(it))
  const readers = others.filter(({ peer }) => view.isReader(peer))
  const able = readers.filter(({ isOwner }) => isOwner)
  const fetching = servedBy(complete, served)
  const known = new Set([seed, ...members.map((it) => it.seed), ...(idle ?? [])])
  const unconnected = idle === undefined ? [] : [...(fetching ?? [])].filter((it) => !known.has(it))
  const areFew = isDivided && complete.length <= readers.length + unconnected.length
  const far = areFew ? unconnected : []
  // Whom no source serves fetches nothing, and those fetch too that are not connected to us.
  const owners: readonly Owner<P>[] = [
    ...able.filter((it) => fetching?.has(it.seed) !== false),
    ...far.map((it) => ({ peer: undefined, seed: it })),
  ]
  const sources = new Set(areFew ? complete.map(({ peer }) => peer) : [])
  const holders = new Uint16Array(missing.length)
  members.forEach(({ peer, isSilent }, at) => {
    if (isSilent || sources.has(peer)) return
    const own = held[at] ?? new Uint8Array()
    for (let i = 0; i < own.length; i++) holders[i] = (holders[i] ?? 0) + (own[i] ?? 0)
  })
  const rare: number[] = []
  const own: Ranked[] = []
  const shared: Ranked[] = []
  const before = new Map<number, number>()
  const theirs = new Map<Owner<P>, Theirs[]>()
  missing.forEach((index, i) => {
    const weight = weigh(seed, index)
    const urgency = view.isUrgent?.(index) === true ? 0 : LATER
    const count = holders[i] ?? 0
    if (readers.length >= MANY_PEERS) {
      let heavier = 0
      for (let at = 0; at < members.length; at++) {
        const it = members[at] as Member<P>
        if (it.isOwner && held[at]?.[i] === 0 && weigh(it.seed, index) > weight) heavier++
      }
      before.set(index, heavier / Math.max(1, count))
    }
    if (count > 0) shared.push({ index, rank: urgency + count * HEAVIEST - weight })
    else {
      rare.push(index)
      const { owner, heaviest, isNext } = ownerOf(owners, index, weight)
      if (owner === undefined) own.push({ index, rank: urgency - weight })
      else
        push(theirs, owner, { index, rank: urgency - heaviest, ourRank: urgency + weight, isNext })
    }
  })
  const spare: Ranked[] = []
  const reserve: Ranked[] = []
  const promised: Ranked[] = []
  const open = new Map<P, readonly number[]>()
  const openFar = new Map<number, readonly number[]>()
  // An owner asks a source for about as much at a time as we do.
  const asked = Math.max(1, ...(areFew ? complete.map(({ window }) => window) : []))
  for (const [owner, found] of theirs) {
    const blocks = found.toSorted(byRank)
    if (owner.peer === undefined) openFar.set(owner.seed, blocks.map(indexOf))
    else open.set(owner.peer, blocks.map(indexOf))
    // The owner begins with what it weighs most for; its helper begins at the other end.
    blocks.forEach(({ index, ourRank, isNext }, at) => {
      const list = at < asked ? promised : at < LEFT_TO_OWNER * asked ? reserve : spare
      if (isNext) list.push({ index, rank: ourRank })
    })
  }
  return {
    own: own.toSorted(byRank).map(indexOf),
    shared: shared.toSorted(byRank).map(indexOf),
    spare: spare.toSorted(byRank).map(indexOf),
    reserve: reserve.toSorted(byRank).map(indexOf),
    promised: promised.toSorted(byRank).map(indexOf),
    open,
    openFar,
    before,
    rare,
    sources,
    readers: readers.length,
  }
}

/** Weights are below it. */
const HEAVIEST = 2 ** 32

/** Ranks of blocks that nobody waits for are above those of all others. */
const LATER = 2 ** 20 * HEAVIEST

interface Ranked {
  readonly index: number
  /** The lowest comes first. */
  readonly rank: number
}

/** A block of the share of another. */
interface Theirs extends Ranked {
  /** Its rank with us, if we have to fetch it after all. */
  readonly ourRank: number
  readonly isNext: boolean
}

/** A reader with a share. */
interface Owner<P> {
  /** Undefined where it is not connected to us. */
  readonly peer: P | undefined
  readonly seed: number
}

function servedBy<P>(
  sources: readonly Member<P>[],
  served: Served<P> | undefined,
): ReadonlySet<number> | undefined {
  const all = sources.map(({ peer }) => served?.(peer))
  if (all.length === 0 || all.includes(undefined)) return undefined
  return new Set(all.flatMap((it) => [...(it ?? [])]))
}

function heldBy<P>(view: SchedulerPort<P>, peer: P, indexes: readonly number[]): Uint8Array {
  if (view.holdsEach !== undefined) return view.holdsEach(peer, indexes)
  return Uint8Array.from(indexes, (index) => Number(view.holds(peer, index)))
}

// `isNext`: after the owner, nobody weighs more for it than we do.
function ownerOf<P>(
  owners: readonly Owner<P>[],
  index: number,
  ownWeight: number,
): { owner: Owner<P> | undefined; heaviest: number; isNext: boolean } {
  let owner: Owner<P> | undefined
  let heaviest = ownWeight
  let heavier = 0
  for (const it of owners) {
    const weight = weigh(it.seed, index)
    if (weight > ownWeight) heavier++
    if (weight > heaviest) {
      heaviest = weight
      owner = it
    }
  }
  return { owner, heaviest, isNext: heavier === 1 }
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

function byRank(a: Ranked, b: Ranked): number {
  return a.rank - b.rank
}

function indexOf({ index }: Ranked): number {
  return index
}

/**
 * Of several readers, the one that weighs most for a block fetches it from the source (rendezvous
 * hashing, Thaler and Ravishankar 1998). All readers that know of each other agree without a word, and
 * when one comes or goes only its share moves.
 */

/** A number for a public key, the same with everybody. */
export function seedOf(publicKey: Uint8Array): number {
  let seed = 0x811c9dc5
  for (const byte of publicKey) seed = Math.imul(seed ^ byte, 0x01000193)
  return seed >>> 0
}

/** How much a reader weighs for a block: evenly spread over 32 bits. */
export function weigh(seed: number, index: number): number {
  // The finalizer of MurmurHash3.
  let hash = Math.imul(index + 0x9e3779b9, 0x85ebca6b) ^ seed
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
