import { PeerStats, type Pace } from './peer-stats.ts'
import {
  HORIZON,
  makePlan,
  type DownloadPlan,
  type Member,
  type SchedulerPort,
  type Served,
} from './plan.ts'

/**
 * How long a plan is used, longer when it takes longer to make; what arrives meanwhile, or a reader announces of
 * its share, is taken into account when a block is chosen.
 */
const LEAST_PLAN_MS = 25
const MOST_PLAN_MS = 250

/** Number of blocks checked against what peers hold, for each millisecond that a plan is used. */
const LOOKS_PER_MS = 10

/** So little is not divided: it would take longer, and saves nobody anything. */
const LITTLE_BYTES = 256 * 1024

/** If the idle readers that only sources know outnumber the busy ones by more than this, none of them counts as an owner. */
const MOST_IDLE_FAR = 8

/** So many of those that left are remembered. */
const MOST_LEFT = 4_096

export interface PlannerOptions<P> {
  readonly view: SchedulerPort<P>
  readonly served?: Served<P> | undefined
  /** `seedOf` our own public key. */
  readonly seed: number
  /** How long blocks are expected to be. */
  readonly blockBytes: number
  /** All that are connected; looked at whenever a plan is made. */
  readonly peers: ReadonlyMap<P, PeerStats>
}

/** Makes a plan anew when the last one is too old, and notes who fetches and passes on a share. */
export class Planner<P> {
  readonly #options: PlannerOptions<P>
  #blockBytes: number
  /** The last one, also when it is out of date. */
  #plan: DownloadPlan<P> | undefined
  #staleMs = -Infinity
  /** By their seeds, readers with a share that are not connected to us. */
  readonly #far = new Map<number, PeerStats>()
  /** Seeds of those that were connected to us and are no more: nobody gets their share through us. */
  readonly #left = new Set<number>()
  /** Since the last plan. */
  #isMoreWanted = false
  /** Most blocks that were missing since none was. */
  #mostMissing = 0
  /** How long readers that sent some blocks took for one on average; infinite where none sent any. */
  #readersMs = Infinity

  constructor(options: PlannerOptions<P>) {
    this.#options = options
    this.#blockBytes = options.blockBytes
  }

  noteBlockBytes(blockBytes: number): void {
    this.#blockBytes = blockBytes
  }

  /** The next plan is made before anything is chosen. */
  forget(): void {
    this.#staleMs = -Infinity
  }

  noteAdded(seed: number): void {
    this.#left.delete(seed)
    this.forget()
  }

  noteRemoved(seed: number): void {
    if (this.#left.size >= MOST_LEFT) this.#left.clear()
    this.#left.add(seed)
    this.forget()
  }

  /** More is wanted than before. */
  noteWanted(): void {
    this.forget()
    this.#isMoreWanted = true
  }

  /** Whether a peer sends nothing of what it is asked for. A reader that never sent anything is compared with others. */
  isSilent(peer: P, state: PeerStats, nowMs: number): boolean {
    const othersMs = this.isSource(peer) ? Infinity : this.#readersMs
    return state.isSilent(this.#options.view.inFlight(peer), nowMs, othersMs)
  }

  /** Whether a peer was a source in the last plan. */
  isSource(peer: P): boolean {
    return this.#plan?.sources.has(peer) === true
  }

  planAt(nowMs: number): DownloadPlan<P> {
    if (this.#plan !== undefined && nowMs < this.#staleMs) return this.#plan
    const { view, served, seed, peers } = this.#options
    const members: Member<P>[] = []
    let usualMs = 0
    this.#noteReaders()
    for (const [peer, state] of peers) {
      const isSilent = this.isSilent(peer, state, nowMs)
      const isOwner = !state.isIdle && !isSilent
      const window = state.window.blocks(peers.size)
      members.push({ peer, seed: state.seed, isSilent, isOwner, window })
      if (this.isSource(peer)) usualMs = Math.max(usualMs, state.window.elapsedMs ?? Infinity)
    }
    const missing = view.missing(HORIZON)
    // What has not come yet tells most of a long queue.
    let waitedMs = usualMs
    for (const { peer, atMs } of missing.flatMap((index) => view.asked(index))) {
      if (this.isSource(peer)) waitedMs = Math.max(waitedMs, nowMs - atMs)
    }
    this.#mostMissing = missing.length === 0 ? 0 : Math.max(this.#mostMissing, missing.length)
    const isDivided = this.#mostMissing * this.#blockBytes > LITTLE_BYTES
    const idle = this.#idleFar()
    const plan = makePlan({ view, seed, missing, members, isDivided, served, idle })
    this.#noteFar(plan, { usualMs, waitedMs }, nowMs)
    for (const [peer, state] of peers) {
      if (this.#isMoreWanted) state.noteWanted(nowMs)
      // An idle peer has no share, and shows by anything new that it is idle no more.
      const before = state.isIdle ? this.#plan?.rare : this.#plan?.open.get(peer)
      const hasProgressed = before?.some((index) => view.holds(peer, index)) === true
      state.noteShare(hasProgressed, plan.open.has(peer), { usualMs, waitedMs }, nowMs)
    }
    this.#isMoreWanted = false
    const lastsMs = (missing.length * members.length) / LOOKS_PER_MS
    this.#staleMs = nowMs + Math.min(MOST_PLAN_MS, Math.max(LEAST_PLAN_MS, lastsMs))
    this.#plan = plan
    return plan
  }

  #noteReaders(): void {
    let senders = 0
    let sum = 0
    for (const [peer, { window }] of this.#options.peers) {
      if (window.elapsedMs === undefined || this.isSource(peer)) continue
      senders++
      sum += window.elapsedMs
    }
    this.#readersMs = senders === 0 ? Infinity : sum / senders
  }

  // A source that names readers that do not exist would have their shares wait.
  #idleFar(): ReadonlySet<number> | undefined {
    const idle = new Set<number>()
    for (const [it, state] of this.#far) if (state.isIdle) idle.add(it)
    const busy = this.#far.size - idle.size
    return idle.size > busy + MOST_IDLE_FAR ? undefined : new Set([...idle, ...this.#left])
  }

  // What a reader has fetched that is not connected to us, others announce.
  #noteFar(plan: DownloadPlan<P>, pace: Pace, nowMs: number): void {
    const rare = new Set(plan.rare)
    for (const it of this.#far.keys()) {
      if (!plan.openFar.has(it) && this.#far.get(it)?.isIdle !== true) this.#far.delete(it)
    }
    for (const it of plan.openFar.keys()) {
      const state = this.#far.get(it) ?? new PeerStats(it, this.#blockBytes, nowMs)
      this.#far.set(it, state)
      if (this.#isMoreWanted) state.noteWanted(nowMs)
      const before = this.#plan?.openFar.get(it)
      const hasProgressed = before?.some((index) => !rare.has(index)) === true
      state.noteShare(hasProgressed, true, pace, nowMs)
    }
  }
}
