import type Hypercore from 'hypercore'
import type { Peer } from 'hypercore'
import { hasCode } from '../../errors.ts'
import { translateStorageError } from '../../storage-errors.ts'
import type { Hints, StateInternals, TreeInternals } from './state-internals.ts'

/**
 * Members of Hypercore, its peers and its storage that are used and not public, and what happens without each. Only
 * `src/log/` may name them: the linter reads this list. Where it says _guard_, the member is used only while
 * `USES_INTERNALS`; Hypercore then does the same by itself, slower. The others are looked for whatever the version, and
 * the test suite fails without them.
 */
export const INTERNAL_MEMBERS = {
  // Which peer is asked for which block: guard. Without them ranges are asked for in random order.
  _requestRange: 'a policy cannot say that there is nothing to ask for',
  _requestRangeBatch: 'a policy cannot choose the block',
  _requestRangeBlock: 'no single peer can be asked for one block',
  _requestBlock: 'a late peer cannot be replaced',
  _canRequest: 'a block may be asked for that the peer cannot prove',
  getMaxInflight: 'fast peers wait for the round trip',
  getMaxHotswapInflight: 'blocks come twice at the end of a range',
  updatePeer: 'late peers are noticed only when something arrives',
  addRange: 'new ranges wait until the next block arrives',
  _ranges: 'nobody knows which blocks are wanted',
  _blocks: 'nobody knows which blocks were asked for',
  getBitfield: 'what peers announced is read bit by bit',
  // Fewer messages and reads: guard. Without them each block costs three reads of the store.
  _send: 'hashes that are here are looked up for each request',
  _inflight:
    'requests cannot be sent past that look-up, nor answers told from what nobody asked for',
  _addUpgrade: 'a new length cannot be asked for past that look-up',
  _update: 'every announcement is looked into',
  // Several blocks announced together: guard. Without them each is announced by itself.
  broadcastRange: 'announcements cannot be held back',
  _clearLocalRange: 'as above',
  // Pushes: guard. Without them a new entry arrives after three ways instead of one.
  createTreeBatch: 'what was signed elsewhere cannot be checked before it is stored',
  _verifyBatchUpgrade: 'as above',
  _repairMode: 'a core under repair would take pushes',
  preappend: 'two appends at once could fork a log',
  onappend: 'who gets a push asks for its blocks all the same',
  _checkIfConflict: 'a second history that is pushed shows only when it is asked for',
  _ondownload: 'pushed blocks are not counted',
  _onupload: 'as above',
  // Runs of blocks, sent and stored together: guard. Without them each block is proved, asked for and stored alone.
  addNodesUnsafe: 'runs cannot be stored in one write',
  commitable: 'as above',
  createWriteBatch: 'as above',
  putBlock: 'as above',
  putBitfieldPage: 'as above',
  setHints: 'as above',
  _unlock: 'as above',
  _setBitfieldRanges: 'as above',
  onhave: 'as above',
  _resolveBlockRequest: 'who waits for a block of a run is not told',
  _updateNonPrimary: 'ranges that a run completes do not end',
  getTreeNode: 'what proves a run is read node by node',
  getBlock: 'the blocks of a run are read one by one',
  tryFlush: 'as above',
  // Limits on peers: without these two each message is judged by its own numbers alone.
  receiverQueue: 'requests that wait for the network are not limited',
  remoteRequests: 'requests that are being answered are not limited',
  // Always used.
  countSet: 'what is held cannot be counted',
  deleteTreeNode: 'dropped blocks take hashes with them that prove their neighbours',
  wireRange: 'peers do not learn what is held around a gap',
  _resolveBlocksLocally: 'a process ends that closes its store while a log grows: guard',
  _remoteContiguousLength: 'peers that hold everything count as holding nothing: guard',
  resumeCore: 'the state of a log costs opening it',
  frozen: 'a log that met another history is not served before the next start',
  allowFork: 'histories that were cut back are adopted; the store refuses to open',
  // Under names that others use too.
  'bitfield.findLast': 'missing blocks are looked for one by one: guard',
  'hints.contiguousLength': 'wants of peers cost more than they need to: guard',
  'peer.inflight': 'nobody knows how busy a peer is: guard',
  'peer.missingBlocks': 'what peers announce together is not looked for with them: guard',
  'peer.onrange': 'lengths that peers forgot to tell are not learnt from what they announce: guard',
  'peer.onsync': 'the last block comes one round trip after the length: guard',
  'peer.remoteLength': 'as `onrange`: guard',
  'peer.stats.wireRange': 'peers are asked again only after a while: guard',
  'state.append': 'pushes cannot be stored: guard',
  'state.clear': 'dropped blocks take hashes with them that prove their neighbours',
  'state.flush': 'runs cannot be stored in one write: guard',
  'state.mutex': 'as above: guard',
  'state.storage': 'nodes and blocks are read one by one: guard',
  'tree.commit': 'runs cannot be stored in one write: guard',
  'state.roots': 'sizes of issues are not known before they are here',
} as const

