import type { BlockRange, LocatedIssue } from '../feed.ts'

/**
 * The blocks that a bundle of a log carries: all of them, or from an entry on with the first record
 * and the newest profile. Never the contents of an issue that its author took back. The last range
 * has no end: the log may grow until the bundle is begun.
 * @param issues of the whole log; none where it cannot be read here.
 * @param from.start index of the first block of the entry to begin with.
 * @param from.profile index of the newest profile, where it is known.
 */
export function rangesToCarry(
  issues: readonly LocatedIssue[],
  { start, profile = 0 }: { readonly start: number; readonly profile?: number | undefined },
): BlockRange[] {
  const heads = [0, profile].filter((it) => it < start).map(only)
  return without([...heads, { start, end: Infinity }], issues.flatMap(retractedContents))
}

function only(index: number): BlockRange {
  return { start: index, end: index + 1 }
}

function retractedContents({ record, amendments, retraction }: LocatedIssue): BlockRange[] {
  if (retraction === undefined) return []
  return [record, ...amendments.map((it) => it.record)]
    .flatMap(({ body, attachments }) => [body, ...attachments])
    .map(({ block, blocks }) => ({ start: block, end: block + blocks }))
}

// Ascending and without overlaps, whatever the order of `wanted` and `dropped`.
function without(wanted: readonly BlockRange[], dropped: readonly BlockRange[]): BlockRange[] {
  const holes = dropped.toSorted((a, b) => a.start - b.start)
  const left: BlockRange[] = []
  let at = 0
  for (const { start, end } of wanted.toSorted((a, b) => a.start - b.start)) {
    at = Math.max(at, start)
    for (const hole of holes) {
      if (hole.end <= at || hole.start >= end) continue
      if (hole.start > at) left.push({ start: at, end: hole.start })
      at = Math.max(at, hole.end)
    }
    if (at < end) left.push({ start: at, end })
    at = Math.max(at, end)
  }
  return left
}
