import { keyOf } from '../../format/bundle/format.ts'
import { equal } from '../../format/bytes.ts'
import { continuedTree } from '../../format/block-run.ts'
import type { Log, LogPeer, PlacedNode, SignedTree } from '../../format/log.ts'
import { hypercoreOf } from '../hypercore-log.ts'
import { nativeCrypto } from '../keys.ts'
import { noteUpload } from './continuation.ts'
import { checkRun, readRun } from './runs.ts'
import { checkedRun, type CheckedRun } from './stored-runs.ts'

/** What a copy that has nothing begins with: the signed length of a log, its last blocks and its first one. */
export interface HeadBlocks {
  /** Signs the log: 32 bytes. */
  readonly publicKey: Uint8Array
  /** Over the log that ends with the last of the blocks, as it is stored. */
  readonly signature: Uint8Array
  /** The first of the last blocks. */
  readonly start: number
  /** The roots of the log that ends before it. */
  readonly roots: readonly PlacedNode[]
  /** As they are stored; at least one. */
  readonly blocks: readonly Uint8Array[]
  /** The first block of the log, unless it is the first of the last ones too: then it is empty. */
  readonly first: Uint8Array
  /** The nodes between that and the first root of the log, as `besideOf` orders them. */
  readonly beside: readonly PlacedNode[]
}

/**
 * Reads the head of a log for a peer, with as many of its last blocks as fit.
 * @param most of all its blocks together.
 * @returns undefined if what it takes is not here, or the log changes meanwhile.
 */
export async function readHead(
  log: Log,
  peer: LogPeer,
  most: { readonly blocks: number; readonly bytes: number },
): Promise<HeadBlocks | undefined> {
  const { length, key, publicKey } = log
  if (length === 0 || publicKey === undefined || !equal(keyOf(publicKey), key)) return undefined
  const { roots, signature, fork } = await log.tree(length)
  const [top] = roots
  if (top === undefined || fork !== 0 || log.length !== length) return undefined
  const own = await readRun(log, { start: 0, blocks: 1, anchor: top.index }, peer, most.bytes)
  if (typeof own === 'string') return undefined
  const [first = new Uint8Array()] = own.blocks
  let left = most.bytes - first.byteLength
  let start = length
  const blocks: Uint8Array[] = []
  while (start > 0 && blocks.length < most.blocks) {
    const block = start === 1 ? first : await log.readStored(start - 1)
    if (block === undefined) break
    if (start > 1) left -= block.byteLength
    if (left < 0) break
    blocks.unshift(block)
    start--
  }
  if (blocks.length === 0) return undefined
  const before = start === 0 ? [] : (await log.tree(start)).roots
  noteUpload(log, { from: start, blocks }, peer)
  if (start > 0) own.noteGiven()
  const apart = start > 0 ? own : { beside: [], blocks: [] }
  return {
    publicKey,
    signature,
    start,
    roots: before,
    blocks,
    first: apart.blocks[0] ?? new Uint8Array(),
    beside: apart.beside,
  }
}

/** A head whose hashes fit; whether it is signed shows when its tree is taken. */
export interface CheckedHead {
  readonly tree: SignedTree
  /** Can be stored when the tree is. */
  readonly runs: readonly CheckedRun[]
}

/** @returns undefined for a head that cannot be. */
export function checkHead(log: Log, head: HeadBlocks): CheckedHead | undefined {
  const { publicKey, signature, start, roots, blocks, first, beside } = head
  const continued = continuedTree(start, roots, blocks, nativeCrypto)
  const [top] = continued?.roots ?? []
  if (continued === undefined || top === undefined) return undefined
  const { nodes } = continued
  const runs = [checkedRun(hypercoreOf(log), { start, items: blocks, nodes })]
  if (start > 0) {
    const run = checkRun(log, { start: 0, items: [first], anchor: top.index, beside }, top)
    if (run === undefined) return undefined
    runs.push(run)
  } else if (first.byteLength + beside.length > 0) return undefined
  const length = start + blocks.length
  return { tree: { start: 0, length, nodes: continued.roots, signature, publicKey }, runs }
}
