import { only, without, type BlockRange } from '../block-ranges.ts'
import { retractedContents } from '../history/issue-ranges.ts'
import type { LocatedIssue } from '../history/corrections.ts'

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
  return without([...heads, { start, end: Infinity }], retractedContents(issues))
}
