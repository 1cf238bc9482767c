import type { Operations } from '../../api/contract/contract.ts'
import { singleLine } from '../../render/plain.ts'
import { withoutTitle } from '../content.ts'
import type { Reader } from '../../web/context.ts'
import { attachmentPath } from '../pages/issue.ts'
import { issuePath, type Issue, type IssueSummary } from '../pages/parts.ts'
import { feedId } from './document.ts'

/** HTML of one document, in characters. Issues beyond have only a link to their text. */
const MAX_DOCUMENT_CHARACTERS = 64 * 1_024 * 1_024

/** HTML of one entry. Of longer ones libxml2, with which many apps read feeds, refuses the document. */
const MAX_ENTRY_CHARACTERS = 4_000_000

/** One issue, before it has a format. */
export interface Entry {
  readonly id: string
  readonly url: string
  readonly title: string
  readonly html: string
  readonly summary: string | undefined
  /** The newsletter. */
  readonly source: { readonly id: string; readonly title: string }
  readonly authors: readonly { readonly name: string; readonly url?: string | undefined }[]
  readonly tags: readonly string[]
  readonly language: string | undefined
  readonly publishedAt: Date
  readonly updatedAt: Date
}

/** HTML of an issue; `attachmentUrl` gives the addresses of its pictures. */
export type Render = (issue: Issue, attachmentUrl: (name: string) => string | undefined) => string

/**
 * The entries of a document with their whole texts, each read when it is wanted. An issue that cannot
 * be read any more is left out.
 */
export async function* readEntries(
  reader: Reader,
  issues: readonly IssueSummary[],
  render: Render,
  maxCharacters = MAX_DOCUMENT_CHARACTERS,
): AsyncGenerator<Entry> {
  let left = maxCharacters
  for (const summary of issues) {
    const issue = await readHeld(reader.operations, summary)
    if (issue === undefined) continue
    const html = left > 0 ? htmlOf(reader, issue, render) : undefined
    left -= html?.length ?? 0
    const isTooLong = html === undefined || left < 0 || html.length > MAX_ENTRY_CHARACTERS
    yield entryOf(reader, issue, isTooLong ? onlyLink(reader, issue) : html)
  }
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

function htmlOf({ origin, secrets }: Reader, issue: Issue, render: Render): string {
  const { feedKey, number, title, retracted } = issue
  if (retracted !== undefined) return '<p>Retracted by its author.</p>'
  const names = new Set(issue.attachments.map((it) => it.name))
  const folder = `${origin()}/feeds/pictures/${secrets.pictures(feedKey)}/${feedKey}/${number}`
  const html = render(issue, (name) => (names.has(name) ? attachmentPath(folder, name) : undefined))
  return withoutTitle(html, title)
}

function onlyLink({ origin }: Reader, { feedKey, number }: Issue): string {
  return `<p><a href="${origin()}${issuePath(feedKey, number)}">Read it in Hyperletter</a></p>`
}

function entryOf({ origin }: Reader, issue: Issue, html: string): Entry {
  const { feedKey, number, title, publishedAt, amendedAt, retracted } = issue
  const changes = [publishedAt, amendedAt, retracted?.at].flatMap((it) => (it ? [it] : []))
  return {
    id: `${feedId(feedKey)}:${number}`,
    url: origin() + issuePath(feedKey, number),
    title: singleLine(title),
    html,
    summary: issue.summary === undefined ? undefined : singleLine(issue.summary),
    source: { id: feedId(feedKey), title: singleLine(issue.newsletter) },
    authors: (issue.authors ?? []).map((it) => ({ name: singleLine(it.name), url: it.url })),
    tags: (issue.tags ?? []).map(singleLine),
    language: issue.language,
    publishedAt: new Date(publishedAt),
    updatedAt: new Date(changes.toSorted().at(-1) ?? publishedAt),
  }
}
