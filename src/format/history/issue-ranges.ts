import { only, without, type BlockRange } from '../block-ranges.ts'
import type { Content } from '../records/content.ts'
import type { NewsletterRecord } from '../records/record.ts'
import type { Located, LocatedIssue } from './corrections.ts'

/** The blocks of one content. */
export function contentRange({ block, blocks }: Content): BlockRange {
  return { start: block, end: block + blocks }
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
