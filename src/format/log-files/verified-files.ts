import { hasCode, type HyperletterError } from '../../errors.ts'
import { type BlockRange, without } from '../block-ranges.ts'
import { FRAME_HEAD_BYTES, encodeHeader } from '../bundle/format.ts'
import type { VerifiedBundle } from '../bundle/verify.ts'
import type { Frame } from '../bundle/read.ts'
import { concat, equal } from '../bytes.ts'
import { portable, type Crypto } from '../crypto.ts'
import { type FeedKey, keyBytes } from '../keys/feed-key.ts'
import { decodeHead, hashOver, MAX_HEAD_BYTES, treeOf, type LogHead } from './head.ts'
import {
  clipped,
  decodeLeaves,
  HEAD_PATH,
  invalidLog,
  isIn,
  MAX_RECORDS_BYTES,
  packBytes,
  packsOf,
  recordsPath,
  TILE_BLOCKS,
  TILE_BYTES,
  TILE_LEVEL,
  tileOf,
  tilePath,
  type Leaf,
  type Pack,
  decodeRecords,
  lastTile,
} from './layout.ts'
import type { LogFileSource } from './source.ts'
import { partsOf } from '../bundle/write.ts'

export interface VerifiedFilesOptions {
  /** Whose log it must be; anybody's when absent. */
  readonly feedKey?: FeedKey | undefined
  /** A faster one, where there is one. */
  readonly crypto?: Crypto
  /** Ends all requests. */
  readonly signal?: AbortSignal | undefined
  /** Leaves of a full tile that are known from elsewhere; they are verified like those of a file. */
  readonly known?: (tile: number) => Promise<readonly Leaf[] | undefined>
}

export type StoredBlocks = ReadonlyMap<number, Uint8Array>

/**
 * The files of a log, wherever they are. Each byte that it gives was verified: the head by the signature of the feed
 * key, tiles by the head, blocks by tiles. Nothing is believed before it is bounded.
 */
export class VerifiedFiles {
  readonly head: LogHead
  readonly #source: LogFileSource
  readonly #crypto: Crypto
  readonly #signal: AbortSignal | undefined
  readonly #known: VerifiedFilesOptions['known']
  readonly #leaves = new Map<number, Promise<readonly Leaf[]>>()

  private constructor(
    source: LogFileSource,
    head: LogHead,
    { crypto = portable, signal, known }: VerifiedFilesOptions,
  ) {
    this.#known = known
    this.#source = source
    this.head = head
    this.#crypto = crypto
    this.#signal = signal
  }

  /** Reads the head. @throws INVALID_LOG; NOT_AVAILABLE if there is none. */
  static async open(
    source: LogFileSource,
    options: VerifiedFilesOptions = {},
  ): Promise<VerifiedFiles> {
    const { crypto, feedKey, signal } = options
    const bytes = await source.get(HEAD_PATH, { limit: MAX_HEAD_BYTES, signal })
    const head = decodeHead(bytes, crypto)
    if (feedKey !== undefined && head.feedKey !== feedKey) {
      throw invalidLog(`They are of another newsletter, ${head.feedKey}.`)
    }
    return new VerifiedFiles(source, head, options)
  }

