import type Hypercore from 'hypercore'
import type { Peer } from 'hypercore'
import { MerkleTree } from 'hypercore/lib/merkle-tree.js'
import { merged, only, type BlockRange } from '../../format/block-ranges.ts'
import { besideOf, middleOf, nodeNumber, nodesOver, provenNodes } from '../../format/block-run.ts'
import type { PlacedNode, ProvenBlocks, TreeNode } from '../../format/log.ts'
import { asBuffer, nativeCrypto } from '../keys.ts'
import { internalsOf, type CoreInternals, type ReplicatorInternals } from './internals.ts'
import type { TreeInternals } from './state-internals.ts'
import { USES_INTERNALS } from './version.ts'

/** Of a bitfield, as it is stored. */
const PAGE_BITS = 32_768

/** Blocks in a row that lead to a node of the tree as it was when they were checked. */
export interface CheckedRun {
  readonly start: number
  /** Each as it is stored, or only its leaf. */
  readonly items: readonly (Uint8Array | PlacedNode)[]
  /** From the blocks up to the node that was known. */
  readonly nodes: readonly TreeNode[]
  readonly tree: TreeInternals
}

/** @param nodes from the blocks up to a node that is known. */
export function checkedRun(
  core: Hypercore,
  run: Pick<CheckedRun, 'start' | 'items' | 'nodes'>,
): CheckedRun {
  return { ...run, tree: internalsOf(core).state.createTreeBatch() }
}

/** See `Log.store`. */
export async function storeProven(core: Hypercore, proven: ProvenBlocks): Promise<number> {
  const run = await provenRun(core, proven)
  if (run !== undefined) return USES_INTERNALS ? storeRuns(core, [run]) : applyEach(core, run)
  const { start, items } = proven
  if (items.length === 1) return 0
  // No known node lies over all of them, or the tree does not reach up to it.
  const middle = middleOf({ start, end: start + items.length })
  const left = { ...proven, items: items.slice(0, middle - start) }
  const right = { ...proven, start: middle, items: items.slice(middle - start) }
  return (await storeProven(core, left)) + (await storeProven(core, right))
}

async function provenRun(core: Hypercore, proven: ProvenBlocks): Promise<CheckedRun | undefined> {
  const { start, items } = proven
  const range = { start, end: start + items.length }
  const anchor = await lowestHere(core, range)
  const beside = anchor && besideOf(range, anchor.index).map((it) => proven.nodeAt(it))
  if (anchor === undefined || !isComplete(beside)) return undefined
  const nodes = provenNodes({ start, items, anchor: anchor.index, beside }, anchor, nativeCrypto)
  if (nodes !== undefined) return checkedRun(core, { start, items, nodes })
  const message = `Blocks ${start} to ${range.end} do not lead to the tree.`
  throw Object.assign(new Error(message), { code: 'INVALID_CHECKSUM' })
}

/**
 * Stores runs, with their nodes, in one atomic write, and tells who waits for their blocks. A run that was checked
 * before the log was cut back is left out, and so are blocks that are here.
 * @param from who sent them; sessions then hear of a download.
 * @returns how many blocks are new.
 */
export async function storeRuns(
  core: Hypercore,
  runs: readonly CheckedRun[],
  from?: Peer,
): Promise<number> {
  const inner = internalsOf(core)
  const { state, bitfield, replicator, header } = inner
  const blocks = new Map<number, Uint8Array>()
  await state.mutex.lock()
  try {
    const ready = runs.filter(({ tree }) => tree.commitable())
    if (ready.length === 0) return 0
    const tx = state.createWriteBatch()
    for (const { start, items, nodes, tree } of ready) {
      tree.addNodesUnsafe(nodes)
      tree.commit(tx)
      items.forEach((item, i) => {
        if (item instanceof Uint8Array && !bitfield.get(start + i)) blocks.set(start + i, item)
      })
    }
    for (const [index, block] of blocks) tx.putBlock(index, asBuffer(block))
    for (const [at, page] of pagesWith(blocks.keys(), bitfield)) tx.putBitfieldPage(at, page)
    let { contiguousLength } = header.hints
    while (blocks.has(contiguousLength) || bitfield.get(contiguousLength)) contiguousLength++
    const hints = { ...header.hints, contiguousLength }
    if (contiguousLength !== header.hints.contiguousLength) tx.setHints(hints)
    await state.flush()
    const ranges = rangesOf(blocks.keys())
    for (const { start, end } of ranges) inner._setBitfieldRanges(start, end, true)
    header.hints.contiguousLength = contiguousLength
    replicator.cork()
    for (const { start, end } of ranges) replicator.onhave(start, end - start)
    replicator.uncork()
  } finally {
    state._unlock()
  }
  for (const [index, block] of blocks) {
    replicator._resolveBlockRequest(replicator._blocks, index, asBuffer(block), null)
    if (from !== undefined) replicator._ondownload(index, block.byteLength, from, null)
  }
  void replicator._updateNonPrimary(false)
  return blocks.size
}

