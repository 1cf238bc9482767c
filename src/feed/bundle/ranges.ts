import type { BlockRange, LocatedIssue } from '../feed.ts'
import type { Listing } from '../history.ts'

/**
 * The blocks that a bundle of a log carries: all of them, or from an entry on with the first record
 * and the newest profile. Never the contents of an issue that its author took back.
 * The last one has no end: the log may grow until the bundle is begun.
 * @param listing of the whole log; absent where it cannot be read here.
 * @param since index of the first block of the entry to begin with.
 */
export function rangesToCarry(
  listing: Pick<Listing, 'issues' | 'profile'> | undefined,
  since = 0,
): BlockRange[] {
  const profile = listing?.profile?.index ?? 0
  const wanted = [
    only(0),
    ...(profile < since ? [only(profile)] : []),
    { start: since, end: Infinity },
  ]
  const dropped = (listing?.issues ?? []).flatMap(retractedContents)
  return without(wanted, dropped)
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
