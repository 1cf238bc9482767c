import type { BlockRange } from '../../format/block-ranges.ts'
import { rootStart } from '../../format/block-run.ts'
import type { LogPeer } from '../../format/log.ts'
import type { CoreInternals, RangeInternals } from './internals.ts'

/** Blocks in a row that a peer does not have before it is asked for single ones. */
const MOST_STEPS = 4_096

/** The part of a range that a run of at most `most` blocks with a block in it may have. */
export function near({ start, end }: BlockRange, index: number, most: number): BlockRange {
  const blocks = runLength(most)
  const first = index - (index % blocks)
  return { start: Math.max(start, first), end: Math.min(end, first + blocks) }
}

// Down to a power of two, so that few hashes come with a run.
function runLength(most: number): number {
  return 2 ** Math.floor(Math.log2(most))
}

/**
 * The last blocks in a row of a range that may be asked for, below one root.
 * @param most how many; down to a multiple of the next lower power of two, so that few hashes come with them.
 * @param isOpen whether a block may be asked for.
 * @param runOver the run under way that a block is part of.
 */
export function lastRun(
  { bitfield, state }: CoreInternals,
  range: BlockRange,
  most: number,
  isOpen: (index: number) => boolean,
  runOver: (index: number) => BlockRange | undefined,
): BlockRange | undefined {
  const blocks = runLength(most)
  let steps = 0
  for (let at = range.end - 1; at >= range.start; at--) {
    at = bitfield.findLast(false, at)
    if (at < range.start || ++steps > MOST_STEPS) return undefined
    const run = runOver(at)
    if (run !== undefined) at = run.start
    else if (isOpen(at)) {
      const lowest = Math.max(range.start, at - (at % blocks), rootStart(at, state.length))
      let start = at
      while (start > lowest && isOpen(start - 1)) start--
      return { start, end: at + 1 }
    }
  }
  return undefined
}

/** Runs of blocks that are asked for beside the requests of Hypercore. */
export interface RunsUnderWay {
  /** Which run a block is part of. */
  over(
    index: number,
  ): { readonly peer: LogPeer; readonly atMs: number; readonly range: BlockRange } | undefined
  /** Blocks that a peer was asked for and has not sent. */
  inFlight(peer: LogPeer): number
}

/** Before all others. */
export const NO_RANGE: RangeInternals = { start: -1, end: -1, blocks: null }

export function newestOf(ranges: readonly RangeInternals[]): RangeInternals {
  if (ranges.length < 2) return NO_RANGE
  return ranges.reduce((a, b) => (b.end !== -1 && b.start > a.start ? b : a), NO_RANGE)
}

// A range that ends before one that follows the log.
export function newestFirst(a: RangeInternals, b: RangeInternals): number {
  return finiteFirst(a, b) || b.start - a.start
}

export function finiteFirst(a: RangeInternals, b: RangeInternals): number {
  return Number(a.end === -1) - Number(b.end === -1)
}
