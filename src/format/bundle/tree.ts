import { uint64 } from '../bytes.ts'
import { leafHash, nodeNumber, parentHash, spanOf } from '../block-run.ts'
import { portable, type Crypto } from '../crypto.ts'
import type { TreeNode } from '../log.ts'
import type { Frame } from './read.ts'

const HASH_BYTES = 32
const NODE_BYTES = HASH_BYTES + 8
const NODES_PER_PIECE = 1024

// A third kind beside leaves and parents.
const ROOTS = Uint8Array.of(2)

/**
 * The Merkle tree over the blocks of one log, built leaf by leaf and held in memory: 80 bytes a
 * block. A node of level _k_ is over 2^k blocks; docs/format.md says how hashes are made.
 */
export class BlockTree {
  readonly #levels: Level[] = []
  readonly #crypto: Pick<Crypto, 'hash'>

  constructor(crypto: Pick<Crypto, 'hash'> = portable) {
    this.#crypto = crypto
  }

  /** Number of blocks. */
  get length(): number {
    return this.#levels[0]?.length ?? 0
  }

  /** Adds the leaf of the next block, and every parent that is then complete. */
  add(hash: Uint8Array, sizeBytes: number): void {
    let node = { hash, size: sizeBytes }
    for (let k = 0; ; k++) {
      const level = (this.#levels[k] ??= new Level())
      level.push(node.hash, node.size)
      if (level.length % 2 === 1) return
      const [left, right] = [this.node(k, level.length - 2), this.node(k, level.length - 1)]
      if (left === undefined || right === undefined) return
      node = { hash: parentHash(left, right, this.#crypto), size: left.size + right.size }
    }
  }

  /** Adds the leaf of a frame, that is the hash of its block if it has it. */
  addFrame(frame: Frame): void {
    if (frame.block === undefined) this.add(frame.hash, frame.sizeBytes)
    else this.add(this.leafHash(frame.block), frame.block.byteLength)
  }

  leaf(index: number): TreeNode | undefined {
    return this.node(0, index)
  }

  /** The node over the blocks from 2^k × `place` on, 2^k of them; undefined if they are not all there. */
  node(k: number, place: number): TreeNode | undefined {
    const found = this.#levels[k]?.at(place)
    return found && { index: nodeNumber(k, place), ...found }
  }

  nodeAt(number: number): TreeNode | undefined {
    const { start, end } = spanOf(number)
    return this.node(Math.log2(end - start), start / (end - start))
  }

  leafHash(block: Uint8Array): Uint8Array {
    return leafHash(block, this.#crypto)
  }

  rootsHash(roots: readonly TreeNode[]): Uint8Array {
    const parts = roots.flatMap((it) => [it.hash, uint64(it.index), uint64(it.size)])
    return this.#crypto.hash([ROOTS, ...parts])
  }

  /** The hash of the tree over the first `length` blocks. */
  hash(length = this.length): Uint8Array {
    return this.rootsHash(this.nodesBetween(0, length))
  }

  /** The fewest nodes that cover the blocks from `start` to `end` (exclusive), in order; those from 0 are the roots. */
  nodesBetween(start: number, end: number): TreeNode[] {
    const nodes: TreeNode[] = []
    for (let at = start; at < end;) {
      let k = 0
      while (at % 2 ** (k + 1) === 0 && at + 2 ** (k + 1) <= end) k++
      const node = this.node(k, at / 2 ** k)
      if (node !== undefined) nodes.push(node)
      at += 2 ** k
    }
    return nodes
  }
}

/** Hashes and sizes, packed: as objects they would take five times the memory. */
class Level {
  length = 0
  readonly #pieces: { bytes: Uint8Array; view: DataView }[] = []

  push(hash: Uint8Array, size: number): void {
    const offset = (this.length % NODES_PER_PIECE) * NODE_BYTES
    if (offset === 0) this.#pieces.push(newPiece())
    const piece = this.#pieces.at(-1)
    piece?.bytes.set(hash, offset)
    piece?.view.setFloat64(offset + HASH_BYTES, size)
    this.length++
  }

  at(place: number): { hash: Uint8Array; size: number } | undefined {
    const piece = this.#pieces[Math.floor(place / NODES_PER_PIECE)]
    if (piece === undefined || place >= this.length) return undefined
    const offset = (place % NODES_PER_PIECE) * NODE_BYTES
    const hash = piece.bytes.subarray(offset, offset + HASH_BYTES)
    return { hash, size: piece.view.getFloat64(offset + HASH_BYTES) }
  }
}

// Grows with what has arrived, so a claimed length costs nothing.
function newPiece() {
  const bytes = new Uint8Array(NODES_PER_PIECE * NODE_BYTES)
  return { bytes, view: new DataView(bytes.buffer) }
}
