import { createHash } from 'node:crypto'
import type { Operations } from '../../../operations/contract.ts'
import { singleLine } from '../../plain.ts'
import { withoutTitle } from '../content.ts'
import type { Reader } from '../context.ts'
import { attachmentPath } from '../pages/issue.ts'
import { issuePath, newsletterPath, type Issue, type IssueSummary } from '../pages/parts.ts'
import type { RenderCache } from '../render-cache.ts'

/** Issues of one document. An archive document always has as many. */
export const ISSUES_PER_DOCUMENT = 25

/** One document of a feed before it has a format, and before any text was read. */
export interface Outline {
  /** Stable: of the feed key. */
  readonly id: string
  readonly title: string
  readonly description?: string
  /** Address of the page for people. */
  readonly home: string
  /** Newest first. */
  readonly issues: readonly IssueSummary[]
  /** Addresses of other documents, below the folder of the feed, by relation. */
  readonly links: Readonly<Record<string, string>>
  /** Complete and never to change, except by corrections. */
  readonly isArchive: boolean
}

export interface Entry {
  readonly id: string
  readonly url: string
  readonly title: string
  readonly html: string
  readonly summary: string | undefined
  readonly newsletter: string
  readonly authors: readonly { readonly name: string; readonly url?: string | undefined }[]
  readonly tags: readonly string[]
  readonly language: string | undefined
  readonly publishedAt: Date
  readonly updatedAt: Date
}

/** Stable identifier of a newsletter's feed. */
export function feedId(feedKey: string): string {
  return `urn:hyperletter:${feedKey}`
}

/** What decides whether a document is still the same, without reading any text. */
export function entityTag(outline: Outline, format: string, origin: string): string {
  const { id, title, description, links, issues } = outline
  const facts = issues.map((it) => [
    it.feedKey,
    it.number,
    it.title,
    it.newsletter,
    it.publishedAt,
    it.amendedAt,
    it.retractedAt,
  ])
  const all = JSON.stringify([format, origin, id, title, description, links, facts])
  return `"${createHash('sha256').update(all).digest('hex').slice(0, 32)}"`
}

/** The entries of a document with their whole texts. */
export async function readEntries(
  reader: Reader,
  rendered: RenderCache,
  issues: readonly IssueSummary[],
): Promise<Entry[]> {
  const entries: Entry[] = []
  // One after the other: a document of long texts must not hold up everybody else.
  for (const it of issues) {
    const issue = await readHeld(reader.operations, it)
    if (issue !== undefined) entries.push(entryOf(reader, rendered, issue))
  }
  return entries
}

async function readHeld(
  operations: Operations,
  { feedKey, number }: IssueSummary,
): Promise<Issue | undefined> {
  // Held a moment ago; one that is lost since must not take the others with it.
  return operations
    .readIssue({ newsletter: feedKey, number, timeoutSeconds: 1 })
    .catch(() => undefined)
}

function entryOf(reader: Reader, rendered: RenderCache, issue: Issue): Entry {
  const { feedKey, number, title, publishedAt, amendedAt, retracted } = issue
  const origin = reader.origin()
  const names = new Set(issue.attachments.map((it) => it.name))
  const folder = `${origin}/feeds/pictures/${reader.secrets.pictures(feedKey)}/${feedKey}/${number}`
  const html = rendered.render(issue, 'feed', (name) =>
    names.has(name) ? attachmentPath(folder, name) : undefined,
  )
  const changes = [publishedAt, amendedAt, retracted?.at].flatMap((it) => (it ? [it] : []))
  return {
    id: `${feedId(feedKey)}:${number}`,
    url: origin + issuePath(feedKey, number),
    title: singleLine(title),
    html: retracted === undefined ? withoutTitle(html, title) : '<p>Retracted by its author.</p>',
    summary: issue.summary === undefined ? undefined : singleLine(issue.summary),
    newsletter: singleLine(issue.newsletter),
    authors: (issue.authors ?? []).map((it) => ({ name: singleLine(it.name), url: it.url })),
    tags: (issue.tags ?? []).map(singleLine),
    language: issue.language,
    publishedAt: new Date(publishedAt),
    updatedAt: new Date(changes.toSorted().at(-1) ?? publishedAt),
  }
}

/** The newest issues of a newsletter, and how to get at all older ones (RFC 5005, archived feeds). */
export function current(
  newsletter: {
    readonly feedKey: string
    readonly title: string
    readonly description?: string | undefined
  },
  issues: readonly IssueSummary[],
): Outline {
  const archives = Math.floor(issues.length / ISSUES_PER_DOCUMENT)
  const older = archives === 0 ? {} : { 'prev-archive': archivePath(archives) }
  return {
    ...commonOf(newsletter),
    issues: issues.slice(0, ISSUES_PER_DOCUMENT).filter((it) => it.held),
    // Apps that know pages (RFC 5005, paged feeds) but not archives follow `next`.
    links: { ...older, ...(archives === 0 ? {} : { next: archivePath(archives) }) },
    isArchive: false,
  }
}

/** Archive document `number`, from 1, which holds the oldest issues. Undefined when there is none. */
export function archive(
  newsletter: Parameters<typeof current>[0],
  issues: readonly IssueSummary[],
  number: number,
): Outline | undefined {
  const archives = Math.floor(issues.length / ISSUES_PER_DOCUMENT)
  if (number < 1 || number > archives) return undefined
  const end = issues.length - (number - 1) * ISSUES_PER_DOCUMENT
  const links: Record<string, string> = { current: '' }
  if (number > 1) {
    links['prev-archive'] = archivePath(number - 1)
    links['next'] = archivePath(number - 1)
  }
  if (number < archives) links['next-archive'] = archivePath(number + 1)
  return {
    ...commonOf(newsletter),
    issues: issues.slice(end - ISSUES_PER_DOCUMENT, end).filter((it) => it.held),
    links,
    isArchive: true,
  }
}

/** One page of the issues of several newsletters, newest first (RFC 5005, paged feeds). */
export function page(issues: readonly IssueSummary[], number: number): Outline | undefined {
  const pages = Math.max(1, Math.ceil(issues.length / ISSUES_PER_DOCUMENT))
  if (number < 1 || number > pages) return undefined
  const to = (it: number) => (it === 1 ? '' : `page/${it}/`)
  const start = (number - 1) * ISSUES_PER_DOCUMENT
  return {
    id: 'urn:hyperletter:all',
    title: 'All newsletters',
    home: '/',
    issues: issues.slice(start, start + ISSUES_PER_DOCUMENT).filter((it) => it.held),
    links: {
      first: to(1),
      last: to(pages),
      ...(number > 1 ? { previous: to(number - 1) } : {}),
      ...(number < pages ? { next: to(number + 1) } : {}),
    },
    isArchive: false,
  }
}

function commonOf({ feedKey, title, description }: Parameters<typeof current>[0]) {
  return {
    id: feedId(feedKey),
    title: singleLine(title),
    ...(description === undefined ? {} : { description: singleLine(description) }),
    home: newsletterPath(feedKey),
  }
}

function archivePath(number: number): string {
  return `archive/${number}/`
}
