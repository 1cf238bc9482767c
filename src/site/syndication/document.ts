import type { Support } from '../../format/records/bodies.ts'
import { describeSupport } from '../../format/support.ts'
import { singleLine } from '../../render/plain.ts'
import { withoutTitle } from '../pages/content.ts'
import {
  count as counted,
  newsletterPath,
  type IssueText,
  type IssueSummary,
} from '../pages/parts.ts'

/** Issues of one document of the reader of this machine. An archive document always has as many. */
const ISSUES_PER_DOCUMENT = 25

/** HTML of one document, in characters. Issues beyond have only a link to their text. */
export const MAX_DOCUMENT_CHARACTERS = 64 * 1_024 * 1_024

/** HTML of one entry. Of longer ones libxml2, with which many apps read feeds, refuses the document. */
export const MAX_ENTRY_CHARACTERS = 4_000_000

/** One document of a feed before it has a format, and before any text was read. */
export interface Outline {
  /** Stable: of the feed key. */
  readonly id: string
  readonly title: string
  readonly description?: string
  /** How to support the author. */
  readonly payments?: readonly Payment[]
  /** Address of the page for people. */
  readonly home: string
  /** Newest first. */
  readonly issues: readonly IssueSummary[]
  /** Addresses of other documents, below the folder of the feed, by relation. */
  readonly links: Readonly<Record<string, string>>
  /**
   * RFC 5005: an archive document never changes, except by corrections; a complete one has every
   * issue there is.
   */
  readonly mark?: 'archive' | 'complete'
}

/** An address with the relation `payment`. */
export interface Payment {
  readonly href: string
  readonly title: string
}

/** A file of an issue. */
export interface Enclosure {
  readonly url: string
  readonly mediaType: string
  readonly bytes: number
}

/** One issue, before it has a format. */
export interface FeedEntry {
  readonly id: string
  readonly url: string
  readonly title: string
  readonly html: string
  readonly summary: string | undefined
  /** The newsletter. */
  readonly source: { readonly id: string; readonly title: string }
  readonly authors: readonly { readonly name: string; readonly url?: string | undefined }[]
  readonly tags: readonly string[]
  /** What its reader did with it, for apps that ask in the reader's name: `read`, `starred`. */
  readonly marks?: readonly string[]
  /** Files that are no pictures: what apps for podcasts play. */
  readonly enclosures: readonly Enclosure[]
  readonly language: string | undefined
  readonly publishedAt: Date
  readonly updatedAt: Date
}

/** Stable identifier of a newsletter's feed. */
export function feedId(feedKey: string): string {
  return `urn:hyperletter:${feedKey}`
}

/** When the last of these issues was published or corrected; the beginning of time where there is none. */
export function updatedAt(issues: readonly IssueSummary[]): Date {
  const times = issues.flatMap((it) => [it.publishedAt, it.amendedAt, it.retractedAt])
  return new Date(Math.max(0, ...times.map((it) => (it === undefined ? 0 : Date.parse(it)))))
}

/**
 * The newest issues of a newsletter, and how to get at all older ones (RFC 5005, archived feeds).
 * @param count of issues in a document.
 */
export function current(
  newsletter: {
    readonly feedKey: string
    readonly title: string
    readonly description?: string | undefined
    readonly support?: readonly Support[] | undefined
  },
  issues: readonly IssueSummary[],
  count = ISSUES_PER_DOCUMENT,
): Outline {
  const archives = Math.floor(issues.length / count)
  const older = archives === 0 ? {} : { 'prev-archive': archivePath(archives) }
  return {
    ...commonOf(newsletter),
    ...paymentsOf(newsletter),
    issues: issues.slice(0, count).filter((it) => it.held),
    // Apps that know pages (RFC 5005, paged feeds) but not archives follow `next`.
    links: { ...older, ...(archives === 0 ? {} : { next: archivePath(archives) }) },
  }
}

/** Every issue of a newsletter in one document (RFC 5005, complete feeds), for apps that know no pages. */
export function complete(
  newsletter: Parameters<typeof current>[0],
  issues: readonly IssueSummary[],
): Outline {
  return { ...commonOf(newsletter), ...paymentsOf(newsletter), ...whole(issues) }
}

/** Archive document `number`, from 1, which holds the oldest issues. Undefined when there is none. */
export function archive(
  newsletter: Parameters<typeof current>[0],
  issues: readonly IssueSummary[],
  number: number,
  count = ISSUES_PER_DOCUMENT,
): Outline | undefined {
  const archives = Math.floor(issues.length / count)
  if (number < 1 || number > archives) return undefined
  const end = issues.length - (number - 1) * count
  const links: Record<string, string> = { current: '' }
  if (number > 1) {
    links['prev-archive'] = archivePath(number - 1)
    links['next'] = archivePath(number - 1)
  }
  if (number < archives) links['next-archive'] = archivePath(number + 1)
  return {
    ...commonOf(newsletter),
    issues: issues.slice(end - count, end).filter((it) => it.held),
    links,
    mark: 'archive',
  }
}

