import type Hypercore from 'hypercore'
import { without, type BlockRange } from '../format/block-ranges.ts'
import { countHeld } from './held-blocks.ts'

/**
 * The blocks of a core that are not here, but for what is `dropped`: ascending, neighbours together, and
 * no more than the first `limit` ranges of them.
 */
export function missingRanges(
  core: Hypercore,
  dropped: readonly BlockRange[],
  limit: number,
): BlockRange[] {
  const found: BlockRange[] = []
  for (const range of without([{ start: 0, end: core.length }], dropped)) collect(range)
  return found.slice(0, limit)

  // By halves: a long log that lacks little is not looked through block by block.
  function collect({ start, end }: BlockRange): void {
    if (start >= end || found.length > limit) return
    const held = countHeld(core, { start, end })
    if (held === end - start) return
    const last = found.at(-1)
    if (held > 0) {
      const middle = Math.floor((start + end) / 2)
      collect({ start, end: middle })
      collect({ start: middle, end })
    } else if (last?.end === start) {
      found[found.length - 1] = { start: last.start, end }
    } else {
      found.push({ start, end })
    }
  }
}
