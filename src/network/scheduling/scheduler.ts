import { Expectation } from './expectation.ts'
import { HORIZON, makePlan, type Member, type Plan } from './plan.ts'
import type { View } from './view.ts'

/** A plan is used for so long; what arrives meanwhile is taken into account when a block is chosen. */
const PLAN_MS = 25
const PLAN_MS_PER_PEER = 2

/** So little is not divided: it would take longer, and saves nobody anything. */
const LITTLE_BYTES = 256 * 1024

/** A block that takes so many times as long as usual is asked of a second peer that has nothing else to do. */
const LATE_TIMES = 3

/**
 * A source that sends so many times as fast as one fellow does has more to give than its own share: it is asked
 * for the rest too, while fellows would take longer than `LONG_MS` for that.
 */
const GENEROUS_TIMES = 4
const LONG_MS = 1_000

/** Of the rate at which blocks arrive, over this time. */
const RATE_MS = 1_000

/** A block that a peer sent. */
export interface Arrival {
  readonly index: number
  readonly sizeBytes: number
  /** Since it was asked for. */
  readonly elapsedMs: number
}

export interface SchedulerOptions<P> {
  readonly view: View<P>
  /** `seedOf` our own public key. */
  readonly seed: number
  /** How long blocks are expected to be. */
  readonly blockBytes: number
}

/**
 * Decides which block to ask which peer for. It does no I/O, has no clock and draws no lots, so that it
 * runs the same in a simulation: whoever uses it tells what happens, and asks `choose` whenever a
 * peer may be asked for more.
 *
 * From a source, which holds everything, a reader asks its own share; the rest it gets from fellows, the
 * rarest first. Nothing is asked of two peers, unless one of them is late or silent.
 */
export class Scheduler<P> {
  readonly #view: View<P>
  readonly #seed: number
  readonly #blockBytes: number
  readonly #peers = new Map<P, Expectation>()
  #plan: Plan<P> | undefined
  #plannedMs = -Infinity
  /** Most blocks that were missing since none was. */
  #mostMissing = 0
  /** Of a list of the plan → how many of its first blocks need not be looked at again. */
  readonly #taken = new Map<readonly number[], number>()
  /** Arrivals of late, but for those from sources: a decaying sum of bytes. */
  #arrived = 0
  #arrivedMs = 0

  constructor({ view, seed, blockBytes }: SchedulerOptions<P>) {
    this.#view = view
    this.#seed = seed
    this.#blockBytes = blockBytes
  }

  /** @param seed `seedOf` the public key of the peer. */
  addPeer(peer: P, seed: number, nowMs: number): void {
    this.#peers.set(peer, new Expectation(seed, this.#blockBytes, nowMs))
    this.#plan = undefined
  }

  removePeer(peer: P): void {
    this.#peers.delete(peer)
    this.#plan = undefined
  }

  /** More is wanted than before. */
  noteWanted(): void {
    this.#plan = undefined
  }

  noteRoundTrip(peer: P, rttMs: number): void {
    this.#peers.get(peer)?.window.noteRoundTrip(rttMs)
  }

  /** A peer is about to be asked for a block. */
  noteAsked(peer: P, index: number, nowMs: number): void {
    this.#peers.get(peer)?.noteAsked(index, this.#view.inFlight(peer), nowMs)
  }

  /** A block arrived, `elapsedMs` after it was asked for. */
  noteArrival(peer: P, { index, sizeBytes, elapsedMs }: Arrival, nowMs: number): void {
    if (this.#plan?.sources.has(peer) !== true) {
      this.#arrived = this.#arrivedBytes(nowMs) + sizeBytes
      this.#arrivedMs = nowMs
    }
    this.#peers.get(peer)?.noteArrival(index, sizeBytes, elapsedMs, nowMs)
  }

  /** How many blocks a peer may be asked for at a time. */
  windowOf(peer: P, nowMs: number): number {
    const state = this.#peers.get(peer)
    if (state === undefined) return 0
    return this.#isSilent(peer, state, nowMs) ? 1 : state.window.blocks(this.#peers.size)
  }