/** A replication peer, from the inside. */
export interface PeerInternals extends Omit<
  Peer,
  'inflight' | 'remoteBitfield' | 'remoteLength' | 'stats'
> {
  remoteLength: number
  readonly remoteBitfield: Peer['remoteBitfield'] & {
    getBitfield(index: number): { readonly bitfield: Uint32Array } | null
    set(index: number, isHeld: boolean): void
  }
  readonly stats: Peer['stats'] & { readonly wireRange: { rx: number } }
  /** Most requests under way, of whatever kind. */
  getMaxInflight: () => number
  /** Most requests under way at which an idle peer is asked for what others were asked already. */
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
  /** Asks for a block, also one that others were asked for. */
  _requestBlock: (request: RequestInternals) => boolean
  _canRequest: (index: number, force: boolean) => boolean
  /** Takes what the other side says of the length of its log, and asks for what is new. */
  onsync: (message: object) => Promise<void>
  /** Asks for a proof of all that both have; its answer counts, whatever was asked. */
  _checkIfConflict: () => void
  /** Tells the peer that blocks are here, or were dropped, if that may be news to it. */
  broadcastRange: (start: number, length: number, isDropped: boolean) => void
  /** Takes note that blocks are here. */
  _clearLocalRange(start: number, length: number): void
  /** Blocks that the peer has and that are not here. */
  readonly missingBlocks: { set(index: number, isMissing: boolean): void }
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
  /** Callers that wait for this very block. */
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
  /** Gives a block to who waits for it, and cancels what else was asked for it. Gives whether anybody was asked. */
  _resolveBlockRequest(
    tracker: ReplicatorInternals['_blocks'],
    index: number,
    block: Buffer,
    request: null,
  ): boolean
  /** Ends ranges that are complete. Never rejects. */
  _updateNonPrimary(updateAll: boolean): Promise<void>
  /** Tells peers of blocks that are here, or were dropped. */
  onhave(start: number, length: number, drop?: boolean): void
  cork(): void
  uncork(): void
  /** Also asks again for what others were asked, as far as `getMaxHotswapInflight` allows. */
  updatePeer(peer: PeerInternals): void
  /** Resolves requests for blocks that are here by now. Called when the log has grown; nobody waits for it. */
  _resolveBlocksLocally: () => Promise<void>
  /** Tells sessions of a block that arrived. */
  _ondownload(index: number, sizeBytes: number, from: Peer, request: null): void
  /** Tells sessions of a block that went out. */
  _onupload(index: number, sizeBytes: number, to: Peer): void
}

export interface CoreInternals {
  readonly replicator: ReplicatorInternals
  readonly bitfield: {
    get(index: number): boolean
    countSet(start: number, length: number): number
    findLast(value: boolean, from: number): number
    getBitfield(index: number): { readonly bitfield: Uint32Array } | null
  }
  readonly state: StateInternals
  readonly header: {
    readonly manifest: object | null
    frozen: boolean
    readonly hints: Hints
  }
  readonly _repairMode: boolean
  /** The log has grown here: tells peers. */
  onappend: (...given: unknown[]) => void
  _setBitfieldRanges(start: number, end: number, value: boolean): void
  /** Throws unless the key of the core signed the tree. */
  _verifyBatchUpgrade(tree: TreeInternals): unknown
}

export function internalsOf(core: Hypercore): CoreInternals {
  return (core as unknown as { core: CoreInternals }).core
}

/**
 * Lets a core be closed while a new length arrives. Hypercore then looks in the background whether blocks that were
 * asked for came with it, which must not throw, and does where the store is closed by then.
 */
export function tolerateClose(core: Hypercore): void {
  const { replicator } = internalsOf(core)
  if (Object.hasOwn(replicator, '_resolveBlocksLocally')) return
  const usual = (replicator as Partial<typeof replicator>)._resolveBlocksLocally?.bind(replicator)
  // Another version has nothing of that name.
  if (usual === undefined) return
  // It stays: what was begun before goes on after the caller is gone.
  replicator._resolveBlocksLocally = async () => {
    try {
      await usual()
    } catch (error) {
      if (!hasCode(translateStorageError(error), 'ABORTED')) throw error
    }
  }
}
