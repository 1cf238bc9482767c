import { basename, dirname } from 'node:path'
import { defined } from '../../defined.ts'
import { compress } from '../../engine/compression.ts'
import { encodeContent, type EncodedContent } from '../../format/content/content-codec.ts'
import {
  composeIssue,
  type AttachedContent,
  type IssueEntry,
  type LogPosition,
} from '../../format/history/entry.ts'
import type { LocatedIssue } from '../../format/feed.ts'
import { MARKDOWN } from '../../format/records/bodies.ts'
import { parseDraft, readDraft, type FileOptions } from '../../sources/markdown-file.ts'
import { linkPosts } from '../../sources/post-links.ts'
import type { Draft, Withheld } from '../../sources/source.ts'
import { withheldByDate } from '../../sources/unpublished.ts'
import { withheldByPath } from '../../sources/unpublished-paths.ts'
import type { ParsedInput } from '../contract/contract.ts'
import type { PublishedIssues } from './published-issues.ts'

type Source = ParsedInput<'publishIssue'>['draft']

/** The draft that a caller names or sends. @throws INVALID_DRAFT, TOO_LARGE */
export async function loadDraft(
  source: Source,
  options: Pick<FileOptions, 'onLookUp'> = {},
): Promise<Draft> {
  const include = new Set(source.include)
  const { keepLocation, siteRoot, siteUrl } = source
  const given = { include, keepLocation, siteRoot, ...options }
  const draft =
    'file' in source
      ? await readDraft(source.file, given)
      : await parseDraft(source.markdown, { ...given, ...defined({ folder: source.folder }) })
  // A single text has no other posts to link to: a warning names each link that loses its target.
  return linkPosts([{ origin: '', draft }], siteUrl)[0]?.draft ?? draft
}

/**
 * Why a draft is not to be published, or not now, as its head, its place, its name or its date says.
 * @param at When it is published; now when absent.
 */
export function withheldFor(source: Source, draft: Draft, at?: string): Withheld[] {
  const found = [markedByPath(source), draft.withheld, withheldByDate(draft)]
  const isForThen = at !== undefined && draft.publishedAt <= at
  return found.filter(
    (it): it is Withheld =>
      it !== undefined &&
      source.include?.includes(it.kind) !== true &&
      !(it.kind === 'scheduled' && isForThen),
  )
}

/** When a draft is to be published: as the caller or its head says, whichever is later; undefined for now. */
export function publishTimeOf(
  draft: Draft,
  {
    at,
    holdSeconds,
  }: { readonly at?: string | undefined; readonly holdSeconds?: number | undefined },
): string | undefined {
  const held = holdSeconds && new Date(Date.now() + holdSeconds * 1_000).toISOString()
  const times = [at, held, draft.publishAt].flatMap((it) => (it ? new Date(it).toISOString() : []))
  const last = times.toSorted().at(-1)
  return last === undefined || Date.parse(last) <= Date.now() ? undefined : last
}

// Many publish from a folder of drafts, file by file.
function markedByPath(source: Source): Withheld | undefined {
  if (!('file' in source)) return undefined
  const found = withheldByPath(`${basename(dirname(source.file))}/${basename(source.file)}`)
  return found && { ...found, message: `${basename(source.file)}: ${found.message}.` }
}

/** The issue that a draft is already: the same title and text, and the same date where it has one of its own. */
export async function issueOf(
  draft: Draft,
  issues: PublishedIssues,
): Promise<LocatedIssue | undefined> {
  const found = await issues.ofEqualText(draft)
  return found?.record.title === draft.title ? found : undefined
}

/**
 * Reads and encodes everything an issue needs, so that appending it cannot fail half-way.
 * @param importedFrom Where an import found the draft.
 */
export async function prepareIssue(
  draft: Draft,
  importedFrom?: string,
): Promise<(at: LogPosition) => IssueEntry> {
  const { markdown: _m, attachments: _a, links: _l, addresses: _s, ...claims } = draft
  const { warnings: _w, dateFrom: _d, declaredNumber: _n, ...dated } = claims
  const { bodyLine: _b, withheld: _h, publishAt: _p, ...head } = dated
  const { body, attached } = await encodeDraft(draft)
  return (at) => composeIssue(at, defined({ ...head, importedFrom }), body, attached)
}

export async function encodeDraft({
  markdown,
  attachments,
}: Draft): Promise<{ readonly body: EncodedContent; readonly attached: AttachedContent[] }> {
  const body = await encodeContent(new TextEncoder().encode(markdown), MARKDOWN, compress)
  const attached = attachments.map(async (attachment): Promise<AttachedContent> => {
    const { name, mediaType, alt } = attachment
    const encoded = await encodeContent(await attachment.open(), mediaType, compress)
    return alt === undefined ? { name, ...encoded } : { name, alt, ...encoded }
  })
  return { body, attached: await Promise.all(attached) }
}
