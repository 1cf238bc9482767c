import { only, without, type BlockRange } from '../format/block-ranges.ts'
import type { Log } from '../format/log.ts'

/** Connected peers that announced to hold all of `ranges`, but for what is `dropped`. */
export function copiesOf(
  log: Log,
  ranges: readonly BlockRange[],
  dropped: readonly BlockRange[] = [],
): number {
  const wanted = without(ranges, dropped)
  return log.peers.filter((peer) => wanted.every((it) => peer.holds(it))).length
}

/** Connected peers that announced to hold every block, but for what is `dropped`. */
export function fullCopiesOf(log: Log, dropped: readonly BlockRange[] = []): number {
  return log.length === 0 ? 0 : copiesOf(log, [{ start: 0, end: log.length }], dropped)
}

/** Of `ranges` the blocks that no connected peer announced to hold, neighbours together. */
export function unheldOf(log: Log, ranges: readonly BlockRange[]): BlockRange[] {
  const unheld: BlockRange[] = []
  for (const { start, end } of ranges) {
    for (let index = start; index < end; index++) {
      if (log.peers.some((peer) => peer.holds(only(index)))) continue
      const last = unheld.at(-1)
      if (last?.end === index) unheld[unheld.length - 1] = { start: last.start, end: index + 1 }
      else unheld.push(only(index))
    }
  }
  return unheld
}
