/**
 * Blocks that the log of a newsletter has at most: sixteen times what a bundle carries, and with 64 KiB in each block 1 TiB.
 * What a peer says of blocks beyond is not believed.
 */
export const MAX_LOG_BLOCKS = 2 ** 24

/** Blocks `start` to `end` (exclusive) of a core. */
export interface BlockRange {
  readonly start: number
  readonly end: number
}

export function only(index: number): BlockRange {
  return { start: index, end: index + 1 }
}

export function includes({ start, end }: BlockRange, index: number): boolean {
  return start <= index && index < end
}

/** What is in `wanted` and not in `dropped`: ascending, without overlaps. */
export function without(
  wanted: readonly BlockRange[],
  dropped: readonly BlockRange[],
): BlockRange[] {
  const holes = dropped.toSorted(byStart)
  const left: BlockRange[] = []
  let at = 0
  let next = 0
  for (const { start, end } of wanted.toSorted(byStart)) {
    at = Math.max(at, start)
    for (; at < end; next++) {
      const hole = holes[next]
      if (hole === undefined || hole.start >= end) {
        left.push({ start: at, end })
        at = end
        break
      }
      if (hole.start > at) left.push({ start: at, end: hole.start })
      at = Math.max(at, hole.end)
    }
  }
  return left
}

/** All blocks that are in any of `ranges`: ascending, without overlaps, and neighbours as one. */
export function merged(ranges: readonly BlockRange[]): BlockRange[] {
  const result: BlockRange[] = []
  for (const { start, end } of ranges.toSorted(byStart)) {
    const last = result.at(-1)
    if (end <= start) continue
    if (last === undefined || last.end < start) result.push({ start, end })
    else if (last.end < end) result[result.length - 1] = { start: last.start, end }
  }
  return result
}

function byStart(a: BlockRange, b: BlockRange): number {
  return a.start - b.start
}
