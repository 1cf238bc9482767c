import type { Engine } from '../../engine/engine.ts'
import type { Output, ParsedInput } from '../contract/contract.ts'
import { marksOf, summarizeIssue } from './listing.ts'

/** Sets or takes the marks of one issue. @throws ISSUE_NOT_FOUND */
export async function markIssue(
  engine: Engine,
  { newsletter, number, read, starred }: ParsedInput<'markIssue'>,
): Promise<Output<'markIssue'>> {
  const entry = engine.library.resolve(newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const located = await feed.issue(number, { wait: false })
  const { marks } = engine.library
  if (read !== undefined) await marks.set('read', feed.feedKey, [number], read)
  if (starred !== undefined) {
    await marks.set('star', feed.feedKey, [number], starred)
    // What is starred is always kept.
    engine.retention.schedule()
  }
  return summarizeIssue(entry, feed, located, (await marksOf(engine, entry))(number))
}

/** Marks many issues as read or unread. @throws ISSUE_NOT_FOUND: then none is marked. */
export async function markIssues(
  engine: Engine,
  { newsletter, numbers, read }: ParsedInput<'markIssues'>,
): Promise<Output<'markIssues'>> {
  const entry = engine.library.resolve(newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const local = { wait: false }
  for (const number of numbers ?? []) await feed.issue(number, local)
  const wanted = numbers ?? (await feed.list(local)).issues.map((it) => it.record.number)
  const changed = await engine.library.marks.set('read', feed.feedKey, wanted, read)
  return { feedKey: feed.feedKey, newsletter: entry.title ?? feed.feedKey, changed }
}
