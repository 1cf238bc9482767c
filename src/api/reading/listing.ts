import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { hasCode, HyperletterError } from '../../errors.ts'
import { newestEdition } from '../../format/history/corrections.ts'
import type { Listing } from '../../format/history/history.ts'
import { LISTING_LIMITS } from '../../format/history/known-record.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import { addArrivals, arrivalOf } from '../../engine/library/arrivals.ts'
import type { Marks } from '../../engine/library/marks.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import { formatLink } from '../../format/keys/link.ts'
import { newestFirst } from '../../format/records/text.ts'
import { ignoreFullDisk } from '../../storage-errors.ts'
import { describeInList } from '../../site/describe.ts'
import type { Output, ParsedInput } from '../contract/contract.ts'
import { describeSuccessor } from '../succeeding.ts'

type IssueSummary = Output<'listIssues'>[number]
type NewsletterSummary = Output<'listNewsletters'>[number]
type Problem = NonNullable<NewsletterSummary['problem']>

/** Only what is on this machine: lists answer at once, also offline. */
const LOCAL = { wait: false }

/** The library, oldest entry first. */
export function listNewsletters(engine: Engine): Promise<NewsletterSummary[]> {
  return Promise.all(engine.library.list().map((entry) => summarizeNewsletter(engine, entry)))
}

/** The issues of one newsletter, newest first. */
export async function listIssues(
  engine: Engine,
  input: ParsedInput<'listIssues'>,
): Promise<IssueSummary[]> {
  return summarizeIssues(engine, engine.library.resolve(input.newsletter), input)
}

/** Issues of all subscriptions, newest first: unread ones, or all. Starred ones of all newsletters. */
export async function listInbox(
  engine: Engine,
  { show = 'unread' }: ParsedInput<'listInbox'>,
): Promise<IssueSummary[]> {
  const isWanted = {
    unread: (it: IssueMarks) => !it.read,
    all: () => true,
    starred: (it: IssueMarks) => it.starred,
  }[show]
  const entries = engine.library
    .list()
    .filter((it) => show === 'starred' || it.roles.includes('subscriber'))
  const lists = await Promise.all(
    entries.map((entry) =>
      summarizeIssues(engine, entry, { isWanted }).catch((error: unknown) => {
        // One newsletter that cannot be read must not hide the others.
        if (hasCode(error, 'NEEDS_KEY', 'NOT_AVAILABLE')) return []
        throw error
      }),
    ),
  )
  return newestFirst(lists.flat())
}

interface Wanted {
  readonly isWanted?: (marks: IssueMarks) => boolean
  readonly before?: number | undefined
  readonly limit?: number | undefined
}

async function summarizeIssues(
  engine: Engine,
  entry: LibraryEntry,
  { isWanted = () => true, before = Infinity, limit }: Wanted = {},
): Promise<IssueSummary[]> {
  await using session = await engine.open(entry)
  const { feed } = session
  const { issues } = await feed.list(LOCAL)
  await rememberEditions(engine, entry, issues).catch(ignoreFullDisk)
  const marks = await marksOf(engine, entry)
  const arrivals = addArrivals(
    entry.arrivals,
    issues.map((it) => it.record),
  )
  if (arrivals !== undefined) {
    await engine.library.update(entry.feedKey, { arrivals }).catch(ignoreFullDisk)
  }
  const known = arrivals === undefined ? entry : { ...entry, arrivals }
  const from = issues.findIndex((it) => it.record.number < before)
  const wanted = from < 0 ? [] : issues.slice(from, limit && from + limit)
  return wanted.flatMap((it) => {
    const marked = marks(it)
    return isWanted(marked) ? [summarizeIssue(known, feed, it, marked)] : []
  })
}

/** What the reader said of an issue. */
interface IssueMarks {
  readonly read: boolean
  readonly starred: boolean
  /** It was read, and amended since. */
  readonly corrected: boolean
}

/** The marks of the issues of a newsletter. */
export async function marksOf(
  engine: Engine,
  { feedKey, roles }: LibraryEntry,
): Promise<(issue: LocatedIssue) => IssueMarks> {
  const { marks } = engine.library
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
    const isRead = isOver || (read.has(number) && !corrected)
    return { read: isRead, starred: starred.has(number), corrected }
  }
}

