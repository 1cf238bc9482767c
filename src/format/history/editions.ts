import type { AmendmentRecord, IssueRecord } from '../records/record.ts'
import type { Located, LocatedIssue } from './corrections.ts'

/** One text of an issue: the first, or a newer one. */
export type Edition = Located<IssueRecord | AmendmentRecord>

/** All editions of an issue, oldest first: edition 1 is the issue as first published. */
export function editionsOf({ index, record, amendments }: LocatedIssue): readonly Edition[] {
  return [{ index, record }, ...amendments.toReversed()]
}

/** The edition that readers show: the newest. */
export function newestEdition(issue: LocatedIssue): Edition {
  return issue.amendments[0] ?? issue
}
