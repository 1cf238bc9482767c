import { HyperletterError } from '../../errors.ts'
import { hex } from '../../hex.ts'
import { includes, type BlockRange } from '../block-ranges.ts'
import {
  FRAME_HEAD_BYTES,
  LEAF_BYTES,
  MAX_BLOCK_BYTES,
  MAX_BUNDLE_BLOCKS,
  readNumber,
} from '../bundle/format.ts'
import { concat, uint64 } from '../bytes.ts'
import { blake2b } from '../crypto.ts'
import { KEY_BYTES } from '../keys/feed-key.ts'
import type { TreeNode } from '../log.ts'
import { MAX_RECORD_BYTES } from '../records/record.ts'
import { unzip } from '../content/content-codec.ts'

// Which file holds what, and where in it. docs/log-files.md specifies it.

/** Blocks of a full tile. */
export const TILE_BLOCKS = 256

/** The level in the tree of the node over a full tile. */
export const TILE_LEVEL = Math.log2(TILE_BLOCKS)

/** Longest log, in blocks: as in a bundle. */
export const MAX_BLOCKS = MAX_BUNDLE_BLOCKS

/** Blocks of a pack have at most this many bytes together, or there is only one. */
const PACK_BYTES = 2 ** 20

/** A node of the tree: its hash, and the bytes of the blocks below it. */
export const NODE_BYTES = KEY_BYTES + 8

export const TILE_BYTES = TILE_BLOCKS * NODE_BYTES

/** Size of what precedes each record in a file of records: where it is in its tile, and its size. */
const RECORD_HEAD_BYTES = 6

/** Largest file of records, unpacked: a private newsletter's blocks are 8 bytes longer. */
export const MAX_RECORDS_BYTES = TILE_BLOCKS * (RECORD_HEAD_BYTES + MAX_RECORD_BYTES + 8)

export const HEAD_PATH = 'head'

/** A node without its place. */
export type Leaf = Pick<TreeNode, 'hash' | 'size'>

/** A file with the frames of some blocks, all of one tile. */
export interface Pack extends BlockRange {
  readonly path: string
  /** Where the frame of each block begins, and at the end where the last one ends. */
  readonly offsets: readonly number[]
}

export function tilePath(tile: number): string {
  return `tree/${tile}`
}

/** @param length blocks in the log. */
export function recordsPath(tile: number, length: number): string {
  const count = blocksOf(tile, length)
  return count === TILE_BLOCKS ? `records/${tile}` : `records/${tile}-${count}`
}

/** How many blocks of a log are in a tile. */
export function blocksOf(tile: number, length: number): number {
  return Math.min(TILE_BLOCKS, length - tile * TILE_BLOCKS)
}

export function tileOf(index: number): number {
  return Math.floor(index / TILE_BLOCKS)
}

/** The tile that a log of this length ends in, full or not. */
export function lastTile(length: number): number {
  return tileOf(length - 1)
}

/**
 * The packs of a tile. A pack ends before the block with which it would have more than 1 MiB of blocks.
 * @param sizes of its blocks in bytes, also of those that are not carried.
 * @param holes blocks that are not carried, merged.
 */
export function packsOf(
  tile: number,
  sizes: readonly number[],
  holes: readonly BlockRange[],
): Pack[] {
  const first = tile * TILE_BLOCKS
  const packs: Pack[] = []
  for (let start = 0, end = 0; start < sizes.length; start = end) {
    let bytes = 0
    for (; end < sizes.length; end++) {
      bytes += sizes[end] ?? 0
      if (bytes > PACK_BYTES && end > start) break
    }
    packs.push(packOf(first + start, sizes.slice(start, end), holes))
  }
  return packs
}

function packOf(start: number, sizes: readonly number[], holes: readonly BlockRange[]): Pack {
  const end = start + sizes.length
  const inside = clipped(holes, { start, end })
  const offsets = [0]
  let at = 0
  for (const [i, size] of sizes.entries()) {
    at += FRAME_HEAD_BYTES + (isIn(inside, start + i) ? LEAF_BYTES : size)
    offsets.push(at)
  }
  const tag = inside.length === 0 ? '' : `-${tagOf(inside)}`
  return { start, end, offsets, path: `blocks/${start}-${sizes.length}${tag}` }
}

