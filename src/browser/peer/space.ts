import { merged, only, type BlockRange } from '../../format/block-ranges.ts'
import type { Feed } from '../../format/feed.ts'
import { recordsOf } from '../../format/history/corrections.ts'
import { EVERYTHING, type Selection } from '../../format/selection.ts'

/** What is kept of a newsletter that nobody follows, in bytes. */
const UNFOLLOWED_BYTES = 50_000_000

/** The part of what the browser allows this site that one newsletter may take. */
const SHARE = 0.1

/**
 * How much of a newsletter this browser may keep, in bytes.
 * @param quota that the browser gives this site, if it says so.
 */
export function roomFor(quota: number | undefined, isFollowed: boolean): number {
  const most = quota === undefined ? UNFOLLOWED_BYTES : quota * SHARE
  return isFollowed ? most : Math.min(most, UNFOLLOWED_BYTES)
}

/**
 * Which blocks of a newsletter have their place in so many bytes: everything, or the newest issues and what lists the
 * others.
 */
export async function selectionFor(feed: Feed, bytes: number): Promise<Selection> {
  const { log } = feed
  if (log.byteLength <= bytes) return EVERYTHING
  const { issues } = await feed.list()
  const records = issues.flatMap(recordsOf).map(only)
  const chosen: BlockRange[] = [only(0), ...records]
  const perBlock = log.byteLength / log.length
  let left = bytes
  // They are here, so their sizes are known.
  for (const it of records) left -= (await log.leaf(it.start))?.size ?? perBlock
  for (const issue of issues) {
    const ranges = merged(feed.neededRanges(issue))
    for (const it of ranges) left -= (await log.rangeBytes(it)) ?? (it.end - it.start) * perBlock
    // Once one does not fit, older ones do not either: they would come and go.
    if (left < 0) break
    chosen.push(...ranges)
  }
  const kept = merged(chosen)
  return { fetch: kept, keep: kept }
}
