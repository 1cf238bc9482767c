import { describe, expect, it } from 'vitest'
import {
  besideOf,
  continuedTree,
  isBelow,
  nodesOver,
  provenNodes,
  spanOf,
  type BlockRun,
} from '../../src/format/block-run.ts'
import { BlockTree } from '../../src/format/bundle/tree.ts'
import type { PlacedNode, TreeNode } from '../../src/format/log.ts'
import { hex } from '../../src/hex.ts'
import { nativeCrypto } from '../../src/log/keys.ts'

/** Logs of 1 to 70 blocks have no other nodes than this one: those of which it has all blocks. */
const BLOCKS = 70

const blocks = Array.from({ length: BLOCKS }, (_, i) => new Uint8Array(i % 5).fill(i))
const tree = new BlockTree(nativeCrypto)
for (const block of blocks) tree.addFrame({ block })

const anchors = Array.from({ length: 2 * BLOCKS - 1 }, (_, number) => number).filter(
  (number) => spanOf(number).end <= BLOCKS,
)

function nodeAt(number: number): TreeNode {
  const node = tree.nodeAt(number)
  if (node === undefined) throw new Error(`There is no node ${number}.`)
  return node
}

function runOf(start: number, end: number, anchor: number): BlockRun {
  const beside = besideOf({ start, end }, anchor).map(nodeAt)
  return { start, items: blocks.slice(start, end), anchor, beside }
}

function* allRuns(): Generator<BlockRun> {
  for (const anchor of anchors) {
    const span = spanOf(anchor)
    for (let start = span.start; start < span.end; start++)
      for (let end = start + 1; end <= span.end; end++) yield runOf(start, end, anchor)
  }
}

const prove = (run: BlockRun, anchor = nodeAt(run.anchor)) => provenNodes(run, anchor, nativeCrypto)

// Hashes are of several kinds of arrays.
function told(nodes: readonly TreeNode[] | undefined): string[] | undefined {
  return nodes?.map(({ index, size, hash }) => `${index} ${size} ${hex(hash)}`)
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[copy.byteLength >> 1] = (copy[copy.byteLength >> 1] ?? 0) ^ 1
  return copy
}

const replaced = <T>(items: readonly T[], at: number, by: T) => items.with(at % items.length, by)

/** What a liar may change; undefined where a run has nothing of the kind. */
const LIES: readonly ((run: BlockRun, turn: number) => BlockRun | undefined)[] = [
  (run, turn) => {
    const block = run.items[turn % run.items.length] as Uint8Array
    const other = block.byteLength === 0 ? Uint8Array.of(0) : flipped(block)
    return { ...run, items: replaced(run.items, turn, other) }
  },
  (run) => ({ ...run, items: run.items.slice(1) }),
  (run) => ({ ...run, items: [...run.items, Uint8Array.of(7)] }),
  (run) => ({ ...run, start: run.start + 1 }),
  (run) => ({ ...run, beside: [...run.beside, nodeAt(0)] }),
  (run) => (run.beside.length === 0 ? undefined : { ...run, beside: run.beside.slice(1) }),
  (run, turn) => besideWith(run, turn, ({ size, hash }) => ({ size: size + 1, hash })),
  (run, turn) => besideWith(run, turn, ({ size, hash }) => ({ size, hash: flipped(hash) })),
  (run) => (run.beside.length < 2 ? undefined : { ...run, beside: run.beside.toReversed() }),
]

function besideWith(
  run: BlockRun,
  turn: number,
  change: (node: PlacedNode) => PlacedNode,
): BlockRun | undefined {
  const node = run.beside[turn % Math.max(1, run.beside.length)]
  return node && { ...run, beside: replaced(run.beside, turn, change(node)) }
}

