import type { BlockRange } from '../../format/block-ranges.ts'
import { isBelow, nodeNumber, nodesOver, spanOf } from '../../format/block-run.ts'
import type { PlacedNode, TreeNode } from '../../format/log.ts'

/** More are forgotten: then a few hashes come twice. */
const MOST_KNOWN = 16_384

/**
 * Which nodes of a core's Merkle tree are in the store for certain, by what arrived since this began, and of some their
 * hashes. With that it is known without reading the store how many hashes have to come with a block, and from which
 * node on a run of blocks has to be proved.
 */
export class KnownNodes {
  /** By their numbers. Of those that came with single blocks the hash is not known. */
  readonly #known = new Map<number, PlacedNode | undefined>()

  /** A block was stored, and with it the hashes of this many heights: on its way up, and beside it. */
  noteStored(index: number, heights: number): void {
    for (let height = 0, at = index; height <= heights; height++, at = Math.floor(at / 2)) {
      this.#note(nodeNumber(height, at))
      if (height < heights) this.#note(nodeNumber(height, at % 2 === 0 ? at + 1 : at - 1))
    }
  }

  /** A run was stored with these nodes; those below it are of no use, for all its blocks are here. */
  noteRun({ start, end }: BlockRange, nodes: readonly TreeNode[]): void {
    for (const { index, size, hash } of nodes) {
      const span = spanOf(index)
      // A copy: it may be part of a whole message.
      if (span.start < start || end < span.end)
        this.#note(index, { size, hash: new Uint8Array(hash) })
    }
  }

  /**
   * From how many heights, its own included, hashes have to come with a block of a core of this length: up to the first
   * one that is here for certain. That is a root at the latest, for those are stored with the length.
   */
  missingHeights(index: number, length: number): number {
    let height = 0
    for (let at = index; ; at = Math.floor(at / 2)) {
      const isRoot = (Math.floor(at / 2) + 1) * 2 ** (height + 1) > length
      if (isRoot || this.#known.has(nodeNumber(height, at))) return height
      height++
    }
  }

  /** The lowest node over a range of which the hash is known; undefined if not even a root is over all of it. */
  anchorOver(range: BlockRange, roots: readonly TreeNode[]): TreeNode | undefined {
    const root = roots.find(({ index }) => isBelow(range, index))
    if (root === undefined) return undefined
    const { start, end } = spanOf(root.index)
    for (const index of nodesOver(range, end - start)) {
      const known = this.#known.get(index)
      if (known !== undefined) return { index, ...known }
    }
    return root
  }

  /** What was stored may be gone. */
  forget(): void {
    this.#known.clear()
  }

  #note(index: number, node?: PlacedNode): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(index, node ?? this.#known.get(index))
  }
}
