import type Hypercore from 'hypercore'
import { includes, type BlockRange } from '../../format/block-ranges.ts'
import type { LogPeer } from '../../format/log.ts'
import { peerOf, replicationPeerOf } from '../hypercore-peer.ts'
import {
  internalsOf,
  type Announcement,
  type CoreInternals,
  type MessageInternals,
  type PeerInternals,
  type RangeInternals,
  type RequestInternals,
} from './internals.ts'
import type { KnownNodes } from './known-nodes.ts'
import {
  finiteFirst,
  lastRun,
  near,
  newestFirst,
  newestOf,
  NO_RANGE,
  type RunsUnderWay,
} from './wanted-ranges.ts'
import type { StateInternals } from './state-internals.ts'

/** Of a peer's bitfield. */
const PAGE_BITS = 32_768

const NOBODY: ReturnType<Replication['asked']> = []

interface Counter {
  readonly rx: number
}

/** The replication of one core, from the inside: what is wanted of it, and what its peers have. */
export class Replication {
  readonly #core: CoreInternals
  readonly #runs: RunsUnderWay | undefined
  /** The last of several ranges, if it ends, as of the last call of `missing`. */
  #newest = NO_RANGE

  constructor(core: Hypercore, runs?: RunsUnderWay) {
    this.#core = internalsOf(core)
    this.#runs = runs
  }

  get peers(): readonly PeerInternals[] {
    return this.#core.replicator.peers
  }

  /** Whether a range has blocks that are not here. */
  get hasRanges(): boolean {
    return this.#ranges().some(({ start, end }) => start < this.#endOf(end))
  }

