import { MANY_PEERS, PeerStats, type Arrival } from './peer-stats.ts'
import type { DownloadPlan, SchedulerPort } from './plan.ts'
import { Planner, type PlannerOptions } from './planner.ts'

/** A window is used if so much of it is under way. */
const USED = 0.5

/** A block that takes this many times as long as usual is requested from a second, idle peer. */
const LATE_TIMES = 2

/** How often that is looked for. */
const LATE_EVERY_MS = 50

/** After this many block times idle, a reader takes blocks from another reader's share. */
const REST_TIMES = 1
const LONG_REST_TIMES = 3

/**
 * A source that sends this many times as fast as one reader does has more to give than our own share: it is asked
 * for the rest too, while readers would take longer than `LONG_MS` for that.
 */
const GENEROUS_TIMES = 4
const LONG_MS = 1_000

/** By then a source has introduced those to each other that came at the same time. */
const NEW_MS = 1_000

/**
 * In a large crowd, readers that ask each holder of a block at a time; those that weigh most for the block go first. If all
 * asked its first holder, that one would send copy after copy, and the number of copies would not double.
 */
const ASKING_AT_ONCE = 2

/** Block times after which everybody may ask a holder that nobody has asked. */
const WAIT_TIMES = 2

/** Block time of a peer that has sent no block yet. */
const UNKNOWN_MS = 150

export type SchedulerOptions<P> = Omit<PlannerOptions<P>, 'peers'>

/**
 * Decides which block to ask which peer for. It does no I/O, has no clock and draws no lots, so that it
 * runs the same in a simulation: its user reports what happens, and calls `choose` whenever a
 * peer may be asked for more.
 *
 * From a source, which holds everything, a reader asks its own share; the rest it gets from other readers, the
 * rarest first. Nothing is asked of two peers, unless one of them is late or silent.
 */
export class Scheduler<P> {
  readonly #view: SchedulerPort<P>
  #blockBytes: number
  readonly #peers = new Map<P, PeerStats>()
  readonly #planner: Planner<P>
  /** List of the plan → what of it nobody was expected to deliver when it was last looked at. */
  readonly #left = new WeakMap<readonly number[], number[]>()
  /** What readers sent. */
  readonly #arrived = new RecentBytes()

  constructor(options: SchedulerOptions<P>) {
    this.#view = options.view
    this.#blockBytes = options.blockBytes
    this.#planner = new Planner({ ...options, peers: this.#peers })
  }

  /** @param seed `seedOf` the public key of the peer. */
  addPeer(peer: P, seed: number, nowMs: number): void {
    this.#peers.set(peer, new PeerStats(seed, this.#blockBytes, nowMs))
    this.#planner.noteAdded(seed)
  }

  removePeer(peer: P): void {
    const state = this.#peers.get(peer)
    this.#peers.delete(peer)
    if (state !== undefined) this.#planner.noteRemoved(state.seed)
  }

