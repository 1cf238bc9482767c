import type Hypercore from 'hypercore'
import { MerkleTree } from 'hypercore/lib/merkle-tree.js'
import type { BlockRange } from '../../format/block-ranges.ts'
import type { TreeNode } from '../../format/log.ts'
import { onStore } from '../../storage-errors.ts'

/** See `Log`. */
export async function dropBlocks(core: Hypercore, { start, end }: BlockRange): Promise<void> {
  const { state } = core as unknown as {
    readonly state: { clear(start: number, end: number, cleared: null): Promise<void> }
  }
  // `core.clear` also deletes the hash of a held block before the range, which then can be served
  // to nobody; without its deletions of hashes it is right.
  const keepingHashes = new Proxy(state, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function' || name === 'clear') return value
      const method = value.bind(target) as (...args: unknown[]) => unknown
      if (name !== 'createWriteBatch') return method
      return () => Object.assign(method() as object, { deleteTreeNode: () => undefined })
    },
  })
  await onStore(() => keepingHashes.clear(start, end, null))
}

/** See `Log`. */
export async function rangeBytes(
  core: Hypercore,
  { start, end }: BlockRange,
): Promise<number | undefined> {
  const { state } = core as unknown as { readonly state: Roots }
  const [before, last] = await Promise.all([endOffset(state, start), endOffset(state, end)])
  return before === undefined || last === undefined ? undefined : last - before
}

interface Roots {
  readonly roots: readonly TreeNode[]
}

// Where block `index - 1` ends, and so `index` begins. `MerkleTree.byteOffset` gives NaN behind the first root.
async function endOffset(state: Roots, index: number): Promise<number | undefined> {
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
  state: Roots,
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
