import type { Engine } from '../engine/engine.ts'
import { hasCode, HyperletterError } from '../errors.ts'
import type { Feed, LocatedIssue } from '../feed/feed.ts'
import type { LibraryEntry } from '../library/library.ts'
import { formatLink } from '../records/link.ts'
import type { Output, ParsedInput } from './contract.ts'

type IssueSummary = Output<'listIssues'>[number]
type NewsletterSummary = Output<'listNewsletters'>[number]

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
  return summarizeIssues(engine, engine.feeds.resolve(input.newsletter))
}

/** Unread issues of all subscriptions, newest first. */
export async function listInbox(engine: Engine): Promise<IssueSummary[]> {
  const subscriptions = engine.library.list().filter((it) => it.roles.includes('subscriber'))
  const lists = await Promise.all(
    subscriptions.map((entry) =>
      summarizeIssues(engine, entry).catch((error: unknown) => {
        // One newsletter that cannot be read must not hide the others.
        if (hasCode(error, 'NEEDS_KEY', 'NOT_AVAILABLE')) return []
        throw error
      }),
    ),
  )
  return lists
    .flat()
    .filter((it) => !it.read)
    .toSorted((a, b) => b.publishedAt.localeCompare(a.publishedAt))
}

async function summarizeIssues(engine: Engine, entry: LibraryEntry): Promise<IssueSummary[]> {
  const feed = await engine.feed(entry)
  const { issues } = await feed.list(LOCAL)
  const read = await engine.library.readNumbers(entry.feedKey)
  return Promise.all(
    issues.map((it) => summarizeIssue(entry, feed, it, isRead(entry, read, it.record.number))),
  )
}

async function summarizeNewsletter(
  engine: Engine,
  entry: LibraryEntry,
): Promise<NewsletterSummary> {
  const { feedKey, roles, encryptionKey, problem } = entry
  const feed = await engine.feed(entry)
  const link = formatLink(encryptionKey === undefined ? { feedKey } : { feedKey, encryptionKey })
  const common = { feedKey, link, roles: [...roles], private: encryptionKey !== undefined }
  try {
    const profile = await feed.profile(LOCAL)
    const { issues } = await feed.list(LOCAL)
    const read = await engine.library.readNumbers(feedKey)
    const unread = issues.filter((it) => !isRead(entry, read, it.record.number)).length
    if (profile.title !== entry.title)
      await engine.library.update(feedKey, { title: profile.title })
    return {
      ...common,
      title: profile.title,
      ...(profile.description === undefined ? {} : { description: profile.description }),
      issues: issues.length,
      unread,
      ...(problem === undefined ? {} : { problem }),
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
      ...(damage === undefined ? {} : { problem: damage }),
    }
  }
}

/** What lists say of one issue. */
export async function summarizeIssue(
  entry: LibraryEntry,
  feed: Feed,
  located: LocatedIssue,
  read: boolean,
): Promise<IssueSummary> {
  const { number, title, publishedAt, summary } = located.record
  return {
    feedKey: entry.feedKey,
    newsletter: entry.title ?? entry.feedKey,
    number,
    title,
    publishedAt,
    read,
    ...(summary === undefined ? {} : { summary }),
    held: await feed.holds(feed.entryRange(located)),
  }
}

// What one wrote oneself is never news.
function isRead(entry: LibraryEntry, read: ReadonlySet<number>, number: number): boolean {
  return read.has(number) || !entry.roles.includes('subscriber')
}