  /** The leaves of the blocks of a tile. @throws INVALID_LOG, NOT_AVAILABLE */
  leaves(tile: number): Promise<readonly Leaf[]> {
    let leaves = this.#leaves.get(tile)
    if (leaves === undefined) {
      leaves = this.#fetchLeaves(tile)
      this.#leaves.set(tile, leaves)
      // What could not be fetched is tried again when it is wanted again.
      leaves.catch(() => this.#leaves.delete(tile))
    }
    return leaves
  }

  /** The files of the blocks of a tile. @throws INVALID_LOG, NOT_AVAILABLE */
  async packs(tile: number): Promise<Pack[]> {
    const sizes = (await this.leaves(tile)).map(({ size }) => size)
    return packsOf(tile, sizes, this.head.holes)
  }

  /**
   * The hash of the tree over the first blocks, to compare with another log. May fetch a tile.
   * @param length at most that of the log.
   */
  async treeHash(length: number): Promise<Uint8Array> {
    const full = Math.floor(length / TILE_BLOCKS)
    const rest = length % TILE_BLOCKS
    const leaves = rest === 0 ? [] : (await this.leaves(full)).slice(0, rest)
    return hashOver(this.head.tiles.slice(0, full), leaves, this.#crypto)
  }

  /** Whether a block is carried. */
  carries(index: number): boolean {
    if (!Number.isInteger(index) || index < 0 || index >= this.head.length) return false
    return clipped(this.head.holes, { start: index, end: index + 1 }).length === 0
  }

  /**
   * The carried blocks of a range of a pack; of all of it, where the source knows no ranges. @throws INVALID_LOG if one
   * of them is not what the author signed; NOT_AVAILABLE, ABORTED.
   */
  async blocks(pack: Pack, { start, end }: BlockRange): Promise<StoredBlocks> {
    const offsetOf = (index: number) => pack.offsets[index - pack.start] ?? 0
    const [from, to, limit] = [offsetOf(start), offsetOf(end), packBytes(pack)]
    const isWhole = from === 0 && to === limit
    const bytes = await this.#get(pack.path, isWhole ? { limit } : { from, to, limit })
    if (bytes.byteLength === limit) return this.#verified(bytes, pack, pack)
    if (bytes.byteLength === to - from) return this.#verified(bytes, pack, { start, end })
    throw invalidLog(`${pack.path} has ${bytes.byteLength} bytes instead of ${limit}.`)
  }

  /** The frames of a pack in order. @param wanted which blocks to fetch; leaves stand for the others. */
  async frames(pack: Pack, wanted: readonly BlockRange[]): Promise<Frame[]> {
    const leaves = await this.leaves(tileOf(pack.start))
    const blocks = new Map<number, Uint8Array>()
    for (const range of clipped(wanted, pack)) {
      for (const [index, block] of await this.blocks(pack, range)) blocks.set(index, block)
    }
    const frames: Frame[] = []
    for (let index = pack.start; index < pack.end; index++) {
      const block = isIn(clipped(wanted, { start: index, end: index + 1 }), index)
        ? blocks.get(index)
        : undefined
      const leaf = leaves[index % TILE_BLOCKS]
      if (block !== undefined) frames.push({ block })
      else if (leaf !== undefined) frames.push({ hash: leaf.hash, sizeBytes: leaf.size })
    }
    return frames
  }

  /** The records of a tile; none where their file is missing. @throws INVALID_LOG */
  async records(tile: number): Promise<StoredBlocks> {
    const path = recordsPath(tile, this.head.length)
    const found = new Map<number, Uint8Array>()
    try {
      const [zipped, leaves] = await Promise.all([
        this.#get(path, { limit: MAX_RECORDS_BYTES }),
        this.leaves(tile),
      ])
      for (const [place, block] of await decodeRecords(zipped)) {
        const index = tile * TILE_BLOCKS + place
        this.#assertSigned(index, block, leaves[place])
        found.set(index, block)
      }
    } catch (error) {
      if (!hasCode(error, 'NOT_AVAILABLE')) throw error
    }
    return found
  }

  async #verified(
    bytes: Uint8Array,
    pack: Pack,
    { start, end }: BlockRange,
  ): Promise<StoredBlocks> {
    const leaves = await this.leaves(tileOf(start))
    const holes = clipped(this.head.holes, pack)
    const blocks = new Map<number, Uint8Array>()
    const base = pack.offsets[start - pack.start] ?? 0
    for (let index = start; index < end; index++) {
      const leaf = leaves[index % TILE_BLOCKS]
      const [from = 0, to = 0] = pack.offsets.slice(index - pack.start)
      const frame = bytes.subarray(from - base, to - base)
      const block = isIn(holes, index)
        ? undefined
        : new Uint8Array(frame.subarray(FRAME_HEAD_BYTES))
      if (block !== undefined) this.#assertSigned(index, block, leaf)
      const expected =
        leaf && partsOf(block ? { block } : { hash: leaf.hash, sizeBytes: leaf.size })
      if (expected === undefined || !equal(frame, concat(expected))) throw altered(index)
      if (block !== undefined) blocks.set(index, block)
    }
    return blocks
  }

  #assertSigned(index: number, block: Uint8Array, leaf: Leaf | undefined): void {
    const hash = treeOf([], this.#crypto).leafHash(block)
    if (leaf === undefined || !equal(hash, leaf.hash)) throw altered(index)
  }

  async #fetchLeaves(tile: number): Promise<readonly Leaf[]> {
    const expected = this.head.tiles[tile]
    if (expected === undefined) return this.head.leaves
    const isRight = (leaves: readonly Leaf[]) => {
      const node = treeOf(leaves, this.#crypto).node(TILE_LEVEL, 0)
      return node?.size === expected.size && equal(node.hash, expected.hash)
    }
    const known = await this.#known?.(tile)
    if (known !== undefined && isRight(known)) return known
    const path = tilePath(tile)
    const bytes = await this.#get(path, { limit: TILE_BYTES })
    const leaves = bytes.byteLength === TILE_BYTES ? decodeLeaves(bytes) : []
    if (!isRight(leaves)) throw invalidLog(`${path} is not what the author signed.`)
    return leaves
  }

  #get(path: string, request: { from?: number; to?: number; limit: number }): Promise<Uint8Array> {
    return this.#source.get(path, { ...request, signal: this.#signal })
  }
}

