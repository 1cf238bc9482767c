import { besideOf, isBelow, provenNodes, spanOf, type BlockRun } from '../../format/block-run.ts'
import type { Log, LogPeer, PlacedNode, TreeNode } from '../../format/log.ts'
import { onStore } from '../../storage-errors.ts'
import { hypercoreOf } from '../hypercore-log.ts'
import { replicationPeerOf } from '../hypercore-peer.ts'
import { nativeCrypto } from '../keys.ts'
import { noteUpload } from './continuation.ts'
import { internalsOf } from './internals.ts'
import { checkedRun, readBlocks, readNodes, storeRuns, type CheckedRun } from './stored-runs.ts'

/** Blocks that are stored here, and the nodes between them and a node over them. */
export interface FoundRun {
  readonly beside: readonly PlacedNode[]
  readonly blocks: readonly Uint8Array[]
  /** Reports to sessions that the blocks go to the peer. */
  readonly noteGiven: () => void
}

/**
 * Reads blocks in a row, and what leads from them to `anchor`, in two reads.
 * @param peer that they are for.
 * @returns `lacking` if some are not here; `too-large` if several have more than `mostBytes` together.
 */
export async function readRun(
  log: Log,
  { start, blocks: count, anchor }: { start: number; blocks: number; anchor: number },
  peer: LogPeer,
  mostBytes: number,
): Promise<FoundRun | 'lacking' | 'too-large'> {
  const core = hypercoreOf(log)
  const range = { start, end: start + count }
  const isPossible = isBelow(range, anchor) && spanOf(anchor).end <= log.length
  if (!isPossible || log.countHeld(range) < count) return 'lacking'
  const nodes = await readNodes(core, [anchor, ...besideOf(range, anchor)])
  const [top, ...beside] = nodes.flatMap((it) => it ?? [])
  if (top === undefined || beside.length + 1 < nodes.length) return 'lacking'
  const bytes = beside.reduce((left, { size }) => left - size, top.size)
  if (count > 1 && bytes > mostBytes) return 'too-large'
  const blocks = (await readBlocks(core, range)).flatMap((it) => it ?? [])
  if (blocks.length < count) return 'lacking'
  return { beside, blocks, noteGiven: () => noteUpload(log, { from: start, blocks }, peer) }
}

/** A run as it can be stored, if it leads to a node that is known; undefined if it does not. */
export function checkRun(log: Log, run: BlockRun, anchor: TreeNode): CheckedRun | undefined {
  const nodes = provenNodes(run, anchor, nativeCrypto)
  if (nodes === undefined) return undefined
  return checkedRun(hypercoreOf(log), { start: run.start, items: run.items, nodes })
}

/** Stores runs that a peer sent in one write. @throws DISK_FULL, ABORTED; then nothing is stored. */
export async function storeFrom(
  log: Log,
  peer: LogPeer,
  runs: readonly CheckedRun[],
): Promise<void> {
  await onStore(() => storeRuns(hypercoreOf(log), runs, replicationPeerOf(peer)))
}

export function rootsOf(log: Log): readonly TreeNode[] {
  return internalsOf(hypercoreOf(log)).state.roots
}
