import type { Engine } from '../../engine/engine.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import type { Marks } from '../../engine/library/marks.ts'
import type { LocatedIssue } from '../../format/feed.ts'
import { newestEdition } from '../../format/history/corrections.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { ignoreFullDisk } from '../../storage-errors.ts'

export interface IssueMarks {
  readonly read: boolean
  readonly starred: boolean
  /** It was read, and amended since. */
  readonly corrected: boolean
}

/** The marks of the issues of a newsletter. @param issues those that are known, newest first */
export async function marksOf(
  engine: Engine,
  { feedKey, roles }: LibraryEntry,
  issues: readonly LocatedIssue[],
): Promise<(issue: LocatedIssue) => IssueMarks> {
  const { marks } = engine.library
  const archiveUpTo = await archiveOf(engine, feedKey, issues)
  const [read, starred, editions] = await Promise.all([
    marks.numbers('read', feedKey),
    marks.numbers('star', feedKey),
    marks.editionsRead(feedKey),
  ])
  // What one wrote oneself is never news.
  const isNews = roles.includes('subscriber')
  return (issue) => {
    const { number } = issue.record
    const edition = editions.get(number) ?? Infinity
    // Of what was retracted, nothing is left to read.
    const isOver = !isNews || issue.retraction !== undefined
    const corrected = !isOver && read.has(number) && newestEdition(issue).index > edition
    const isRead = isOver || number <= archiveUpTo || (read.has(number) && !corrected)
    return { read: isRead, starred: starred.has(number), corrected }
  }
}

/** The number up to which issues were there before the newsletter was followed; settled with the first issues. */
async function archiveOf(
  { library }: Engine,
  feedKey: FeedKey,
  [newest]: readonly LocatedIssue[],
): Promise<number> {
  const { archiveUpTo, unreadAtFirst } = library.get(feedKey) ?? {}
  if (unreadAtFirst === undefined || newest === undefined) return archiveUpTo ?? 0
  const upTo = Math.max(0, newest.record.number - unreadAtFirst)
  const settled = { archiveUpTo: upTo, unreadAtFirst: undefined }
  await library.update(feedKey, settled).catch(ignoreFullDisk)
  return upTo
}

/** Marks issues as unread. One of an archive that counted as read makes marks of that. @returns how many were read */
export async function setUnread(
  { library }: Engine,
  feedKey: FeedKey,
  numbers: readonly number[],
): Promise<number> {
  const { archiveUpTo = 0 } = library.get(feedKey) ?? {}
  if (numbers.some((it) => it <= archiveUpTo)) {
    const archive = Array.from({ length: archiveUpTo }, (_, i) => i + 1)
    await library.marks.set('read', feedKey, archive, true)
    await library.update(feedKey, { archiveUpTo: undefined })
  }
  return library.marks.set('read', feedKey, numbers, false)
}

/** A mark without an edition counts for the newest one here: only later amendments are reported. */
export async function rememberEditions(
  { library: { marks } }: Engine,
  { feedKey }: LibraryEntry,
  issues: readonly LocatedIssue[],
): Promise<void> {
  const editions = await marks.editionsRead(feedKey)
  const read = await marks.numbers('read', feedKey)
  if (editions.size === read.size) return
  const unknown = issues.filter(
    ({ record: { number } }) => read.has(number) && !editions.has(number),
  )
  if (unknown.length > 0) await setRead(marks, feedKey, unknown)
}

/** Marks issues as read, as they are now. @returns how many were not so before. */
export function setRead(
  marks: Marks,
  feedKey: FeedKey,
  issues: readonly LocatedIssue[],
): Promise<number> {
  const editions = new Map(issues.map((it) => [it.record.number, newestEdition(it).index]))
  return marks.set('read', feedKey, editions.keys(), true, editions)
}
