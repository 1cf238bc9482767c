import type Hypercore from 'hypercore'
import type { TreeNode } from 'hypercore-crypto'
import { MerkleTree } from 'hypercore/lib/merkle-tree.js'
import type { BlockRange } from '../format/block-ranges.ts'

// What is used of a core beyond its public face.
interface Inside {
  readonly state: { readonly roots: readonly TreeNode[] }
}

/**
 * How many bytes the blocks of a range have together, before they are here: from the tree that the feed
 * key signed, so that no record can lie about it. The last block and the one before the range have to be held.
 * @returns undefined where the tree is not known so far; encrypted blocks count as they are stored.
 */
export async function rangeBytes(
  core: Hypercore,
  { start, end }: BlockRange,
): Promise<number | undefined> {
  const { state } = core as unknown as Inside
  const [before, last] = await Promise.all([endOffset(state, start), endOffset(state, end)])
  return before === undefined || last === undefined ? undefined : last - before
}

// Where block `index - 1` ends, and so `index` begins. `MerkleTree.byteOffset` gives NaN behind the first root.
async function endOffset(state: Inside['state'], index: number): Promise<number | undefined> {
  if (index === 0) return 0
  const leaf = 2 * (index - 1)
  let offset = 0
  // Of the flat tree of https://datatracker.ietf.org/doc/html/rfc7574#section-5.3: leaves have even numbers.
  let first = 0
  for (const root of state.roots) {
    const width = root.index - first + 1
    if (leaf < first + 2 * width) {
      const inside = await offsetInside(state, root.index, width / 2, leaf)
      return inside === undefined ? undefined : offset + inside
    }
    offset += root.size
    first += 2 * width
  }
  return undefined
}

// `reach` is how far the children of a node are from it: 0 where it is a leaf.
async function offsetInside(
  state: Inside['state'],
  root: number,
  rootReach: number,
  leaf: number,
): Promise<number | undefined> {
  let offset = 0
  let at = root
  for (let reach = rootReach; at !== leaf; reach /= 2) {
    if (leaf < at) at -= reach
    else {
      const left = await MerkleTree.get(state, at - reach)
      if (left === null) return undefined
      offset += left.size
      at += reach
    }
  }
  const last = await MerkleTree.get(state, leaf)
  return last === null ? undefined : offset + last.size
}