  /** How long the blocks are that are wanted now. */
  noteBlockBytes(blockBytes: number): void {
    this.#blockBytes = blockBytes
    this.#planner.noteBlockBytes(blockBytes)
    for (const { window } of this.#peers.values()) window.setBlockBytes(blockBytes)
  }

  /** More is wanted than before. */
  noteWanted(): void {
    this.#planner.noteWanted()
  }

  noteRoundTrip(peer: P, rttMs: number): void {
    this.#peers.get(peer)?.window.noteRoundTrip(rttMs)
  }

  /** A peer is about to be asked for a block. */
  noteAsked(peer: P, index: number, nowMs: number): void {
    this.#peers.get(peer)?.noteAsked(index, this.#view.inFlight(peer), nowMs)
  }

  /** A block arrived, `elapsedMs` after it was asked for. */
  noteArrival(peer: P, arrival: Arrival, nowMs: number): void {
    if (!this.#planner.isSource(peer)) this.#arrived.add(arrival.sizeBytes, nowMs)
    const state = this.#peers.get(peer)
    if (state === undefined) return
    const peers = this.#peers.size
    const underWay = this.#view.inFlight(peer) + 1
    // Of several, one that little is asked of gets little at a time: the others send meanwhile.
    const isUsed = peers > 1 || underWay >= state.window.blocks(peers) * USED
    state.noteArrival(arrival, isUsed, nowMs)
  }

  /** How many blocks a peer may be asked for at a time. */
  windowOf(peer: P, nowMs: number): number {
    const state = this.#peers.get(peer)
    if (state === undefined) return 0
    return this.#isSilent(peer, state, nowMs) ? 1 : state.window.blocks(this.#peers.size)
  }

  /** Whether nobody else is there to share with, or to ask, also nobody that the peer serves and we do not know yet. */
  isAlone(peer: P, nowMs: number): boolean {
    if (this.#peers.size !== 1 || !this.#peers.has(peer)) return false
    return this.#planner.planAt(nowMs).sources.size === 0
  }

  /** Whether a peer came so lately that it may serve others at the same time and has not said so. */
  isNew(peer: P, nowMs: number): boolean {
    const state = this.#peers.get(peer)
    return state !== undefined && nowMs - state.addedMs < NEW_MS
  }

  /** How many blocks to ask the only peer for in one run. */
  runBlocks(peer: P): number {
    return this.#peers.get(peer)?.window.runBlocks() ?? 1
  }

  /**
   * The block to ask a peer for now, if any. With `again` it was asked of another peer already.
   */
  choose(peer: P, nowMs: number): { readonly index: number; readonly again: boolean } | undefined {
    const state = this.#peers.get(peer)
    if (state === undefined || this.#view.inFlight(peer) >= this.windowOf(peer, nowMs)) return
    const plan = this.#planner.planAt(nowMs)
    const index = plan.sources.has(peer)
      ? this.#fromSource(plan, peer, state, nowMs)
      : this.#fromReader(plan, peer, state, nowMs)
    if (index !== undefined) return { index, again: this.#view.asked(index).length > 0 }
    if (this.#view.inFlight(peer) > 0 || nowMs < state.lookLateMs) return
    state.lookLateMs = nowMs + LATE_EVERY_MS
    const late = this.#late(plan, peer, state, nowMs)
    return late === undefined ? undefined : { index: late, again: true }
  }

  #fromSource(plan: DownloadPlan<P>, peer: P, state: PeerStats, nowMs: number): number | undefined {
    const rested = this.#rested(peer, state, nowMs)
    return (
      this.#first(plan.own, peer, nowMs) ??
      this.#first(plan.spare, peer, nowMs) ??
      (this.#isGenerous(state, plan, nowMs) ? this.#first(plan.shared, peer, nowMs) : undefined) ??
      (rested > REST_TIMES ? this.#first(plan.reserve, peer, nowMs) : undefined) ??
      (rested > LONG_REST_TIMES ? this.#first(plan.promised, peer, nowMs) : undefined)
    )
  }

  #fromReader(plan: DownloadPlan<P>, peer: P, state: PeerStats, nowMs: number): number | undefined {
    // It had nothing for us that is not under way; what others do not deliver is seen with the next plan.
    const announcements = this.#view.announcements(peer)
    const rested = this.#rested(peer, state, nowMs, UNKNOWN_MS)
    const most = rested > WAIT_TIMES ? Infinity : ASKING_AT_ONCE
    const nothing = state.nothing
    const isKnown = nothing?.plan === plan && nothing.announcements === announcements
    if (isKnown && (nothing.most >= most || plan.before.size === 0)) return
    const isTurn = (it: number) => (plan.before.get(it) ?? 0) < most
    const index =
      this.#first(plan.shared, peer, nowMs, isTurn) ??
      this.#first(plan.open.get(peer) ?? [], peer, nowMs, isTurn) ??
      this.#first(plan.own, peer, nowMs)
    if (index === undefined) state.nothing = { plan, announcements, most }
    return index
  }

  // The first one that the peer has and nobody is expected to deliver.
  #first(
    blocks: readonly number[],
    peer: P,
    nowMs: number,
    isTurn: (index: number) => boolean = () => true,
  ): number | undefined {
    const left = this.#left.get(blocks) ?? [...blocks]
    this.#left.set(blocks, left)
    let kept = 0
    let found: number | undefined
    for (let i = 0; i < left.length && found === undefined; i++) {
      const index = left[i] as number
      if (this.#isExpected(index, nowMs)) continue
      if (kept < i) closeGap(left, kept, i)
      i = kept++
      const isAsked = this.#view.asked(index).some((it) => it.peer === peer)
      if (!isAsked && isTurn(index) && this.#view.holds(peer, index)) found = index
    }
    if (found === undefined) left.length = kept
    return found
  }

  // Here, or on its way from a peer that sends.
  #isExpected(index: number, nowMs: number): boolean {
    if (!this.#view.isMissing(index)) return true
    for (const { peer } of this.#view.asked(index)) {
      const state = this.#peers.get(peer)
      if (state !== undefined && !this.#isSilent(peer, state, nowMs)) return true
    }
    return false
  }

  // Near the end peers have nothing left to do while others still queue what they were asked for.
  #late(plan: DownloadPlan<P>, peer: P, { window }: PeerStats, nowMs: number): number | undefined {
    const usualMs = window.elapsedMs
    if (usualMs === undefined) return
    let latest: number | undefined
    let longestMs = 0
    for (const list of plan.sources.has(peer) ? [plan.own] : [plan.shared, plan.own]) {
      for (const index of list) {
        if (!this.#view.isMissing(index) || !this.#view.holds(peer, index)) continue
        const asked = this.#view.asked(index)
        const [first] = asked
        if (first === undefined || asked.length > 1 || first.peer === peer) continue
        const otherMs = this.#peers.get(first.peer)?.window.elapsedMs ?? usualMs
        const ageMs = nowMs - first.atMs
        if (ageMs < LATE_TIMES * Math.max(usualMs, otherMs) || ageMs <= longestMs) continue
        longestMs = ageMs
        latest = index
      }
    }
    return latest
  }

  #isSilent(peer: P, state: PeerStats, nowMs: number): boolean {
    return this.#planner.isSilent(peer, state, nowMs)
  }

  // For how many times as long as a block takes it has been asked for nothing.
  #rested(peer: P, state: PeerStats, nowMs: number, ifUnknownMs?: number): number {
    const elapsedMs = state.window.elapsedMs ?? ifUnknownMs
    if (elapsedMs === undefined || this.#view.inFlight(peer) > 0) return 0
    return state.restedMs(nowMs) / Math.max(1, elapsedMs)
  }

  #isGenerous({ window }: PeerStats, plan: DownloadPlan<P>, nowMs: number): boolean {
    const rate = this.#arrived.perMs(nowMs)
    const left = (plan.own.length + plan.shared.length) * this.#blockBytes
    if (rate === 0 || left <= rate * LONG_MS) return false
    const ofReader = plan.readers < MANY_PEERS ? rate / plan.readers : this.#readerRate(plan)
    return window.bytesPerMs > GENEROUS_TIMES * ofReader
  }

  // Of many readers most have nothing to send at the beginning: those count that sent something while they were asked.
  #readerRate(plan: DownloadPlan<P>): number {
    let senders = 0
    let sum = 0
    for (const [peer, { window }] of this.#peers) {
      if (plan.sources.has(peer) || window.bytesPerMs === 0) continue
      senders++
      sum += window.bytesPerMs
    }
    return senders === 0 ? Infinity : sum / senders
  }
}

// `copyWithin` looks each element of an array up by its name, which took a tenth of a reader's time.
function closeGap(list: number[], to: number, from: number): void {
  const gap = from - to
  for (let i = from; i < list.length; i++) list[i - gap] = list[i] as number
  list.length -= gap
}

/** About so much of the past counts, in milliseconds. */
const MEMORY_MS = 1_000

/** How fast bytes have come lately: a sum in which older ones count ever less. */
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