/** Nodes by their numbers, in one read; undefined for those that are not stored. */
export async function readNodes(
  core: Hypercore,
  numbers: readonly number[],
): Promise<(TreeNode | undefined)[]> {
  const reader = internalsOf(core).state.storage.read()
  const nodes = numbers.map((it) => reader.getTreeNode(it))
  reader.tryFlush()
  return (await Promise.all(nodes)).map((it) => it ?? undefined)
}

/** The blocks of a range as they are stored, in one read; undefined for those that are not. */
export async function readBlocks(
  core: Hypercore,
  { start, end }: BlockRange,
): Promise<(Uint8Array | undefined)[]> {
  const reader = internalsOf(core).state.storage.read()
  const blocks = Array.from({ length: end - start }, (_, i) => reader.getBlock(start + i))
  reader.tryFlush()
  return (await Promise.all(blocks)).map((it) => it ?? undefined)
}

// The roots are always here.
async function lowestHere(core: Hypercore, range: BlockRange): Promise<TreeNode | undefined> {
  const { state } = internalsOf(core)
  for (const number of nodesOver(range, core.length)) {
    const root = state.roots.find((it) => it.index === number)
    const node = root ?? (await MerkleTree.get(state, number))
    if (node !== null) return node
  }
  return undefined
}

// Without the inside of Hypercore: each block, and each leaf, with the nodes that it lacks.
async function applyEach(core: Hypercore, { start, items, nodes }: CheckedRun): Promise<number> {
  const known = new Map(nodes.map((it) => [it.index, it]))
  let added = 0
  for (const [i, item] of items.entries()) {
    const index = start + i
    const leaf = known.get(2 * index)
    if (leaf === undefined || (await core.has(index))) continue
    const isBlock = item instanceof Uint8Array
    const lacking = await core.missingNodes(index)
    if (!isBlock && lacking === 0) continue
    // Those beside the path, from the leaf upwards.
    const beside = Array.from({ length: lacking }, (_, k) => nodeNumber(k, (index >> k) ^ 1))
    const proof = beside.flatMap((it) => known.get(it) ?? [])
    const nothing = { fork: core.fork, seek: null, upgrade: null, manifest: null }
    const part = isBlock
      ? { block: { index, value: asBuffer(item), nodes: proof }, hash: null }
      : { block: null, hash: { index: leaf.index, nodes: [leaf, ...proof] } }
    await core.applyProof({ ...nothing, ...part })
    if (isBlock) added++
  }
  // Nothing else tells readers that wait for one of them.
  const replicator: Partial<ReplicatorInternals> = internalsOf(core).replicator
  await replicator._resolveBlocksLocally?.()
  void replicator._updateNonPrimary?.(true)
  return added
}

function isComplete<T>(them: readonly (T | undefined)[] | undefined): them is readonly T[] {
  return them?.includes(undefined) === false
}

function rangesOf(indexes: Iterable<number>): BlockRange[] {
  return merged([...indexes].map(only))
}

// Pages as they will be, each whole.
function pagesWith(
  indexes: Iterable<number>,
  bitfield: CoreInternals['bitfield'],
): Map<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>()
  for (const index of indexes) {
    const at = Math.floor(index / PAGE_BITS)
    let page = pages.get(at)
    if (page === undefined) {
      const now = bitfield.getBitfield(index)?.bitfield ?? new Uint32Array(PAGE_BITS / 32)
      pages.set(at, (page = new Uint8Array(now.slice().buffer)))
    }
    const bit = index % PAGE_BITS
    page[bit >>> 3] = (page[bit >>> 3] ?? 0) | (1 << (bit & 7))
  }
  return pages
}