  /** Wanted blocks that are not here: single ones first, then of finite ranges, each from its end. */
  missing(limit: number): number[] {
    const { bitfield, replicator } = this.#core
    const found = new Set<number>()
    for (const { index, refs } of replicator._blocks) {
      if (found.size < limit && refs.length > 0 && !bitfield.get(index)) found.add(index)
    }
    const ranges = this.#ranges()
    this.#newest = newestOf(ranges)
    for (const { start, end } of ranges.toSorted(finiteFirst)) {
      let index = bitfield.findLast(false, this.#endOf(end) - 1)
      while (index >= start && found.size < limit) {
        found.add(index)
        index--
        if (bitfield.get(index)) index = bitfield.findLast(false, index)
      }
    }
    return [...found]
  }

  /**
   * Whether somebody waits for a block that `missing` gave, or it is in the last of several ranges, one that ends: a new
   * issue comes first.
   */
  isUrgent(index: number): boolean {
    return this.#isAwaited(index) || includes(this.#newest, index)
  }

  /** Whether a block is wanted and not here. */
  isMissing(index: number): boolean {
    if (this.#core.bitfield.get(index)) return false
    if (this.#isAwaited(index)) return true
    for (const { start, end, blocks } of this.#core.replicator._ranges) {
      if (blocks === null && start <= index && index < this.#endOf(end)) return true
    }
    return false
  }

  /** Requests for a block that are under way, and when each began by `Date.now`. */
  asked(index: number): readonly { readonly peer: LogPeer; readonly atMs: number }[] {
    const inflight = this.#core.replicator._blocks.get(index)?.inflight ?? []
    const run = this.#runs?.over(index)
    if (inflight.length === 0) return run === undefined ? NOBODY : [run]
    const single = inflight.map(({ peer, timestamp }) => ({ peer: peerOf(peer), atMs: timestamp }))
    return run === undefined ? single : [run, ...single]
  }

  /** Whether a block that nobody was asked for alone is part of a run that comes from a peer. */
  isInRun(of: LogPeer, { index, inflight }: RequestInternals): boolean {
    return inflight.length === 0 && this.#runs?.over(index)?.peer === of
  }

  /**
   * The next blocks in a row to ask a peer for: of the newest range, else of the last one that ends, each from its end.
   * @param most how many; down to a multiple of the next lower power of two, so that few hashes come with them.
   * @param around if given, a block that is part of it or near.
   */
  nextRun(of: LogPeer, most: number, around?: number): BlockRange | undefined {
    const isOpen = (index: number) =>
      !this.isHeld(index) && this.asked(index).length === 0 && this.holds(of, index)
    for (const range of this.#ranges().toSorted(newestFirst)) {
      const all = { start: range.start, end: this.#endOf(range.end) }
      const part = around === undefined ? all : near(all, around, most)
      const run = lastRun(this.#core, part, most, isOpen, (index) => this.#runs?.over(index)?.range)
      if (run !== undefined) return run
    }
    return undefined
  }

  /** Whether a peer announced a block, and can prove it. */
  holds(of: LogPeer, index: number): boolean {
    const peer = peerInternalsOf(of)
    const isAnnounced = index < peer._remoteContiguousLength || peer.remoteBitfield.get(index)
    return isAnnounced && index < peer.remoteLength && peer._canRequest(index, false)
  }

  /** `holds` of each, 1 or 0: plans ask by the thousand. */
  holdsEach(of: LogPeer, indexes: readonly number[]): Uint8Array {
    const peer = peerInternalsOf(of)
    const { remoteLength, _remoteContiguousLength: contiguous } = peer
    const isReachable = remoteLength >= this.#core.state.length
    const held = new Uint8Array(indexes.length)
    let pageStart = -1
    let page: Uint32Array | undefined
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i] as number
      if (index >= remoteLength) continue
      if (index >= contiguous) {
        const within = index % PAGE_BITS
        if (index - within !== pageStart) {
          pageStart = index - within
          page = peer.remoteBitfield.getBitfield(index)?.bitfield
        }
        if ((((page?.[within >>> 5] ?? 0) >>> (within & 31)) & 1) === 0) continue
      }
      if (isReachable || peer._canRequest(index, false)) held[i] = 1
    }
    return held
  }

  /** Whether a peer announced all that is wanted. */
  holdsAll(of: LogPeer): boolean {
    const peer = peerInternalsOf(of)
    const contiguous = peer.remoteContiguousLength
    if (contiguous >= this.#core.state.length) return true
    return this.#ranges().every(({ start, end }) => {
      for (let i = Math.max(start, contiguous); i < this.#endOf(end); i++) {
        if (!peer.remoteBitfield.get(i)) return false
      }
      return true
    })
  }

  /** Asks a peer for a block, also if others were asked (`again`). Gives whether it did. */
  ask(of: LogPeer, index: number, again: boolean): boolean {
    const { replicator, state } = this.#core
    const peer = peerInternalsOf(of)
    // Of what is part of a run there is no request.
    const request = again ? replicator._blocks.get(index) : null
    if (request === null) return peer._requestRangeBlock(index, state.length)
    return peer._requestBlock(request)
  }

  /**
   * Sends a request for a block without reading from the store which hashes it lacks, one height after the other, as
   * Hypercore does. Gives whether it did; else Hypercore has to.
   */
  send(peer: PeerInternals, message: MessageInternals, nodes: KnownNodes): boolean {
    const { replicator, state } = this.#core
    const { block, hash, upgrade, fork } = message
    if (block === null || hash !== null || fork !== state.fork) return false
    if (block.index >= state.length) return false
    block.nodes = nodes.missingHeights(block.index, state.length)
    peer.inflight++
    replicator._inflight.add(message)
    if (upgrade !== null) replicator._addUpgrade().inflight.push(message)
    peer.wireRequest.send(message)
    peer.stats.wireRequest.tx++
    replicator.stats.wireRequest.tx++
    return true
  }

  /**
   * A peer announced blocks up to here, so its log is as long. Two that grow at the same moment sometimes do not tell
   * each other of their length, and Hypercore asks nobody for what lies behind the length that it told.
   */
  noteEnd(of: LogPeer, end: number): void {
    const { length, fork } = this.#core.state
    const peer = peerInternalsOf(of)
    if (peer.remoteFork !== fork) return
    peer.remoteLength = Math.max(peer.remoteLength, Math.min(end, length))
  }

  /** How many announcements a peer has made. */
  announcements(peer: LogPeer): number {
    const { stats } = replicationPeerOf(peer)
    const { wireRange, wireBitfield } = stats as unknown as Record<string, Counter | undefined>
    return (wireRange?.rx ?? 0) + (wireBitfield?.rx ?? 0)
  }

  /** How many requests to a peer are under way. */
  inFlight(peer: LogPeer): number {
    return peerInternalsOf(peer).inflight + (this.#runs?.inFlight(peer) ?? 0)
  }

  /** Whether a peer downloads too. */
  isReader(peer: LogPeer): boolean {
    return replicationPeerOf(peer).remoteDownloading
  }

  /** Smoothed round-trip time of the connection to a peer; 0 where the transport does not measure it. */
  roundTripMs(peer: LogPeer): number {
    const { stream } = replicationPeerOf(peer)
    return (stream as unknown as { rawStream?: { rtt?: number } }).rawStream?.rtt ?? 0
  }

  /** Whether it may change what is asked for: most announce one block that is here or on its way already. */
  isNews({ drop, start, length }: Announcement): boolean {
    const { bitfield, replicator } = this.#core
    if (drop || length !== 1 || start === 0) return true
    return !bitfield.get(start) && (replicator._blocks.get(start)?.inflight.length ?? 0) === 0
  }

  isHeld(index: number): boolean {
    return this.#core.bitfield.get(index)
  }

  /** Calls back before and after blocks are dropped, until the returned function is called. */
  watchDrops(onDrop: () => void): () => void {
    const { state } = this.#core
    const usual: unknown = Reflect.get(state, 'clear')
    // What drops blocks may call it on a stand-in for the state.
    state.clear = async function (this: StateInternals, ...given) {
      onDrop()
      try {
        return await (usual as StateInternals['clear']).apply(this, given)
      } finally {
        onDrop()
      }
    }
    return () => {
      delete (state as Partial<typeof state>).clear
    }
  }

  /** Calls back whenever a range is added, before anything of it is asked for, until the returned function is called. */
  watchRanges(onRange: () => void): () => void {
    const { replicator } = this.#core
    // The array of ranges is no help: Hypercore shuffles it whenever it asks.
    const usual = replicator.addRange.bind(replicator)
    replicator.addRange = (...given) => {
      onRange()
      return usual(...given)
    }
    return () => {
      delete (replicator as Partial<typeof replicator>).addRange
    }
  }

  /** Lets every peer be asked for what it may be asked for now. */
  update(): void {
    const { replicator } = this.#core
    for (const peer of replicator.peers) replicator.updatePeer(peer)
  }

  #isAwaited(index: number): boolean {
    return (this.#core.replicator._blocks.get(index)?.refs.length ?? 0) > 0
  }

  #ranges(): RangeInternals[] {
    return this.#core.replicator._ranges.filter((it) => it.blocks === null)
  }

  #endOf(end: number): number {
    const { length } = this.#core.state
    return end === -1 ? length : Math.min(end, length)
  }
}

export function peerInternalsOf(peer: LogPeer): PeerInternals {
  return replicationPeerOf(peer) as PeerInternals
}
