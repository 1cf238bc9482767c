import type { Content } from '../../records/content.ts'
import type { NewsletterRecord } from '../../records/record.ts'
import type { Located, LocatedIssue } from '../history/corrections.ts'

/** Blocks `start` to `end` (exclusive) of a core. */
export interface BlockRange {
  readonly start: number
  readonly end: number
}

/** The one block at `index`. */
export function only(index: number): BlockRange {
  return { start: index, end: index + 1 }
}

/** The blocks of one content. */
export function contentRange({ block, blocks }: Content): BlockRange {
  return { start: block, end: block + blocks }
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

/**
 * The contents of all issues that their author took back, of each edition. Never a record, nor a block that another
 * issue needs: a hostile author could name those as contents too.
 */
export function retractedContents(
  issues: readonly LocatedIssue[],
  profile?: Located<NewsletterRecord>,
): BlockRange[] {
  const retracted = issues.filter((it) => it.retraction !== undefined)
  if (retracted.length === 0) return []
  const kept = issues.filter((it) => it.retraction === undefined)
  const records = issues.flatMap((it) => recordsOf(it).map((index) => only(index)))
  const needed = [only(0), ...(profile === undefined ? [] : [only(profile.index)]), ...records]
  return without(
    retracted.flatMap((it) => contentsOf(it)),
    [...needed, ...kept.flatMap((it) => contentsOf(it))],
  )
}

/** Indexes of the record of an issue and of all corrections of it. */
export function recordsOf({ index, amendments, retraction }: LocatedIssue): number[] {
  const corrections = [...amendments, ...(retraction === undefined ? [] : [retraction])]
  return [index, ...corrections.map((it) => it.index)]
}

/** The contents of all editions of an issue, or only their texts. */
export function contentsOf(
  { record, amendments }: LocatedIssue,
  { textOnly = false } = {},
): BlockRange[] {
  return [record, ...amendments.map((it) => it.record)]
    .flatMap(({ body, attachments }) => (textOnly ? [body] : [body, ...attachments]))
    .map(contentRange)
}

function byStart(a: BlockRange, b: BlockRange): number {
  return a.start - b.start
}
