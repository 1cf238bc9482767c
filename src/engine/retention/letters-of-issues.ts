import type { LocatedIssue } from '../../format/feed.ts'
import type { Listing } from '../../format/history/listing.ts'
import { contentRange } from '../../format/history/corrections.ts'
import type { BlockRange } from '../../format/block-ranges.ts'

/** Letters that have their place beside issues where not everything has one: the newest. */
const MOST_LETTERS = 2_048

/**
 * The contents of letters by the numbers of the issues that they stay with: those that they are about, or else the newest
 * one when they were published.
 * @param issues newest first
 */
export function lettersOfIssues(
  { letters }: Pick<Listing, 'letters'>,
  issues: readonly LocatedIssue[],
): ReadonlyMap<number, readonly BlockRange[]> {
  const numbers = new Set(issues.map((it) => it.record.number))
  const found = new Map<number, BlockRange[]>()
  for (const it of letters.slice(0, MOST_LETTERS)) {
    if (it.withdrawn !== undefined) continue
    const isThere = it.issue !== undefined && numbers.has(it.issue)
    const before = isThere ? undefined : issues.find(({ index }) => index < it.block)
    const number = isThere ? it.issue : before?.record.number
    if (number === undefined) continue
    const ranges = found.get(number) ?? []
    ranges.push(contentRange(it))
    found.set(number, ranges)
  }
  return found
}
