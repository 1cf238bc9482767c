import type { Content } from '../records/content.ts'
import type { NewsletterRecord } from '../records/record.ts'
import type { Located, LocatedIssue } from './corrections.ts'

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
  return without(retracted.flatMap(contentsOf), [...needed, ...kept.flatMap(contentsOf)])
}

/** Indexes of the record of an issue and of all corrections of it. */
export function recordsOf({ index, amendments, retraction }: LocatedIssue): number[] {
  const corrections = [...amendments, ...(retraction === undefined ? [] : [retraction])]
  return [index, ...corrections.map((it) => it.index)]
}

function contentsOf({ record, amendments }: LocatedIssue): BlockRange[] {
  return [record, ...amendments.map((it) => it.record)]
    .flatMap(({ body, attachments }) => [body, ...attachments])
    .map(contentRange)
}

function byStart(a: BlockRange, b: BlockRange): number {
  return a.start - b.start
}
