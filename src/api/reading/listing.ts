import type { Work } from '../work.ts'
import { mapSome } from '../../async.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { hasCode, HyperletterError, ifCode } from '../../errors.ts'
import { newestEdition } from '../../format/history/corrections.ts'
import type { Listing } from '../../format/history/listing.ts'
import { LISTING_LIMITS } from '../../format/history/known-record.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import { countLetters } from '../../format/letters/shown.ts'
import { rememberSupport, supportChange } from '../../engine/library/support-memory.ts'
import { addArrivals, arrivalOf } from '../../engine/library/entry.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import { formatLink } from '../../format/keys/link.ts'
import { compareTimes } from '../../format/records/text.ts'
import { ignoreFullDisk } from '../../storage-errors.ts'
import { describeInList, supportOf } from '../../site/describe.ts'
import type { Output } from '../contract/contract.ts'
import { type IssueMarks, marksOf, rememberEditions } from './issue-marks.ts'
import { lookAlikes, namesOf } from '../following/naming.ts'
import { describeSuccessor } from '../succeeding.ts'

type IssueSummary = Output<'listIssues'>[number]
type NewsletterSummary = Output<'listNewsletters'>[number]
type Problem = NonNullable<NewsletterSummary['problem']>

/** Newsletters that are listed at a time: each may take some hundred MiB of memory meanwhile. */
export const AT_ONCE = 4

/** Issues of an inbox without a limit: with the longest newsletter that is listed, all subscriptions would exhaust memory. */
export const MOST_ISSUES = 100_000

/** Only what is on this machine: lists answer at once, also offline. */
const LOCAL = { wait: false }

export const listNewsletters: Work<'listNewsletters'> = (engine, input) => {
  const isAlike = lookAlikes(engine.library.list())
  const entries = engine.library.list(input.newsletter)
  return mapSome(entries, AT_ONCE, (it) => summarizeNewsletter(engine, it, isAlike))
}

export const listIssues: Work<'listIssues'> = async (engine, input) => {
  return summarizeIssues(engine, engine.library.resolve(input.newsletter), input)
}

export const listInbox: Work<'listInbox'> = async (engine, input) => {
  const { show = 'unread', newsletter, skip = 0, limit = MOST_ISSUES, excerpts = false } = input
  const isWanted = {
    unread: (it: IssueMarks) => !it.read,
    all: () => true,
    starred: (it: IssueMarks) => it.starred,
  }[show]
  const entries = engine.library
    .list(newsletter)
    .filter((it) => show === 'starred' || it.roles.includes('subscriber'))
  const most = skip + limit
  let newest: IssueSummary[] = []
  await mapSome(entries, AT_ONCE, async (entry) => {
    const wanted = { isWanted, newest: most }
    // One newsletter that cannot be read must not hide the others.
    const found = await summarizeIssues(engine, entry, wanted).catch(
      ifCode([], 'NEEDS_KEY', 'NOT_AVAILABLE'),
    )
    newest = newest.concat(found)
    if (newest.length > 2 * most) newest = newestFirst(newest).slice(0, most)
  })
  const page = newestFirst(newest).slice(skip, most)
  return excerpts ? withExcerpts(engine, page) : page
}

async function withExcerpts(engine: Engine, issues: IssueSummary[]): Promise<IssueSummary[]> {
  const { beginningOf } = await import('../../engine/search/text/excerpt.ts')
  const read = async (it: IssueSummary): Promise<IssueSummary> => {
    const entry = engine.library.get(it.feedKey as FeedKey)
    if (entry === undefined || it.summary !== undefined || !it.held) return it
    if (it.retractedAt !== undefined) return it
    await using session = await engine.open(entry)
    const { feed } = session
    try {
      const edition = newestEdition(await feed.issue(it.number, LOCAL))
      return { ...it, excerpt: beginningOf(await feed.readBody(edition, LOCAL), it.title) }
    } catch (error) {
      if (!hasCode(error, 'NOT_AVAILABLE', 'INVALID_RECORD', 'TOO_LARGE')) throw error
      return it
    }
  }
  return Promise.all(issues.map(read))
}

interface Wanted {
  readonly isWanted?: (marks: IssueMarks) => boolean
  readonly before?: number | undefined
  readonly limit?: number | undefined
  /** How many of those that are wanted, by time. */
  readonly newest?: number
  readonly copies?: boolean | undefined
}

