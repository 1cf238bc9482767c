// The one place that reaches into Hypercore. It has no public way to ask one peer for one block; what is used of
// it instead is written down here, for one version, and a test fails when that changes.
import { createRequire } from 'node:module'
import type Hypercore from 'hypercore'
import type { Peer } from 'hypercore'
import type { KnownHashes } from './known-hashes.ts'
import type { Asked } from './view.ts'

/** The version whose inside this module knows. */
export const KNOWN_VERSION = '11.37.1'

/** A replication peer, from the inside. */
export interface InnerPeer extends Omit<Peer, 'inflight' | 'remoteBitfield' | 'remoteLength'> {
  remoteLength: number
  readonly remoteBitfield: Peer['remoteBitfield'] & {
    getBitfield(index: number): { readonly bitfield: Uint32Array } | null
  }
  /** Most requests under way, of whatever kind. */
  getMaxInflight: () => number
  /** Up to so many requests under way, an idle peer is asked for what others were asked already. */
  getMaxHotswapInflight: () => number
  /** Asks for some block of a range, if there is one to ask for: finds out where, and calls `_requestRangeBatch`. */
  _requestRange: (range: InnerRange) => boolean
  /**
   * Asks for some block of a range, if there is one to ask for. Called again and again while it does.
   * @param length of the core
   */
  _requestRangeBatch: (start: number, end: number, length: number) => boolean
  /** Asks for a block that nobody was asked for. */
  _requestRangeBlock: (index: number, length: number) => boolean
  /** Asks for a block, whoever else was asked. */
  _requestBlock: (request: InnerRequest) => boolean
  _canRequest: (index: number, force: boolean) => boolean
  /** Takes what the other side says of the length of its log, and asks for what is new. */
  onsync: (message: object) => Promise<void>
  /** Asks for a proof of all that both have; its answer counts, whatever was asked. */
  _checkIfConflict: () => void
  /** The peer told that it has blocks, or has dropped them. */
  onrange: (announcement: Announcement) => Promise<void>
  /** Asks for what may be asked for now; called when the peer has told anything. */
  _update: () => void
  /** Looks up which hashes are missing, and sends a request. */
  _send: (message: InnerMessage) => unknown
  inflight: number
  readonly wireRequest: { send(message: InnerMessage): boolean }
}

/** Of blocks that a peer has, or has dropped. */
export interface Announcement {
  readonly drop: boolean
  readonly start: number
  readonly length: number
}

/** A request as it goes to a peer. */
export interface InnerMessage {
  readonly fork: number
  /** `nodes`: from how many heights of the tree hashes are to come with the block. */
  readonly block: { readonly index: number; nodes: number } | null
  readonly hash: object | null
  readonly upgrade: object | null
}

interface InnerRequest {
  readonly index: number
  /** Who waits for this very block. */
  readonly refs: readonly unknown[]
  readonly inflight: readonly { readonly peer: InnerPeer; readonly timestamp: number }[]
}

export interface InnerRange {
  /** Moves up as the blocks at the beginning arrive. */
  readonly start: number
  /** -1: follows the core. */
  readonly end: number
  readonly blocks: readonly number[] | null
}

interface InnerReplicator {
  readonly peers: readonly InnerPeer[]
  readonly _ranges: readonly InnerRange[]
  readonly _inflight: { add(message: InnerMessage): void }
  readonly stats: { readonly wireRequest: { tx: number } }
  _addUpgrade(): { readonly inflight: InnerMessage[] }
  readonly _blocks: Iterable<InnerRequest> & { get(index: number): InnerRequest | null }
  /** Also asks again for what others were asked, as far as `getMaxHotswapInflight` allows. */
  updatePeer(peer: InnerPeer): void
  /** Tells sessions of a block that arrived. */
  _ondownload(index: number, sizeBytes: number, from: Peer, request: null): void
  /** Tells sessions of a block that went out. */
  _onupload(index: number, sizeBytes: number, to: Peer): void
}

/** A tree that grows in memory. */
interface InnerTree {
  signature: Buffer | null
  append(block: Uint8Array): void
}

interface InnerState {
  readonly length: number
  readonly fork: number
  readonly byteLength: number
  readonly signature: Buffer | null
  /** Continues the tree that is stored, and changes nothing of it. */
  createTreeBatch(): InnerTree
  /** Appends in one write what was signed elsewhere; nothing if that would exceed `maxLength`. */
  append(
    blocks: readonly Uint8Array[],
    options: {
      readonly signature: Buffer
      readonly maxLength: number
      /** Called when nobody else appends any more. */
      readonly preappend: () => Promise<void>
    },
  ): Promise<unknown>
  /** Drops blocks, and hashes with them. */
  clear(this: InnerState, ...given: unknown[]): Promise<unknown>
}

