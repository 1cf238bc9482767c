import { HyperletterError } from '../errors.ts'
import { anySignal, orAborted } from '../async.ts'
import type { BlockRange } from './block-ranges.ts'

/** How a block may be obtained. */
export interface ReadOptions {
  /** False: only from this machine. */
  readonly wait?: boolean
  /** How long to wait for a peer, for each block. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
  /** How much of what lies before and after the block is fetched with it, where one request has several blocks. */
  readonly bytesAround?: number
}

/** How long a reader waits for one block from peers, unless it says otherwise. */
export const DEFAULT_BLOCK_TIMEOUT_MS = 15_000

/** Blocks that are fetched beside whatever is read. */
export interface Fetch {
  /** Resolves when all of them are here, and also when it was ended. */
  done(): Promise<unknown>
  /** Ends it. */
  destroy(): void
}

/** What it takes to read a newsletter: a log, a bundle, a mirror, or an array in tests. */
export interface BlockSource {
  /** Blocks of the whole log, as far as is known. */
  readonly length: number
  /**
   * One block, decrypted, and verified against the tree that the key signed.
   * @throws NOT_AVAILABLE if it cannot be had in time, ABORTED.
   */
  read(index: number, options?: ReadOptions): Promise<Uint8Array>
  /** Begins to fetch what will be read, where that takes time. `end` may be Infinity: what will be appended, too. */
  fetch?(range: BlockRange): Fetch
}

/** A node of the Merkle tree over the blocks of a log. */
export interface TreeNode {
  /** By the numbers of a flat tree: 2 × the index of a block for its leaf. */
  readonly index: number
  /** Bytes of the blocks below it. */
  readonly size: number
  readonly hash: Uint8Array
}

/** A node whose place in the tree is known otherwise. */
export type PlacedNode = Pick<TreeNode, 'size' | 'hash'>

/** The tree over the first blocks of a log. */
export interface LogTree {
  readonly roots: readonly TreeNode[]
  /** As it is stored; only valid for the newest length. */
  readonly signature: Uint8Array
  /** How often the log was cut back and written anew: 0 for a newsletter. */
  readonly fork: number
}

/** A log as it is stored, blocks still encrypted: what bundles are made of and taken into. */
export interface StoredLog {
  /** 32 bytes. */
  readonly key: Uint8Array
  readonly length: number
  /** Signs the log; absent until the first block is here. */
  readonly publicKey: Uint8Array | undefined
  has(range: BlockRange): Promise<boolean>
  /** Undefined if it is not on this machine. */
  readStored(index: number): Promise<Uint8Array | undefined>
  /** The leaf of a block; undefined if its hash is not on this machine. */
  leaf(index: number): Promise<TreeNode | undefined>
  /** @throws if the nodes of a shorter length are not on this machine. */
  tree(length: number): Promise<LogTree>
  /**
   * Stores a longer tree, which was signed elsewhere.
   * @returns false if the log grew meanwhile, so that it begins at a wrong length.
   * @throws INVALID_SIGNATURE, INVALID_CHECKSUM or INVALID_OPERATION if it does not fit; DISK_FULL.
   */
  extend(tree: SignedTree): Promise<boolean>
  /**
   * Stores blocks and leaves, with the nodes that prove them, in one write; what is here stays. Left out is what no node
   * that is here lies over, as far as the given tree reaches.
   * @returns how many blocks are new.
   * @throws INVALID_CHECKSUM, before anything is stored, if they do not lead to the tree that is here; DISK_FULL.
   */
  store(blocks: ProvenBlocks): Promise<number>
}

/** A longer tree. */
export interface SignedTree {
  readonly start: number
  readonly length: number
  readonly nodes: readonly TreeNode[]
  /** As it is stored. */
  readonly signature: Uint8Array
  readonly publicKey: Uint8Array
}

/** Blocks in a row, and the tree that they are of. */
export interface ProvenBlocks {
  readonly start: number
  /** Each as it is stored, or only its leaf. */
  readonly items: readonly (Uint8Array | PlacedNode)[]
  /** A node of the tree by its number; undefined if the tree does not reach so far. */
  nodeAt(number: number): TreeNode | undefined
}

/** One open session of a newsletter's log. Once it is closed, it has no blocks and no peers. */
export interface Log extends BlockSource, StoredLog {
  /** 32 bytes: what the log is announced under, which does not reveal its key. */
  readonly discoveryKey: Uint8Array
  /** Without padding. */
  readonly byteLength: number
  /** Blocks from the first on that are here without a gap. */
  readonly contiguousLength: number
  readonly writable: boolean
  /** False from the moment on that it begins to close. */
  readonly isOpen: boolean
  readonly peers: readonly LogPeer[]
  readonly events: LogEvents
  fetch(range: BlockRange): Fetch
  /** How many blocks of a range are on this machine. */
  countHeld(range: BlockRange): number
  /** Indexes of blocks of a range that are not on this machine; no more than one more than `most`. */
  missingIn(range: BlockRange, most: number): number[]
  /**
   * How many bytes the blocks of a range have together, before they are here: from the tree that the key signed, so
   * that no record can lie about it. The last block and the one before the range have to be held.
   * @returns undefined where the tree is not known so far; encrypted blocks count as they are stored.
   */
  rangeBytes(range: BlockRange): Promise<number | undefined>
  /** Whether blocks on this machine hash up to the signed tree. False too for some that are not here. */
  verify(range: BlockRange): Promise<boolean>
  /** The hash of the tree over the first blocks; over all when absent. May fetch a block. */
  treeHash(length?: number): Promise<Uint8Array>
  /** All or nothing, not forced to disk. @throws DISK_FULL, ABORTED */
  append(blocks: readonly Uint8Array[]): Promise<void>
  /**
   * Takes blocks off this disk and tells peers that they cannot be had here any more. Their hashes stay: they prove
   * the blocks beside them, and bundles are made of them.
   */
  drop(range: BlockRange): Promise<void>
  /** Waits for peers to say whether the log is longer, also where it is signed here. */
  update(): Promise<void>
  /** Gives up all blocks from `length` on, as if they had never been signed. */
  cutBack(length: number): Promise<void>
  /** Replicates with another log of the same key on this machine, until the returned function is called. */
  join(other: Log): () => void
  close(): Promise<void>
}