/** One page of the issues of several newsletters, newest first (RFC 5005, paged feeds). */
export function page(issues: readonly IssueSummary[], number: number): Outline | undefined {
  const pages = Math.max(1, Math.ceil(issues.length / ISSUES_PER_DOCUMENT))
  if (number < 1 || number > pages) return undefined
  const to = (it: number) => (it === 1 ? '' : `page/${it}/`)
  const start = (number - 1) * ISSUES_PER_DOCUMENT
  return {
    ...EVERYTHING,
    issues: issues.slice(start, start + ISSUES_PER_DOCUMENT).filter((it) => it.held),
    links: {
      first: to(1),
      last: to(pages),
      ...(number > 1 ? { previous: to(number - 1) } : {}),
      ...(number < pages ? { next: to(number + 1) } : {}),
    },
  }
}

/** Every issue of several newsletters, newest first, in one document. */
export function completePage(issues: readonly IssueSummary[]): Outline {
  return { ...EVERYTHING, ...whole(issues) }
}

const EVERYTHING = { id: 'urn:hyperletter:all', title: 'All newsletters', home: '/' }

// An app may forget what a complete feed lacks: with an issue that has yet to arrive it is none.
function whole(issues: readonly IssueSummary[]): Pick<Outline, 'issues' | 'links' | 'mark'> {
  const held = issues.filter((it) => it.held)
  const mark = held.length === issues.length ? { mark: 'complete' as const } : {}
  return { issues: held, links: {}, ...mark }
}

function commonOf({ feedKey, title, description }: Parameters<typeof current>[0]) {
  return {
    id: feedId(feedKey),
    title: singleLine(title),
    ...(description === undefined ? {} : { description: singleLine(description) }),
    home: newsletterPath(feedKey),
  }
}

// Not in archives, which never change.
function paymentsOf({ support = [] }: Parameters<typeof current>[0]): Pick<Outline, 'payments'> {
  const known = support.map(describeSupport).filter((it) => it.problem === undefined)
  const payments = known.map(({ uri, name }) => ({ href: uri, title: singleLine(name) }))
  return payments.length === 0 ? {} : { payments }
}

function archivePath(number: number): string {
  return `archive/${number}/`
}

/**
 * An issue as an entry.
 * @param url Of its page.
 * @param content Safe HTML of its text; undefined for a link to its page instead.
 * @param attachmentUrl Address of an attachment, by its name.
 */
export function entryOf(
  issue: IssueText,
  url: string,
  content: string | undefined,
  attachmentUrl: (name: string) => string,
): FeedEntry {
  const { feedKey, number, title, publishedAt, amendedAt, retracted } = issue
  const changes = [publishedAt, amendedAt, retracted?.at].flatMap((it) => (it ? [it] : []))
  const link = `<p><a href="${url}">Read it in Hyperletter</a></p>`
  const text = content === undefined ? link : withoutTitle(content, title)
  return {
    id: `${feedId(feedKey)}:${number}`,
    url,
    title: singleLine(title),
    html: correctionOf(issue) + (retracted === undefined ? text + lettersLink(issue, url) : ''),
    summary: issue.summary === undefined ? undefined : singleLine(issue.summary),
    source: { id: feedId(feedKey), title: singleLine(issue.newsletter) },
    authors: (issue.authors ?? []).map((it) => ({ name: singleLine(it.name), url: it.url })),
    tags: (issue.tags ?? []).map(singleLine),
    enclosures: issue.attachments
      .filter(({ mediaType }) => !mediaType.startsWith('image/'))
      .map(({ name, mediaType, bytes }) => ({ url: attachmentUrl(name), mediaType, bytes })),
    language: issue.language,
    publishedAt: new Date(publishedAt),
    updatedAt: new Date(changes.toSorted().at(-1) ?? publishedAt),
  }
}

// A letter is no entry of its own.
function lettersLink({ letters = [] }: IssueText, url: string): string {
  if (letters.length === 0) return ''
  return `<p><a href="${url}#letters">${counted(letters.length, 'letter')} of readers</a></p>`
}

// Apps show a text that changed without a word of that: it says so itself.
function correctionOf({ amendedAt, note, retracted }: IssueText): string {
  if (retracted === undefined && amendedAt === undefined) return ''
  const said = retracted === undefined ? note : retracted.reason
  const mark = retracted === undefined ? '<strong>Corrected</strong>' : 'Retracted by its author'
  const text = said && singleLine(said).replace(/[&<>]/g, (it) => `&#${it.charCodeAt(0)};`)
  return `<p>${mark}${text === undefined ? '.' : `: ${text}`}</p>`
}
