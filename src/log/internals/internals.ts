// What is used of Hypercore beyond its public face, which has no way to ask one peer for one block, and none to store what
// was signed elsewhere. This folder alone uses it, for one version; a test fails when that changes.
import { createRequire } from 'node:module'
import type Hypercore from 'hypercore'
import type { Peer } from 'hypercore'

/** The version whose inside this module knows. */
export const KNOWN_VERSION = '11.37.1'

/**
 * The version of the Hypercore that Corestore loads for a module: in a project with several copies, not always the one
 * that the module itself would load.
 * @param from path or URL of the module.
 */
export function hypercoreVersion(from: string): string {
  const corestore = createRequire(from).resolve('corestore')
  const { version } = createRequire(corestore)('hypercore/package.json') as { version: string }
  return version
}

/** The version of the Hypercore that runs. */
export const HYPERCORE_VERSION = hypercoreVersion(import.meta.url)

/**
 * Whether internals are used. If not, Hypercore decides by itself what to ask of whom, and nothing is pushed: slower,
 * never wrong. `HYPERLETTER_PLAIN_HYPERCORE=1` asks for that.
 */
export const USES_INTERNALS =
  HYPERCORE_VERSION === KNOWN_VERSION && process.env['HYPERLETTER_PLAIN_HYPERCORE'] !== '1'

/** A replication peer, from the inside. */
export interface PeerInternals extends Omit<Peer, 'inflight' | 'remoteBitfield' | 'remoteLength'> {
  remoteLength: number
  readonly remoteBitfield: Peer['remoteBitfield'] & {
    getBitfield(index: number): { readonly bitfield: Uint32Array } | null
  }
  /** Most requests under way, of whatever kind. */
  getMaxInflight: () => number
  /** Up to so many requests under way, an idle peer is asked for what others were asked already. */
  getMaxHotswapInflight: () => number
  /** Asks for some block of a range, if there is one to ask for: finds out where, and calls `_requestRangeBatch`. */
  _requestRange: (range: RangeInternals) => boolean
  /**
   * Asks for some block of a range, if there is one to ask for. Called again and again while it does.
   * @param length of the core
   */
  _requestRangeBatch: (start: number, end: number, length: number) => boolean
  /** Asks for a block that nobody was asked for. */
  _requestRangeBlock: (index: number, length: number) => boolean
  /** Asks for a block, whoever else was asked. */
  _requestBlock: (request: RequestInternals) => boolean
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
  _send: (message: MessageInternals) => unknown
  inflight: number
  readonly wireRequest: { send(message: MessageInternals): boolean }
}

/** Of blocks that a peer has, or has dropped. */
export interface Announcement {
  readonly drop: boolean
  readonly start: number
  readonly length: number
}

/** A request as it goes to a peer. */
export interface MessageInternals {
  readonly fork: number
  /** `nodes`: from how many heights of the tree hashes are to come with the block. */
  readonly block: { readonly index: number; nodes: number } | null
  readonly hash: object | null
  readonly upgrade: object | null
}

export interface RequestInternals {
  readonly index: number
  /** Who waits for this very block. */
  readonly refs: readonly unknown[]
  readonly inflight: readonly { readonly peer: PeerInternals; readonly timestamp: number }[]
}

export interface RangeInternals {
  /** Moves up as the blocks at the beginning arrive. */
  readonly start: number
  /** -1: follows the core. */
  readonly end: number
  readonly blocks: readonly number[] | null
}

export interface ReplicatorInternals {
  readonly peers: readonly PeerInternals[]
  readonly _ranges: readonly RangeInternals[]
  addRange(...given: unknown[]): unknown
  readonly _inflight: { add(message: MessageInternals): void }
  readonly stats: { readonly wireRequest: { tx: number } }
  _addUpgrade(): { readonly inflight: MessageInternals[] }
  readonly _blocks: Iterable<RequestInternals> & { get(index: number): RequestInternals | null }
  /** Also asks again for what others were asked, as far as `getMaxHotswapInflight` allows. */
  updatePeer(peer: PeerInternals): void
  /** Resolves requests for blocks that are here by now. Called when the log has grown; nobody waits for it. */
  _resolveBlocksLocally: () => Promise<void>
  /** Tells sessions of a block that arrived. */
  _ondownload(index: number, sizeBytes: number, from: Peer, request: null): void
  /** Tells sessions of a block that went out. */
  _onupload(index: number, sizeBytes: number, to: Peer): void
}

/** A tree that grows in memory. */
export interface TreeInternals {
  signature: Buffer | null
  append(block: Uint8Array): void
}

export interface StateInternals {
  readonly length: number
  readonly fork: number
  readonly byteLength: number
  readonly signature: Buffer | null
  /** Continues the tree that is stored, and changes nothing of it. */
  createTreeBatch(): TreeInternals
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
  clear(this: StateInternals, ...given: unknown[]): Promise<unknown>
}

export interface CoreInternals {
  readonly replicator: ReplicatorInternals
  readonly bitfield: {
    get(index: number): boolean
    countSet(start: number, length: number): number
    findLast(value: boolean, from: number): number
  }
  readonly state: StateInternals
  readonly header: {
    readonly manifest: object | null
    frozen: boolean
    readonly hints: { readonly contiguousLength: number; readonly remoteContiguousLength: number }
  }
  readonly _repairMode: boolean
  /** Throws unless the key of the core signed the tree. */
  _verifyBatchUpgrade(tree: TreeInternals): unknown
}

/** A core, from the inside. */
export function internalsOf(core: Hypercore): CoreInternals {
  return (core as unknown as { core: CoreInternals }).core
}