interface InnerCore {
  readonly replicator: InnerReplicator
  readonly bitfield: { get(index: number): boolean; findLast(value: boolean, from: number): number }
  readonly state: InnerState
  readonly header: { readonly manifest: object | null; readonly frozen: boolean }
  readonly _repairMode: boolean
  /** Throws unless the key of the core signed the tree. */
  _verifyBatchUpgrade(tree: InnerTree): unknown
}

const { version } = createRequire(import.meta.url)('hypercore/package.json') as {
  version: string
}

/** Whether the Hypercore that runs is the one that this module knows. */
export const IS_KNOWN_VERSION = version === KNOWN_VERSION

/** Of a peer's bitfield. */
const PAGE_BITS = 32_768

const NOBODY: readonly Asked<InnerPeer>[] = []

/** The replication of one core, from the inside. */
export class Internals {
  readonly #core: InnerCore
  /** The last of several ranges, if it ends, as of the last call of `missing`. */
  #newest = NO_RANGE

  constructor(core: Hypercore) {
    this.#core = innerOf(core)
  }

  get peers(): readonly InnerPeer[] {
    return this.#core.replicator.peers
  }

  /** Another one as soon as a range is added. */
  get newestRange(): object | undefined {
    return this.#core.replicator._ranges.at(-1)
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
    if ((this.#core.replicator._blocks.get(index)?.refs.length ?? 0) > 0) return true
    return this.#newest.start <= index && index < this.#newest.end
  }

  isMissing(index: number): boolean {
    if (this.#core.bitfield.get(index)) return false
    if ((this.#core.replicator._blocks.get(index)?.refs.length ?? 0) > 0) return true
    for (const { start, end, blocks } of this.#core.replicator._ranges) {
      if (blocks === null && start <= index && index < this.#endOf(end)) return true
    }
    return false
  }

  asked(index: number): readonly Asked<InnerPeer>[] {
    const inflight = this.#core.replicator._blocks.get(index)?.inflight
    if (inflight === undefined || inflight.length === 0) return NOBODY
    return inflight.map(({ peer, timestamp }) => ({ peer, atMs: timestamp }))
  }

  holds(peer: InnerPeer, index: number): boolean {
    const isAnnounced = index < peer._remoteContiguousLength || peer.remoteBitfield.get(index)
    return isAnnounced && index < peer.remoteLength && peer._canRequest(index, false)
  }

  /** `holds` of each, 1 or 0: plans ask by the thousand. */
  holdsEach(peer: InnerPeer, indexes: readonly number[]): Uint8Array {
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
  holdsAll(peer: InnerPeer): boolean {
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
  ask(peer: InnerPeer, index: number, again: boolean): boolean {
    const { replicator, state } = this.#core
    if (!again) return peer._requestRangeBlock(index, state.length)
    const request = replicator._blocks.get(index)
    return request !== null && peer._requestBlock(request)
  }

  /**
   * Sends a request for a block without reading from the store which hashes it lacks, one height after the other, as
   * Hypercore does. Gives whether it did; else Hypercore has to.
   */
  send(peer: InnerPeer, message: InnerMessage, hashes: KnownHashes): boolean {
    const { replicator, state } = this.#core
    const { block, hash, upgrade, fork } = message
    if (block === null || hash !== null || fork !== state.fork) return false
    if (block.index >= state.length) return false
    block.nodes = hashes.missingHeights(block.index, state.length)
    peer.inflight++
    replicator._inflight.add(message)
    if (upgrade !== null) replicator._addUpgrade().inflight.push(message)
    peer.wireRequest.send(message)
    peer.stats.wireRequest.tx++
    replicator.stats.wireRequest.tx++
    return true
  }

  /**
   * A peer announced blocks up to here, so its log is as long. Two who grow at the same moment sometimes do not tell
   * each other of their length, and Hypercore asks nobody for what lies behind the length that it told.
   */
  noteEnd(peer: InnerPeer, end: number): void {
    const { length, fork } = this.#core.state
    if (peer.remoteFork === fork)
      peer.remoteLength = Math.max(peer.remoteLength, Math.min(end, length))
  }

  /** Whether it may change what is asked for: most tell of one block that is here or on its way already. */
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
    const usual = state.clear
    // Who drops blocks may call it on something else that stands for the state.
    state.clear = async function (this: InnerState, ...given) {
      onDrop()
      try {
        return await usual.apply(this, given)
      } finally {
        onDrop()
      }
    }
    return () => {
      delete (state as Partial<typeof state>).clear
    }
  }

  /** Lets every peer be asked for what it may be asked for now. */
  update(): void {
    const { replicator } = this.#core
    for (const peer of [...replicator.peers]) replicator.updatePeer(peer)
  }

  #ranges(): InnerRange[] {
    return this.#core.replicator._ranges.filter((it) => it.blocks === null)
  }

  #endOf(end: number): number {
    const { length } = this.#core.state
    return end === -1 ? length : Math.min(end, length)
  }
}

/**
 * Lets a peer that has just come say which blocks it has before we ask it for the length of its log: both arrive
 * together, and only who is known to have the last block is asked for that in the same request.
 */
export function hearBlocksFirst(peer: InnerPeer): void {
  if (peer.remoteSynced) return
  const usual = peer.onsync.bind(peer)
  let latest: object
  peer.onsync = async (message) => {
    latest = message
    await Promise.resolve()
    if (latest !== message) return
    delete (peer as Partial<InnerPeer>).onsync
    await usual(message)
  }
}

/** The signed end of a log, as it is stored. */
export interface Head {
  readonly length: number
  readonly byteLength: number
  readonly signature: Uint8Array
}

/** Undefined for a log without blocks. */
export function headOf(core: Hypercore): Head | undefined {
  const { length, byteLength, signature } = innerOf(core).state
  return signature === null ? undefined : { length, byteLength, signature }
}

/** All blocks of a log from `from` on, as they are stored, and the signature over the log that ends with them. */
export interface Continuation {
  readonly from: number
  readonly blocks: readonly Uint8Array[]
  readonly signature: Uint8Array
}

/**
 * What a continuation is to the log that is here. `signed`: it goes on where the log ends, and the key of the log
 * signed it. `forged`: it would, but its key did not. `elsewhere`: that cannot be told.
 */
export function judge(
  core: Hypercore,
  { from, blocks, signature }: Continuation,
): 'signed' | 'forged' | 'elsewhere' {
  const inner = innerOf(core)
  const { state, header } = inner
  if (!IS_KNOWN_VERSION || from === 0 || state.length !== from) return 'elsewhere'
  if (header.manifest === null || header.frozen || inner._repairMode) return 'elsewhere'
  const tree = state.createTreeBatch()
  for (const block of blocks) tree.append(block)
  tree.signature = Buffer.from(signature)
  try {
    inner._verifyBatchUpgrade(tree)
    return 'signed'
  } catch {
    return 'forged'
  }
}

/**
 * Stores a continuation that is `signed`, in one write, and tells sessions that it came from `peer`.
 * @returns false if the log went on meanwhile; then nothing is stored.
 */
export async function appendSigned(
  core: Hypercore,
  { from, blocks, signature }: Continuation,
  peer: Peer,
): Promise<boolean> {
  const { state, replicator } = innerOf(core)
  let isNext = false
  await state.append(blocks, {
    // Kept with the state: not a view of a whole message.
    signature: Buffer.from(signature),
    maxLength: from + blocks.length,
    preappend: async () => {
      isNext = state.length === from
      if (!isNext) throw new Error('The log was cut back.')
    },
  })
  if (!isNext) return false
  for (const [i, { byteLength }] of blocks.entries()) {
    replicator._ondownload(from + i, byteLength, peer, null)
  }
  return true
}

/** Tells sessions that blocks went to a peer by other means than an answer. */
export function noteUpload(core: Hypercore, { from, blocks }: Continuation, peer: Peer): void {
  const { replicator } = innerOf(core)
  for (const [i, { byteLength }] of blocks.entries()) {
    replicator._onupload(from + i, byteLength, peer)
  }
}

/** Has a peer prove what both have of a log; if that is another history, the core tells of a conflict. */
export function askForHistory(peer: Peer): void {
  ;(peer as InnerPeer)._checkIfConflict()
}

function innerOf(core: Hypercore): InnerCore {
  return (core as unknown as { core: InnerCore }).core
}

/** Smoothed round-trip time of the connection to a peer; 0 where the transport does not measure it. */
export function roundTripMs(peer: Peer): number {
  const { rawStream } = peer.stream as unknown as { rawStream?: { rtt?: number } }
  return rawStream?.rtt ?? 0
}

/** Before all others. */
const NO_RANGE: InnerRange = { start: -1, end: -1, blocks: null }

function newestOf(ranges: readonly InnerRange[]): InnerRange {
  if (ranges.length < 2) return NO_RANGE
  return ranges.reduce((a, b) => (b.end !== -1 && b.start > a.start ? b : a), NO_RANGE)
}

function finiteFirst(a: InnerRange, b: InnerRange): number {
  return Number(a.end === -1) - Number(b.end === -1)
}