/** A mark without an edition counts for the newest one here: only later amendments are reported. */
async function rememberEditions(
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
function setRead(marks: Marks, feedKey: FeedKey, issues: readonly LocatedIssue[]): Promise<number> {
  const editions = new Map(issues.map((it) => [it.record.number, newestEdition(it).index]))
  return marks.set('read', feedKey, editions.keys(), true, editions)
}

async function summarizeNewsletter(
  engine: Engine,
  entry: LibraryEntry,
): Promise<NewsletterSummary> {
  const { feedKey, roles, encryptionKey, problem, successor } = entry
  await using session = await engine.open(entry)
  const { feed } = session
  const link = formatLink(encryptionKey === undefined ? { feedKey } : { feedKey, encryptionKey })
  const common = {
    feedKey,
    link,
    roles: [...roles],
    private: encryptionKey !== undefined,
    ...(successor === undefined ? {} : { successor: describeSuccessor(engine, successor) }),
  }
  try {
    const profile = await feed.profile(LOCAL)
    const listing = await feed.list(LOCAL)
    const { issues } = listing
    const marks = await marksOf(engine, entry)
    const unread = issues.filter((it) => !marks(it).read).length
    if (profile.title !== entry.title)
      await engine.library.update(feedKey, { title: profile.title }).catch(ignoreFullDisk)
    return {
      ...common,
      title: profile.title,
      ...defined({ description: profile.description }),
      issues: issues.length,
      unread,
      ...defined({ problem: problem ?? tooLargeToList(feed, listing) }),
    }
  } catch (error) {
    const { code, message } = HyperletterError.from(error)
    const title = entry.title === undefined ? {} : { title: entry.title }
    // Nothing has arrived yet: that is a state, not damage.
    const damage = problem ?? (code === 'NOT_AVAILABLE' ? undefined : { code, message })
    return {
      ...common,
      ...title,
      issues: 0,
      unread: 0,
      ...defined({ problem: damage }),
    }
  }
}

/** That a listing leaves out older issues, and what one can do. */
export function tooLargeToList(
  { maxRecordBytes }: Feed,
  { isCut, issues }: Listing,
): (Problem & { readonly next: string }) | undefined {
  if (!isCut) return undefined
  const oldest = issues.at(-1)?.record.number
  const message =
    oldest === undefined
      ? 'It is too large to list: its newest records name no issue.'
      : `It is too large to list whole: issues before number ${oldest} are left out.`
  const next =
    maxRecordBytes < LISTING_LIMITS.bytes
      ? 'Read what is listed. With a larger --disk-cap more of it is.'
      : 'Read what is listed. Its author can go on in a new newsletter, with `hyperletter succeed`.'
  return { code: 'TOO_LARGE', message, next }
}

/** What lists say of one issue. */
export function summarizeIssue(
  entry: LibraryEntry,
  feed: Feed,
  located: LocatedIssue,
  { read, starred, corrected }: IssueMarks,
): IssueSummary {
  return {
    feedKey: entry.feedKey,
    newsletter: entry.title ?? entry.feedKey,
    ...describeInList(located),
    ...defined({ arrivedAt: arrivalOf(entry.arrivals, located.record) }),
    read,
    starred,
    ...(corrected && { corrected, ...defined({ note: located.amendments[0]?.record.note }) }),
    held: feed.holdsIssue(located),
  }
}

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
  if (read === true) await setRead(marks, feed.feedKey, [located])
  if (read === false) await marks.set('read', feed.feedKey, [number], false)
  if (starred !== undefined) {
    await marks.set('star', feed.feedKey, [number], starred)
    // Starred issues are always kept.
    engine.retention.schedule()
  }
  return summarizeIssue(entry, feed, located, (await marksOf(engine, entry))(located))
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
  const wanted: LocatedIssue[] = []
  for (const number of numbers ?? []) wanted.push(await feed.issue(number, local))
  if (numbers === undefined) wanted.push(...(await feed.list(local)).issues)
  const { marks } = engine.library
  const all = wanted.map((it) => it.record.number)
  const changed = read
    ? await setRead(marks, feed.feedKey, wanted)
    : await marks.set('read', feed.feedKey, all, false)
  return { feedKey: feed.feedKey, newsletter: entry.title ?? feed.feedKey, changed }
}