  /**
   * The block to ask a peer for now, if any. With `again` it was asked of another peer already.
   */
  choose(peer: P, nowMs: number): { readonly index: number; readonly again: boolean } | undefined {
    const state = this.#peers.get(peer)
    if (state === undefined || this.#view.inFlight(peer) >= this.windowOf(peer, nowMs)) return
    const plan = this.#planAt(nowMs)
    const isSource = plan.sources.has(peer)
    const index = isSource
      ? (this.#first(plan.own, peer, nowMs) ??
        this.#first(plan.spare, peer, nowMs) ??
        (this.#isGenerous(state, plan, nowMs) ? this.#first(plan.shared, peer, nowMs) : undefined))
      : (this.#first(plan.shared, peer, nowMs) ?? this.#first(plan.own, peer, nowMs))
    if (index !== undefined) return { index, again: this.#view.asked(index).length > 0 }
    const late = this.#view.inFlight(peer) > 0 ? undefined : this.#late(plan, peer, state, nowMs)
    return late === undefined ? undefined : { index: late, again: true }
  }

  #planAt(nowMs: number): Plan<P> {
    const lastsMs = Math.max(PLAN_MS, this.#peers.size * PLAN_MS_PER_PEER)
    if (this.#plan !== undefined && nowMs - this.#plannedMs < lastsMs) return this.#plan
    const members: Member<P>[] = []
    let underWay = 0
    let usualMs = 0
    for (const [peer, state] of this.#peers) {
      const { seed, isIdle, window } = state
      const isSilent = this.#isSilent(peer, state, nowMs)
      members.push({ peer, seed, isSilent, isOwner: !isIdle && !isSilent })
      if (this.#plan?.sources.has(peer) !== true) continue
      underWay = Math.max(underWay, window.blocks(this.#peers.size))
      usualMs = Math.max(usualMs, window.elapsedMs ?? Infinity)
    }
    const missing = this.#view.missing(HORIZON)
    this.#mostMissing = missing.length === 0 ? 0 : Math.max(this.#mostMissing, missing.length)
    const plan = makePlan({
      view: this.#view,
      seed: this.#seed,
      missing,
      members,
      isDivided: this.#mostMissing * this.#blockBytes > LITTLE_BYTES,
      underWay,
    })
    for (const [peer, state] of this.#peers) {
      const isDue = plan.open.has(peer)
      state.noteAnnouncements(this.#view.announcements(peer), isDue, usualMs, nowMs)
    }
    this.#plan = plan
    this.#plannedMs = nowMs
    this.#taken.clear()
    return plan
  }

  // The first one that the peer has and nobody is expected to deliver.
  #first(blocks: readonly number[], peer: P, nowMs: number): number | undefined {
    const taken = this.#taken.get(blocks) ?? 0
    let isBeginning = true
    for (let i = taken; i < blocks.length; i++) {
      const index = blocks[i] as number
      if (this.#isExpected(index, nowMs)) {
        if (isBeginning) this.#taken.set(blocks, i + 1)
        continue
      }
      isBeginning = false
      const isAsked = this.#view.asked(index).some((it) => it.peer === peer)
      if (!isAsked && this.#view.holds(peer, index)) return index
    }
    return undefined
  }

  // Here, or on its way from a peer that sends.
  #isExpected(index: number, nowMs: number): boolean {
    if (!this.#view.isMissing(index)) return true
    return this.#view.asked(index).some(({ peer }) => {
      const state = this.#peers.get(peer)
      return state !== undefined && !this.#isSilent(peer, state, nowMs)
    })
  }

  // Near the end peers have nothing left to do while others still queue what they were asked for.
  #late(plan: Plan<P>, peer: P, { window }: Expectation, nowMs: number): number | undefined {
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

  #isSilent(peer: P, state: Expectation, nowMs: number): boolean {
    return state.isSilent(this.#view.inFlight(peer), nowMs)
  }

  #isGenerous({ window }: Expectation, plan: Plan<P>, nowMs: number): boolean {
    const rate = this.#arrivedBytes(nowMs) / RATE_MS
    const left = (plan.own.length + plan.shared.length) * this.#blockBytes
    return (
      rate > 0 &&
      left > rate * LONG_MS &&
      window.bytesPerMs > (GENEROUS_TIMES * rate) / Math.max(1, plan.readers)
    )
  }

  #arrivedBytes(nowMs: number): number {
    return this.#arrived * Math.exp((this.#arrivedMs - nowMs) / RATE_MS)
  }
}
