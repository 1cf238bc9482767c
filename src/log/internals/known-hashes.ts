/** More are forgotten: then a few hashes come twice. */
const MOST_KNOWN = 32_768

/**
 * Which hashes of a core's Merkle tree are in the store for certain, by the blocks that arrived since this began. With
 * that it is known without reading the store how many hashes have to come with a block.
 *
 * Numbers nodes as Hypercore does (flat-tree): those of height `h` are `2^h - 1`, and so on in steps of `2^(h+1)`.
 */
export class KnownHashes {
  readonly #known = new Set<number>()

  /** A block was stored, and with it the hashes of this many heights: on its way up, and beside it. */
  noteStored(index: number, heights: number): void {
    if (this.#known.size > MOST_KNOWN) this.#known.clear()
    for (let height = 0, at = index; height <= heights; height++, at = Math.floor(at / 2)) {
      this.#known.add(node(height, at))
      if (height < heights) this.#known.add(node(height, at % 2 === 0 ? at + 1 : at - 1))
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
      if (isRoot || this.#known.has(node(height, at))) return height
      height++
    }
  }

  /** What was stored may be gone. */
  forget(): void {
    this.#known.clear()
  }
}

function node(height: number, at: number): number {
  return 2 ** height - 1 + at * 2 ** (height + 1)
}
