import type { Log, LogPeer } from '../../format/log.ts'
import { USES_INTERNALS } from '../../log/internals/version.ts'
import type { BlockRange } from '../../format/block-ranges.ts'
import type { RunsUnderWay } from '../../log/internals/wanted-ranges.ts'
import { BlockRequests, type RequestPolicy } from '../../log/internals/requests.ts'
import { Scheduler } from './scheduler.ts'
import { seedOf } from './plan.ts'
import { RunTaker, type ArrivedRun, type RunSource } from '../ranges/run-taker.ts'

/** Assumed of blocks before any is known: a content block. */
const BLOCK_BYTES = 64 * 1024

/** Delay from choosing a block to the first check for late peers, and the longest one while nothing arrives. */
const LOOK_MS = 100
const LONGEST_LOOK_MS = 1_000

/** Gives the keys of all that a peer serves, but ours, as it says; undefined where it does not say. */
export type NamedBy = (peer: LogPeer) => Iterable<Uint8Array> | undefined

const noNames: NamedBy = () => undefined

/** Has a scheduler decide which peer is asked for which block of one log, until `close`. */
export class LogScheduling {
  readonly #log: Log
  readonly #requests: BlockRequests
  readonly #runs: RunTaker
  readonly #namedBy: NamedBy
  /** Exists as soon as there is a peer. */
  #scheduler: Scheduler<LogPeer> | undefined
  readonly #nothing = new Map<LogPeer, { atMs: number; announcements: number }>()
  readonly #stop: readonly (() => void)[]
  #timer: NodeJS.Timeout | undefined
  #lookMs = LOOK_MS
  /** Of the log, when it last grew. */
  #known: { readonly length: number; readonly byteLength: number }