/** Blocks of a range in order; all are asked for at once, and given up together. @throws as `read` does */
export async function readRange(
  source: BlockSource,
  { start, end }: BlockRange,
  { signal, ...options }: ReadOptions = {},
): Promise<Uint8Array[]> {
  const failed = new AbortController()
  const either = anySignal(failed.signal, signal)
  const reads = Array.from({ length: end - start }, (_, i) =>
    source.read(start + i, { ...options, signal: either }),
  )
  try {
    return await Promise.all(reads)
  } catch (error) {
    failed.abort()
    throw error
  }
}

/** Resolves when a log has a block; at once if it has. Rejects with the reason of the signal. */
export async function firstBlock(log: Log, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (log.length > 0) return
  let off: () => void = () => undefined
  const begun = new Promise<void>((resolve) => {
    off = log.events.on('downloader', 'append', () => resolve())
  })
  await orAborted(begun, signal).finally(off)
}

/** @throws NOT_AVAILABLE for a block that is not on this machine. */
export function notHere(index: number): HyperletterError {
  return new HyperletterError('NOT_AVAILABLE', `Block ${index} is not on this machine.`)
}

/**
 * What handles an event of an open log, in this order, whatever the order of registration:
 *
 *     the log ──event──▶ retention      what does not fit is held back before any of it is asked for
 *                        selection      the newest issue goes before the backlog
 *                        downloader     what is wanted is asked for, and what is not wanted is dropped
 *                        scheduler      which peer is asked for which block
 *                        push           a new entry goes to peers who hold the log up to it
 *                        announcements  peers learn what is held here, and who else is here
 *                        watchers       progress, statistics, the activity of the library
 *
 * `append`: the log has grown, from here or from a peer. `download`: a block arrived and is stored. `selected`: which
 * blocks are wanted has changed. `listed`: a listing has found something new.
 */
export const ORDER = [
  'retention',
  'selection',
  'downloader',
  'scheduler',
  'push',
  'announcements',
  'watchers',
] as const

export type Stage = (typeof ORDER)[number]

/** A connected peer that replicates a log with us. */
export interface LogPeer {
  /** 32 bytes, authenticated by the connection. */
  readonly publicKey: Uint8Array
  /** Of this device, on the same connection. */
  readonly ownPublicKey: Uint8Array
  /** Blocks of its log, as it said; 0 until then. */
  readonly length: number
  /** It has said how long its log is. */
  readonly isSynced: boolean
  /** Whether it announced to have every block of a range. */
  holds(range: BlockRange): boolean
  /**
   * Asks for a block, to see whether the peer has it. Nothing is stored.
   * @param hash of the block, as the tree that the key signed has it.
   * @throws Error if it does not answer in time
   */
  prove(index: number, hash: Uint8Array): Promise<'proved' | 'wrong' | 'not-held'>
  /** Tells it that every block of a range can be had here. */
  announce(range: BlockRange): void
}

/** What happens to an open log, and what its listeners get. Sizes are in bytes, without padding. */
export interface LogEventMap {
  append: []
  truncate: []
  close: []
  /** Two histories under one key; the log closes. */
  conflict: [length: number, fork: number]
  /** `elapsedMs`: since it was asked for; absent for what was not. */
  download: [index: number, sizeBytes: number, peer: LogPeer, elapsedMs: number | undefined]
  upload: [index: number, sizeBytes: number, peer: LogPeer]
  'peer-add': [peer: LogPeer]
  'peer-remove': [peer: LogPeer]
  /** A block that a peer sent is not what the key signed, or could not be stored; `growsLog`: it came with a new length. */
  'bad-block': [error: Error, peer: LogPeer, growsLog: boolean]
  'bad-request': [peer: LogPeer]
  selected: []
  listed: []
}

type Listener<E extends keyof LogEventMap> = (...args: LogEventMap[E]) => void

interface Registration {
  readonly rank: number
  readonly listener: Listener<never>
}

/** The dispatcher of one open log. */
export class LogEvents {
  readonly #registrations = new Map<keyof LogEventMap, readonly Registration[]>()

  /** Calls `listener` at its stage of each such event, until the returned function is called. */
  on<E extends keyof LogEventMap>(stage: Stage, event: E, listener: Listener<E>): () => void {
    const registration = { rank: ORDER.indexOf(stage), listener }
    const change = (how: (before: readonly Registration[]) => Registration[]) => {
      this.#registrations.set(event, how(this.#registrations.get(event) ?? []))
    }
    // Sorting is stable: within a stage, first come, first served.
    change((it) => [...it, registration].toSorted((a, b) => a.rank - b.rank))
    return () => change((it) => it.filter((other) => other !== registration))
  }

  /** For the log and its feed: calls all listeners of an event. */
  emit<E extends keyof LogEventMap>(event: E, ...args: LogEventMap[E]): void {
    const registrations = this.#registrations.get(event)
    if (registrations === undefined) return
    for (const { listener } of registrations) (listener as Listener<E>)(...args)
  }
}