describe('a run', () => {
  it('leads to each node over it, and gives all that is between, as the tree of the log has it', () => {
    let runs = 0
    for (const run of allRuns()) {
      runs++
      const nodes = prove(run)
      expect(nodes?.at(-1)?.index).toBe(run.anchor)
      if (runs % 97 > 0) continue
      expect(told(nodes)).toEqual(told(nodes?.map((it) => nodeAt(it.index))))
      const leaves = run.items.map((_, i) => 2 * (run.start + i))
      expect(nodes?.map((it) => it.index)).toEqual(expect.arrayContaining(leaves))
    }
    expect(runs).toBeGreaterThan(3_000)
  })

  it('does not with one byte, size, block or hash that is wrong, missing or too much', () => {
    // One lie for each run: all of them take their turn with runs of every shape.
    const lies = [...allRuns()].flatMap((run, turn) => LIES[turn % LIES.length]?.(run, turn) ?? [])

    expect(lies.length).toBeGreaterThan(2_500)
    expect(lies.filter((it) => prove(it) !== undefined)).toEqual([])
  })

  it('does not lead to another node, nor to one that only its hash or its size is of', () => {
    const run = runOf(5, 9, 15)
    const anchor = nodeAt(15)
    expect(prove(run, { ...anchor, size: anchor.size + 1 })).toBeUndefined()
    expect(prove(run, { ...anchor, hash: flipped(anchor.hash) })).toBeUndefined()
    expect(prove(run, nodeAt(31))).toBeUndefined()
    expect(prove({ ...run, items: [] })).toBeUndefined()
    // Of the node over blocks 8 to 15.
    expect(prove({ ...run, anchor: 23, beside: [] }, nodeAt(23))).toBeUndefined()
  })

  it('may have leaves for blocks, and needs twice the height of nodes beside it at most', () => {
    const run = runOf(3, 13, 31)
    const leaves = run.items.map((item, i) => (i % 2 === 0 ? item : nodeAt(2 * (3 + i))))
    expect(told(prove({ ...run, items: leaves }))).toEqual(told(prove(run)))
    for (const { beside, anchor } of allRuns()) {
      const { start, end } = spanOf(anchor)
      expect(beside.length).toBeLessThanOrEqual(2 * Math.log2(end - start))
    }
  })
})

it('nodes over a range are found from the lowest up to a root', () => {
  expect([...nodesOver({ start: 5, end: 6 }, 8)]).toEqual([10, 9, 11, 7])
  expect([...nodesOver({ start: 3, end: 5 }, 8)]).toEqual([7])
  expect([...nodesOver({ start: 3, end: 5 }, 7)]).toEqual([])
  expect(anchors.every((it) => isBelow(spanOf(it), it))).toBe(true)
})

describe('a tree', () => {
  it('goes on from its roots as if all blocks were there', () => {
    for (let end = 1; end <= BLOCKS; end++) {
      for (let start = 0; start < end; start++) {
        const before = tree.nodesBetween(0, start)
        const { roots, nodes = [] } =
          continuedTree(start, before, blocks.slice(start, end), nativeCrypto) ?? {}
        expect(told(roots)).toEqual(told(tree.nodesBetween(0, end)))
        expect(told(nodes)).toEqual(told(nodes.map((it) => nodeAt(it.index))))
      }
    }
  })

  it('is another one with another root, size or block, and none with more or fewer roots', () => {
    const [start, end] = [43, 60]
    const before = tree.nodesBetween(0, start)
    const more = blocks.slice(start, end)
    const roots = told(tree.nodesBetween(0, end))
    const [first = nodeAt(0), ...others] = before
    for (const root of [
      { ...first, size: first.size + 1 },
      { ...first, hash: flipped(first.hash) },
    ])
      expect(told(continuedTree(start, [root, ...others], more, nativeCrypto)?.roots)).not.toEqual(
        roots,
      )
    const other = more.with(3, Uint8Array.of(9, 9, 9))
    expect(told(continuedTree(start, before, other, nativeCrypto)?.roots)).not.toEqual(roots)
    for (const wrong of [others, [...before, first]])
      expect(continuedTree(start, wrong, more, nativeCrypto)).toBeUndefined()
  })
})