  private constructor(log: Log, source: RunSource, namedBy: NamedBy) {
    this.#log = log
    this.#namedBy = namedBy
    this.#known = { length: log.length, byteLength: log.byteLength }
    const runs: RunsUnderWay = {
      over: (index) => this.#runs.over(index),
      inFlight: (peer) => this.#runs.inFlight(peer),
    }
    const policy: RequestPolicy = {
      windowOf: (peer) => this.#scheduler?.windowOf(peer, Date.now()) ?? 0,
      mayAsk: (peer) => this.#mayAsk(peer),
      ask: (peer) => this.#ask(peer),
      onWanted: () => this.#onWanted(),
    }
    this.#requests = new BlockRequests(log, policy, runs)
    const { replication, nodes } = this.#requests
    this.#runs = new RunTaker({
      log,
      replication,
      nodes,
      source,
      onArrival: (peer, run) => this.#onRun(peer, run),
      onRoom: () => this.#onRoom(),
    })
    this.#stop = [
      () => this.#runs.close(),
      () => this.#requests.close(),
      log.events.on('scheduler', 'truncate', () => this.#runs.close()),
      log.events.on('scheduler', 'peer-add', this.#onPeerAdd),
      log.events.on('scheduler', 'peer-remove', this.#onPeerRemove),
      log.events.on('scheduler', 'download', this.#onDownload),
      log.events.on('scheduler', 'append', this.#onAppend),
    ]
    for (const peer of log.peers) this.#onPeerAdd(peer)
  }

  /** @returns nothing where Hypercore decides. */
  static of(log: Log, source: RunSource, namedBy?: NamedBy): LogScheduling | undefined {
    return USES_INTERNALS ? new LogScheduling(log, source, namedBy ?? noNames) : undefined
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const stop of this.#stop) stop()
  }

  readonly #onPeerAdd = (peer: LogPeer): void => {
    const { replication } = this.#requests
    const { length, byteLength } = this.#known
    this.#scheduler ??= new Scheduler({
      view: replication,
      served: (it) => this.#served(it),
      seed: seedOf(peer.ownPublicKey),
      blockBytes: length > 0 ? byteLength / length : BLOCK_BYTES,
    })
    this.#scheduler.addPeer(peer, seedOf(peer.publicKey), Date.now())
    this.#scheduler.noteRoundTrip(peer, replication.roundTripMs(peer))
    this.#requests.decide(peer)
    this.#lookSoon()
  }

  readonly #onPeerRemove = (peer: LogPeer): void => {
    this.#nothing.delete(peer)
    this.#runs.forget(peer)
    this.#scheduler?.removePeer(peer)
  }

  readonly #onDownload = (
    index: number,
    sizeBytes: number,
    peer: LogPeer,
    elapsedMs: number | undefined,
  ): void => {
    this.#lookMs = LOOK_MS
    this.#nothing.clear()
    // What was pushed was not asked for.
    if (elapsedMs === undefined) return
    this.#scheduler?.noteRoundTrip(peer, this.#requests.replication.roundTripMs(peer))
    this.#scheduler?.noteArrival(peer, { index, sizeBytes, elapsedMs }, Date.now())
  }

  #onRun(peer: LogPeer, { range, sizeBytes, elapsedMs }: ArrivedRun): void {
    const [index, blocks] = [range.end - 1, range.end - range.start]
    this.#scheduler?.noteRoundTrip(peer, this.#requests.replication.roundTripMs(peer))
    this.#scheduler?.noteArrival(peer, { index, blocks, sizeBytes, elapsedMs }, Date.now())
    this.#onRoom()
  }

  #onRoom(): void {
    this.#lookMs = LOOK_MS
    this.#nothing.clear()
    if (this.#log.isOpen) this.#requests.replication.update()
  }

  // What is new may be of another kind than what was there.
  readonly #onAppend = (): void => {
    const { length, byteLength } = this.#log
    const blocks = length - this.#known.length
    if (blocks > 0) this.#scheduler?.noteBlockBytes((byteLength - this.#known.byteLength) / blocks)
    this.#known = { length, byteLength }
    this.#lookSoon()
    this.#onWanted()
  }

  #onWanted(): void {
    this.#nothing.clear()
    this.#scheduler?.noteWanted()
  }

  // Hypercore asks once for each range and batch of blocks.
  #mayAsk(peer: LogPeer): boolean {
    const nowMs = Date.now()
    const { replication } = this.#requests
    if (this.#scheduler === undefined) return false
    if (replication.inFlight(peer) >= this.#scheduler.windowOf(peer, nowMs)) return false
    if (this.#runs.isFull) return false
    const nothing = this.#nothing.get(peer)
    return nothing?.atMs !== nowMs || nothing.announcements !== replication.announcements(peer)
  }

  #ask(peer: LogPeer): boolean {
    const scheduler = this.#scheduler
    if (scheduler === undefined || !this.#mayAsk(peer)) return false
    const { replication } = this.#requests
    const nowMs = Date.now()
    this.#lookSoon()
    const isAlone = scheduler.isAlone(peer, nowMs) && this.#runs.speaks(peer)
    const inRuns = (around?: number) => {
      const noteAsked = ({ end }: BlockRange) => scheduler.noteAsked(peer, end - 1, nowMs)
      return this.#runs.ask(peer, scheduler.runBlocks(peer), noteAsked, around)
    }
    // Several that come at the same time would all begin with the same ones.
    const isNew = scheduler.isNew(peer, nowMs)
    if (isAlone && !isNew && inRuns()) return true
    const chosen = scheduler.choose(peer, nowMs)
    if (isAlone && isNew && chosen?.again === false && inRuns(chosen.index)) return true
    if (chosen !== undefined) {
      scheduler.noteAsked(peer, chosen.index, nowMs)
      if (replication.ask(peer, chosen.index, chosen.again)) return true
    }
    this.#nothing.set(peer, { atMs: nowMs, announcements: replication.announcements(peer) })
    return false
  }

  #served(peer: LogPeer): ReadonlySet<number> | undefined {
    const keys = this.#namedBy(peer)
    return keys && new Set([seedOf(peer.ownPublicKey), ...[...keys].map(seedOf)])
  }

  // Being late is no event.
  #lookSoon(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (!this.#log.isOpen || this.#log.peers.length === 0) return
      const { replication } = this.#requests
      if (replication.missing(1).length === 0) return
      this.#runs.giveUpLate()
      this.#lookMs = Math.min(2 * this.#lookMs, LONGEST_LOOK_MS)
      this.#nothing.clear()
      replication.update()
      // Also where nobody may be asked for anything now.
      this.#lookSoon()
    }, this.#lookMs).unref()
  }
}