function altered(index: number): HyperletterError {
  return invalidLog(`Block ${index} is not what the author signed.`)
}

/** Blocks to fetch: ascending, without overlaps. */
type Wanted = readonly BlockRange[] | ((within: BlockRange) => readonly BlockRange[])

/**
 * Log files as a bundle: with all that they carry, the very bytes that `writeBundle` makes of the same log. Tiles and
 * blocks are fetched on the way, and verified before they are given.
 * @param wanted blocks to fetch; the leaves of the others stand for them. Everything when absent. A function is asked
 * for each pack when its turn comes; the header then counts as if everything were fetched.
 * @throws INVALID_LOG, NOT_AVAILABLE, ABORTED
 */
export async function* asBundle(
  files: VerifiedFiles,
  wanted: Wanted = [{ start: 0, end: files.head.length }],
): AsyncGenerator<Uint8Array> {
  const { head } = files
  const all = [{ start: 0, end: head.length }]
  const carried = without(typeof wanted === 'function' ? all : wanted, head.holes)
  const blocks = carried.reduce((sum, { start, end }) => sum + end - start, 0)
  yield encodeHeader({ ...head, blocks }, keyBytes(head.feedKey))
  for (let tile = 0; tile <= lastTile(head.length); tile++) {
    for (const pack of await files.packs(tile)) {
      const now = typeof wanted === 'function' ? without(wanted(pack), head.holes) : carried
      yield concat((await files.frames(pack, now)).flatMap(partsOf))
    }
  }
}

/**
 * The tree over all blocks, for `takeBundle`, which stores what `asBundle` gives. It needs all tiles, and no block.
 * @throws INVALID_LOG, NOT_AVAILABLE, ABORTED
 */
export async function treeOfFiles(files: VerifiedFiles, crypto?: Crypto): Promise<VerifiedBundle> {
  const { head } = files
  const tree = treeOf([], crypto)
  for (let tile = 0; tile <= lastTile(head.length); tile++) {
    for (const { hash, size } of await files.leaves(tile)) tree.add(hash, size)
  }
  return { header: { ...head, blocks: head.length }, tree }
}