/** How large a pack is. */
export function packBytes({ offsets }: Pack): number {
  return offsets.at(-1) ?? 0
}

// Its content is another one than that of the pack without these holes, so its name is, too.
function tagOf(holes: readonly BlockRange[]): string {
  const text = holes.map(({ start, end }) => `${start}-${end}`).join(',')
  return hex(blake2b([new TextEncoder().encode(text)]).subarray(0, 8))
}

/** What is in `ranges` and in `within`. @param ranges ascending, without overlaps. */
export function clipped(ranges: readonly BlockRange[], within: BlockRange): BlockRange[] {
  let first = 0
  for (let end = ranges.length; first < end;) {
    const middle = (first + end) >> 1
    if ((ranges[middle]?.end ?? 0) > within.start) end = middle
    else first = middle + 1
  }
  const inside: BlockRange[] = []
  for (let i = first; i < ranges.length; i++) {
    const { start, end } = ranges[i] ?? within
    if (start >= within.end) break
    inside.push({ start: Math.max(start, within.start), end: Math.min(end, within.end) })
  }
  return inside
}

export function isIn(ranges: readonly BlockRange[], index: number): boolean {
  return ranges.some((it) => includes(it, index))
}

/** Nodes as they are in a head and in a tile. */
export function encodeLeaves(leaves: readonly Leaf[]): Uint8Array {
  return concat(leaves.flatMap(({ hash, size }) => [hash, uint64(size)]))
}

/**
 * @param bytes a whole number of nodes.
 * @param most bytes below one of them.
 * @throws INVALID_LOG
 */
export function decodeLeaves(bytes: Uint8Array, most = MAX_BLOCK_BYTES): Leaf[] {
  const leaves: Leaf[] = []
  for (let at = 0; at < bytes.byteLength; at += NODE_BYTES) {
    const size = readNumber(bytes, at + KEY_BYTES, invalidLog)
    if (size > most) throw invalidLog(`It claims ${size} bytes of a block.`)
    leaves.push({ hash: bytes.slice(at, at + KEY_BYTES), size })
  }
  return leaves
}

/** The complaint about log files that are not what they should be. */
export function invalidLog(why: string, cause?: unknown): HyperletterError {
  const options = { cause }
  return new HyperletterError('INVALID_LOG', `The log files cannot be used. ${why}`, options)
}

/** Records of one tile, each with its place in it. */
type TileRecords = ReadonlyMap<number, Uint8Array>

/** What a file of records holds, before it is compressed. */
export function encodeRecords(records: TileRecords): Uint8Array {
  const parts: Uint8Array[] = []
  for (const [place, block] of records) {
    const head = new DataView(new ArrayBuffer(RECORD_HEAD_BYTES))
    head.setUint16(0, place, true)
    head.setUint32(2, block.byteLength, true)
    parts.push(new Uint8Array(head.buffer), block)
  }
  return concat(parts)
}

/**
 * Unpacks a file of records. Whether they are what the author signed is for the caller to check.
 * @throws INVALID_LOG
 */
export async function decodeRecords(zipped: Uint8Array): Promise<Map<number, Uint8Array>> {
  const bytes = await unzipped(zipped)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records = new Map<number, Uint8Array>()
  let before = -1
  for (let at = 0; at < bytes.byteLength;) {
    if (at + RECORD_HEAD_BYTES > bytes.byteLength) throw invalid()
    const place = view.getUint16(at, true)
    const size = view.getUint32(at + 2, true)
    at += RECORD_HEAD_BYTES
    if (place <= before || place >= TILE_BLOCKS || at + size > bytes.byteLength) throw invalid()
    records.set(place, bytes.subarray(at, at + size))
    before = place
    at += size
  }
  return records
}

async function unzipped(zipped: Uint8Array): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  const source = async function* () {
    yield await Promise.resolve(zipped)
  }
  try {
    for await (const part of unzip(source())) {
      bytes += part.byteLength
      if (bytes > MAX_RECORDS_BYTES) throw invalid()
      parts.push(part)
    }
  } catch (cause) {
    throw invalid(cause)
  }
  return concat(parts)
}

function invalid(cause?: unknown) {
  return invalidLog('A file of records is damaged.', cause)
}
