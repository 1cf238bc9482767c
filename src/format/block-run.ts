import type { BlockRange } from './block-ranges.ts'
import { equal, uint64 } from './bytes.ts'
import type { Crypto } from './crypto.ts'
import type { PlacedNode, TreeNode } from './log.ts'

type Hashing = Pick<Crypto, 'hash'>

/** Blocks in a row, and what leads from them to one node of the tree. */
export interface BlockRun {
  readonly start: number
  /** Each as it is stored, or only its leaf; at least one. */
  readonly items: readonly (Uint8Array | PlacedNode)[]
  /** The number of a node over all of them. */
  readonly anchor: number
  /** The nodes that `besideOf` names, in that order. */
  readonly beside: readonly PlacedNode[]
}

// What is hashed begins with its kind, so that no node passes for one of another kind.
const LEAF = Uint8Array.of(0)
const PARENT = Uint8Array.of(1)

// Of what is being hashed: a new one for each node would take a fifth of the time.
const SIZE = new DataView(new ArrayBuffer(8))

export function leafHash(block: Uint8Array, crypto: Hashing): Uint8Array {
  return crypto.hash([LEAF, uint64(block.byteLength, SIZE), block])
}

/** The hash of the node over two neighbours. */
export function parentHash(left: PlacedNode, right: PlacedNode, crypto: Hashing): Uint8Array {
  return crypto.hash([PARENT, uint64(left.size + right.size, SIZE), left.hash, right.hash])
}

/** The number of a node in the flat tree: the one at `place`, from 0, of those over 2^height blocks each. */
export function nodeNumber(height: number, place: number): number {
  return 2 ** height * (2 * place + 1) - 1
}

/** The blocks below a node. */
export function spanOf(node: number): BlockRange {
  const blocks = 2 ** heightOf(node)
  const start = (node + 1 - blocks) / 2
  return { start, end: start + blocks }
}

export function isBelow({ start, end }: BlockRange, node: number): boolean {
  const span = spanOf(node)
  return span.start <= start && start < end && end <= span.end
}

/** The nodes over all of a range, from the lowest to the one over at least `length` blocks. */
export function* nodesOver({ start, end }: BlockRange, length: number): Generator<number> {
  let [height, place] = [0, start]
  for (; 2 ** height <= length; height++, place = Math.floor(place / 2)) {
    if ((place + 1) * 2 ** height >= end) yield nodeNumber(height, place)
  }
}

/** The first block below the root over a block of a log of that length. */
export function rootStart(index: number, length: number): number {
  for (let start = 0; ;) {
    const next = start + 2 ** Math.floor(Math.log2(length - start))
    if (index < next || next >= length) return start
    start = next
  }
}

function rootNumbers(length: number): number[] {
  const numbers: number[] = []
  for (let start = 0; start < length;) {
    const height = Math.floor(Math.log2(length - start))
    numbers.push(nodeNumber(height, start / 2 ** height))
    start += 2 ** height
  }
  return numbers
}

/**
 * The tree of a log with more blocks than it had: its roots, and all nodes that were given or computed.
 * @param start its length before.
 * @param before its roots before, in order.
 * @returns undefined where a log of that length has another number of roots.
 */
export function continuedTree(
  start: number,
  before: readonly PlacedNode[],
  blocks: readonly Uint8Array[],
  crypto: Hashing,
): { readonly roots: readonly TreeNode[]; readonly nodes: readonly TreeNode[] } | undefined {
  const numbers = rootNumbers(start)
  if (numbers.length !== before.length) return undefined
  const nodes = before.map(({ size, hash }, i) => ({ index: numbers[i] ?? 0, size, hash }))
  let roots = [...nodes]
  for (const [i, block] of blocks.entries()) {
    let node = { index: 2 * (start + i), size: block.byteLength, hash: leafHash(block, crypto) }
    nodes.push(node)
    for (let left = roots.at(-1); left !== undefined; left = roots.at(-1)) {
      if (heightOf(left.index) !== heightOf(node.index)) break
      const index = (left.index + node.index) / 2
      node = { index, size: left.size + node.size, hash: parentHash(left, node, crypto) }
      nodes.push(node)
      roots = roots.slice(0, -1)
    }
    roots.push(node)
  }
  return { roots, nodes }
}

/** Where the lowest node over a range of several blocks divides it. */
export function middleOf(range: BlockRange): number {
  const [lowest = 0] = nodesOver(range, Infinity)
  return (lowest + 1) / 2
}

/** The largest nodes below `anchor` of which no block is in the range, in the order of their blocks. */
export function besideOf(range: BlockRange, anchor: number): number[] {
  const found: number[] = []
  const visit = (height: number, place: number): void => {
    const [start, end] = [place * 2 ** height, (place + 1) * 2 ** height]
    if (range.start <= start && end <= range.end) return
    if (end <= range.start || range.end <= start) found.push(nodeNumber(height, place))
    else for (const child of [0, 1]) visit(height - 1, 2 * place + child)
  }
  visit(...placeOf(anchor))
  return found
}

/**
 * All nodes from a run up to its anchor, that last, if blocks and nodes lead to `anchor`; undefined if they do not.
 * A number of nodes beside that is not the right one does not.
 */
export function provenNodes(
  { start, items, anchor: number, beside }: BlockRun,
  anchor: TreeNode,
  crypto: Hashing,
): readonly TreeNode[] | undefined {
  const end = start + items.length
  if (anchor.index !== number || !isBelow({ start, end }, number)) return undefined
  const nodes: TreeNode[] = []
  let given = 0
  const visit = (height: number, place: number): TreeNode | undefined => {
    const [first, last] = [place * 2 ** height, (place + 1) * 2 ** height]
    let found: PlacedNode | undefined
    if (last <= start || end <= first) found = beside[given++]
    else if (height === 0) found = leafOf(items[first - start], crypto)
    else {
      const left = visit(height - 1, 2 * place)
      const right = left && visit(height - 1, 2 * place + 1)
      found = left &&
        right && { size: left.size + right.size, hash: parentHash(left, right, crypto) }
    }
    if (found === undefined) return undefined
    const { size, hash } = found
    const node = { index: nodeNumber(height, place), size, hash }
    nodes.push(node)
    return node
  }
  const top = visit(...placeOf(number))
  const isProven = top?.size === anchor.size && equal(top.hash, anchor.hash)
  return isProven && given === beside.length ? nodes : undefined
}

function leafOf(
  item: Uint8Array | PlacedNode | undefined,
  crypto: Hashing,
): PlacedNode | undefined {
  if (!(item instanceof Uint8Array)) return item
  return { size: item.byteLength, hash: leafHash(item, crypto) }
}

function heightOf(node: number): number {
  let height = 0
  for (let rest = node; rest % 2 === 1; rest = (rest - 1) / 2) height++
  return height
}

function placeOf(node: number): [height: number, place: number] {
  const height = heightOf(node)
  return [height, spanOf(node).start / 2 ** height]
}
