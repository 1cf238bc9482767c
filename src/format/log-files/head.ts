import type { BlockRange } from '../block-ranges.ts'
import { keyOf, readNumber, signable, SIGNATURE_BYTES, MAX_BLOCK_BYTES } from '../bundle/format.ts'
import { BlockTree } from '../bundle/tree.ts'
import { concat, equal, uint64 } from '../bytes.ts'
import { portable, type Crypto } from '../crypto.ts'
import { feedKeyOf, keyBytes, KEY_BYTES, type FeedKey } from '../keys/feed-key.ts'
import type { TreeNode } from '../log.ts'
import {
  decodeLeaves,
  encodeLeaves,
  invalidLog,
  MAX_BLOCKS,
  NODE_BYTES,
  TILE_BLOCKS,
  type Leaf,
} from './layout.ts'

const MAGIC: Uint8Array = new TextEncoder().encode('hyperletter-log')
const VERSION = 1
const HOLE_BYTES = 16
const FIXED_BYTES = MAGIC.byteLength + 1 + 2 * KEY_BYTES + 8 + SIGNATURE_BYTES + 4

/** More than a log has that was written by people: each retraction makes one. */
const MAX_HOLES = 2 ** 16

/** Largest head. */
export const MAX_HEAD_BYTES =
  FIXED_BYTES + MAX_HOLES * HOLE_BYTES + (MAX_BLOCKS / TILE_BLOCKS + TILE_BLOCKS) * NODE_BYTES

/** What the author signed, and the part of the tree from which that can be seen. */
export interface LogHead {
  readonly feedKey: FeedKey
  /** Signs the log; the feed key is made from it. */
  readonly publicKey: Uint8Array
  /** Blocks in the log. */
  readonly length: number
  /** Ed25519, over the tree of all `length` blocks. */
  readonly signature: Uint8Array
  /** Blocks that are not carried: ascending, apart from each other, without block 0. */
  readonly holes: readonly BlockRange[]
  /** The node over each full tile. */
  readonly tiles: readonly Leaf[]
  /** The leaves of the blocks after the last full tile. */
  readonly leaves: readonly Leaf[]
}

/** The bytes of a head. @throws INVALID_LOG if it has too many holes. */
export function encodeHead(head: LogHead): Uint8Array {
  if (head.holes.length > MAX_HOLES) throw invalidLog(`It has more than ${MAX_HOLES} holes.`)
  const count = new Uint8Array(4)
  new DataView(count.buffer).setUint32(0, head.holes.length, true)
  return concat([
    MAGIC,
    Uint8Array.of(VERSION),
    keyBytes(head.feedKey),
    head.publicKey,
    uint64(head.length),
    head.signature,
    count,
    ...head.holes.flatMap(({ start, end }) => [uint64(start), uint64(end)]),
    encodeLeaves([...head.tiles, ...head.leaves]),
  ])
}

/**
 * Reads a head and checks all of it, the signature too.
 * @param crypto a faster one, where there is one.
 * @throws INVALID_LOG
 */
export function decodeHead(bytes: Uint8Array, crypto: Crypto = portable): LogHead {
  let at = 0
  const take = (sizeBytes: number) => bytes.slice(at, (at += sizeBytes))
  const takeNumber = () => readNumber(take(8), 0, invalidLog)
  const takeCount = () => viewOf(take(4)).getUint32(0, true)
  if (bytes.byteLength < FIXED_BYTES || !equal(take(MAGIC.byteLength), MAGIC)) {
    throw invalidLog('It is no head of a log.')
  }
  if (take(1)[0] !== VERSION) throw invalidLog('It is of a version that is not known.')
  const key = take(KEY_BYTES)
  const publicKey = take(KEY_BYTES)
  const length = takeNumber()
  const signature = take(SIGNATURE_BYTES)
  const holeCount = takeCount()
  if (!equal(key, keyOf(publicKey)))
    throw invalidLog('Its feed key and its signing key do not fit.')
  if (length < 1 || length > MAX_BLOCKS) throw invalidLog(`It claims a log of ${length} blocks.`)
  if (holeCount > MAX_HOLES) throw invalidLog(`It claims ${holeCount} holes.`)
  const fullTiles = Math.floor(length / TILE_BLOCKS)
  const nodeCount = fullTiles + (length % TILE_BLOCKS)
  if (bytes.byteLength !== FIXED_BYTES + holeCount * HOLE_BYTES + nodeCount * NODE_BYTES) {
    throw invalidLog('The size of its head is wrong.')
  }
  const holes: BlockRange[] = []
  for (let i = 0, before = 0; i < holeCount; i++) {
    const [start, end] = [takeNumber(), takeNumber()]
    if (start <= before || end <= start || end > length) throw invalidLog('Its holes are wrong.')
    holes.push({ start, end })
    before = end
  }
  const tiles = decodeLeaves(take(fullTiles * NODE_BYTES), TILE_BLOCKS * MAX_BLOCK_BYTES)
  const leaves = decodeLeaves(take((length % TILE_BLOCKS) * NODE_BYTES))
  const head = { feedKey: feedKeyOf(key), publicKey, length, signature, holes, tiles, leaves }
  const message = signable(key, headHash(head, crypto), length)
  if (crypto.verify(message, signature, publicKey)) return head
  throw invalidLog('It is not what the author signed.')
}

// Also of a Buffer, whose `slice` is not a copy.
function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}

export function headHash({ tiles, leaves }: LogHead, crypto: Crypto = portable): Uint8Array {
  return hashOver(tiles, leaves, crypto)
}

/**
 * The hash of the tree over full tiles and the blocks after them.
 * @param tiles the node over each full tile.
 * @param leaves of the blocks after them: fewer than a tile has.
 */
export function hashOver(
  tiles: readonly Leaf[],
  leaves: readonly Leaf[],
  crypto: Crypto = portable,
): Uint8Array {
  // A parent is hashed from its children alone, wherever they are: so what is above tiles is a tree over them.
  const above = treeOf(tiles, crypto)
  const rest = treeOf(leaves, crypto)
  const moved = (it: TreeNode, index: number): TreeNode => ({ ...it, index })
  return rest.rootsHash([
    ...above.nodesBetween(0, above.length).map((it) => moved(it, TILE_BLOCKS * (it.index + 1) - 1)),
    ...rest
      .nodesBetween(0, rest.length)
      .map((it) => moved(it, it.index + 2 * TILE_BLOCKS * tiles.length)),
  ])
}

/** The tree over some nodes of one level. */
export function treeOf(leaves: readonly Leaf[], crypto: Crypto = portable): BlockTree {
  const tree = new BlockTree(crypto)
  for (const { hash, size } of leaves) tree.add(hash, size)
  return tree
}