async function summarizeIssues(
  engine: Engine,
  entry: LibraryEntry,
  { isWanted = () => true, before = Infinity, limit, newest = Infinity, copies }: Wanted = {},
): Promise<IssueSummary[]> {
  await using session = await engine.open(entry)
  const { feed } = session
  const { issues, letters } = await feed.list(LOCAL)
  await rememberEditions(engine, entry, issues).catch(ignoreFullDisk)
  const marks = await marksOf(engine, entry, issues)
  const records = issues.map((it) => it.record)
  const arrivals = addArrivals(entry.arrivals, records)
  if (arrivals !== undefined) {
    await engine.library.update(entry.feedKey, { arrivals }).catch(ignoreFullDisk)
  }
  const known = arrivals === undefined ? entry : { ...entry, arrivals }
  const from = issues.findIndex((it) => it.record.number < before)
  const inRange = from < 0 ? [] : issues.slice(from, limit && from + limit)
  const wanted = inRange.filter((it) => isWanted(marks(it)))
  const shown =
    wanted.length <= newest
      ? wanted
      : wanted.toSorted((a, b) => compareTimes(timeIn(known, b), timeIn(known, a))).slice(0, newest)
  const isWhole = feed.holds({ start: 0, end: feed.length })
  const counts = countLetters(letters)
  const summaries = shown.map((it) => ({
    ...summarizeIssue(known, feed, it, marks(it), isWhole),
    ...defined({ letterCount: counts.get(it.record.number) }),
  }))
  if (copies !== true) return summaries
  const network = await engine.networkIfOnline()
  const held = (it: LocatedIssue) => network?.copies(feed.feedKey, ...feed.neededRanges(it)) ?? 0
  return summaries.map((it, at) => ({ ...it, copies: shown[at] ? held(shown[at]) : 0 }))
}

function timeIn({ arrivals }: LibraryEntry, { record }: LocatedIssue): string {
  return arrivalOf(arrivals, record) ?? record.publishedAt
}

/** By their dates, or by when they arrived if that is earlier: dated in the future, they would stay on top for good. */
function newestFirst(issues: readonly IssueSummary[]): IssueSummary[] {
  const timeOf = (it: IssueSummary) => it.arrivedAt ?? it.publishedAt
  return issues.toSorted(
    (a, b) =>
      compareTimes(timeOf(b), timeOf(a)) ||
      // Of one moment, in the same order whichever newsletter is read first.
      compareTimes(a.feedKey, b.feedKey),
  )
}

async function summarizeNewsletter(
  engine: Engine,
  entry: LibraryEntry,
  isAlike: ReturnType<typeof lookAlikes>,
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
    const marks = await marksOf(engine, entry, issues)
    const unread = issues.filter((it) => !marks(it).read).length
    const { title, description } = profile
    const support = supportOf(profile)
    const uris = support?.map((it) => it.uri) ?? []
    const seen = rememberSupport(entry.support, uris)
    const isRenamed = entry.petname === undefined && title !== entry.title
    if (isRenamed || seen !== undefined) {
      const known = { title, ...defined({ support: seen }) }
      await engine.library.update(feedKey, known).catch(ignoreFullDisk)
    }
    const memory = seen ?? entry.support
    const { petname } = entry
    const shown = petname ?? title
    return {
      ...common,
      title: shown,
      ...(petname !== undefined && { authorTitle: title }),
      ...(isAlike({ feedKey, title: shown }) && { lookAlike: true as const }),
      ...defined({ description, support, names: namesOf(profile, entry) }),
      ...(profile.letters !== undefined && { takesLetters: true as const }),
      ...(profile.letters?.talk === true && { conversation: true as const }),
      ...(memory && defined({ supportChanged: supportChange(memory) })),
      issues: issues.length,
      unread,
      ...defined({ problem: problem ?? tooLargeToList(feed, listing) }),
    }
  } catch (error) {
    const { code, message } = HyperletterError.from(error)
    const title = entry.title === undefined ? {} : { title: entry.title }
    // Nothing has arrived yet: that is a state, not damage.
    const damage = problem ?? (code === 'NOT_AVAILABLE' ? undefined : { code, message })
    return { ...common, ...title, issues: 0, unread: 0, ...defined({ problem: damage }) }
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

/** What lists say of one issue. @param isWhole whether all of the newsletter is here. */
export function summarizeIssue(
  entry: LibraryEntry,
  feed: Feed,
  located: LocatedIssue,
  { read, starred, corrected }: IssueMarks,
  isWhole = false,
): IssueSummary {
  return {
    feedKey: entry.feedKey,
    newsletter: entry.title ?? entry.feedKey,
    ...describeInList(located),
    newestBlock: Math.max(newestEdition(located).index, located.retraction?.index ?? 0),
    ...defined({ arrivedAt: arrivalOf(entry.arrivals, located.record) }),
    read,
    starred,
    ...(corrected && { corrected, ...defined({ note: located.amendments[0]?.record.note }) }),
    held: isWhole || feed.holdsIssue(located),
  }
}
