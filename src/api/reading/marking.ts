import type { Work } from '../work.ts'
import type { LocatedIssue } from '../../format/feed.ts'
import type { Output } from '../contract/contract.ts'
import { marksOf, setRead, setUnread } from './issue-marks.ts'
import { listInbox, MOST_ISSUES, summarizeIssue } from './listing.ts'

/** @throws ISSUE_NOT_FOUND */
export const markIssue: Work<'markIssue'> = async (
  engine,
  { newsletter, number, read, starred },
) => {
  const entry = engine.library.resolve(newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const located = await feed.issue(number, { wait: false })
  const { marks } = engine.library
  if (read === true) await setRead(marks, feed.feedKey, [located])
  if (read === false) await setUnread(engine, feed.feedKey, [number])
  if (starred !== undefined) {
    await marks.set('star', feed.feedKey, [number], starred)
    // Starred issues are always kept.
    engine.retention.schedule()
  }
  const { issues } = await feed.list({ wait: false })
  return summarizeIssue(entry, feed, located, (await marksOf(engine, entry, issues))(located))
}

/** @throws ISSUE_NOT_FOUND: then none is marked. */
export const markIssues: Work<'markIssues'> = async (engine, { newsletter, numbers, read }) => {
  const entry = engine.library.resolve(newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const local = { wait: false }
  const wanted: LocatedIssue[] = []
  for (const number of numbers ?? []) wanted.push(await feed.issue(number, local))
  if (numbers === undefined) wanted.push(...(await feed.list(local)).issues)
  const { marks } = engine.library
  const all = wanted.map((it) => it.record.number)
  const changed = read
    ? await setRead(marks, feed.feedKey, wanted)
    : await setUnread(engine, feed.feedKey, all)
  return { feedKey: feed.feedKey, newsletter: entry.title ?? feed.feedKey, changed }
}

/** As many numbers as one call of `markIssues` takes. */
const MOST_NUMBERS = 10_000

/** Marks all unread issues of the subscriptions, or of one, as read. @returns which those were */
export const markAllRead: Work<'markAllRead'> = async (engine, input) => {
  const marked: Output<'markAllRead'> = []
  let unread
  do {
    unread = await listInbox(engine, input)
    const byKey = new Map(unread.map((it) => [it.feedKey, it.newsletter]))
    for (const [feedKey, newsletter] of byKey) {
      const numbers = unread.filter((it) => it.feedKey === feedKey).map((it) => it.number)
      for (let at = 0; at < numbers.length; at += MOST_NUMBERS) {
        const part = numbers.slice(at, at + MOST_NUMBERS)
        await markIssues(engine, { newsletter: feedKey, numbers: part, read: true })
        marked.push({ feedKey, newsletter, numbers: part })
      }
    }
  } while (unread.length === MOST_ISSUES)
  return marked
}
