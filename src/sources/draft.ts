import { extname } from 'node:path'
import { defined } from '../defined.ts'
import { findAttachments, type DraftFiles } from './attachments.ts'
import { dateInPath, parseLocalDate } from './date.ts'
import { readDialects } from './dialects.ts'
import { splitFrontMatter, type FrontMatter, type HeadValue } from './front-matter.ts'
import { checkTitle, readHead } from './head.ts'
import { localReferences } from './references.ts'
import { invalidDraft, type Draft } from './source.ts'
import { checkBody } from './text.ts'
import { titleFromName, titleHeading } from './title.ts'
import type { WithheldKind } from './unpublished.ts'

/** What is known about a text besides what it says. */
export interface DraftOrigin {
  /** Where its images are found; without it, they count as missing. */
  readonly files?: DraftFiles | undefined
  /** File name, or path below an imported folder with `/`, for want of a title or date in the text. */
  readonly name?: string | undefined
  /** The date when neither head nor name has one. */
  readonly date: Date
  readonly dateFrom: 'file' | 'now'
  /** What is published although its head marks it as not for everybody, or not now. */
  readonly include?: ReadonlySet<WithheldKind> | undefined
  /** Leave out template code that no Markdown can be made of. */
  readonly withoutTemplates?: boolean | undefined
}

/**
 * A Markdown text, with or without a head, as a draft. Line ends stay as they are.
 * @throws INVALID_DRAFT saying what is wrong and on which line; TOO_LARGE.
 */
export async function draftFromMarkdown(text: string, origin: DraftOrigin): Promise<Draft> {
  const { fields, body: typed, bodyLine, warnings: ofHead } = await splitFrontMatter(text)
  const read = readHead(fields, { include: origin.include })
  const { title, publishedAt, ...head } = read.head
  const { text: body, warnings: ofDialects } = readDialects(typed, origin)
  checkBody(body)
  const inFile = <T extends { readonly line?: number }>(it: T) =>
    it.line === undefined ? it : { ...it, line: it.line + bodyLine - 1 }
  const references = (await localReferences(body)).map(inFile)
  const { attachments, warnings, links } = await findAttachments(references, origin.files)
  return {
    title: title ?? (await titleOf(body, bodyLine, origin.name)),
    ...head,
    ...dated(publishedAt ?? dateInAddress(fields), origin),
    markdown: body,
    attachments,
    links: links.map(({ target, line, place }) => ({ target, line, ...defined({ place }) })),
    addresses: addressesIn(fields),
    bodyLine,
    ...defined({ withheld: read.withheld, publishAt: publishTime(fields) }),
    warnings: [
      ...[...ofHead, ...read.warnings].map((it) => ({ kind: 'head' as const, ...it })),
      ...ofDialects.map(inFile),
      ...warnings,
    ],
  }
}

async function titleOf(body: string, bodyLine: number, name: string | undefined): Promise<string> {
  const heading = await titleHeading(body)
  if (heading !== undefined)
    return checkTitle(heading.text, 'first heading', heading.line + bodyLine - 1)
  if (name !== undefined) return checkTitle(titleFromName(name), 'file name', undefined)
  throw invalidDraft('The draft has no title.', {
    hint: 'Begin it with a heading, such as "# Spring tide", or with a head that has a title.',
  })
}

function dated(
  inHead: string | undefined,
  { name, date, dateFrom }: DraftOrigin,
): Pick<Draft, 'publishedAt' | 'dateFrom'> {
  if (inHead !== undefined) return { publishedAt: inHead, dateFrom: 'head' }
  const inName =
    name === undefined ? undefined : dateInPath(name.slice(0, -extname(name).length || undefined))
  if (inName !== undefined) return { publishedAt: inName, dateFrom: 'name' }
  return { publishedAt: date.toISOString(), dateFrom }
}

function publishTime(fields: FrontMatter['fields']): string | undefined {
  const value = (fields.get('publishat') ?? fields.get('publish_at'))?.value
  return typeof value === 'string' ? parseLocalDate(value) : undefined
}

/** The names under which generators keep the address of a page, and those that lead to it. */
const ADDRESSES = ['permalink', 'url', 'path', 'slug', 'aliases', 'alias', 'redirect_from']

function addressesIn(fields: FrontMatter['fields']): string[] {
  return ADDRESSES.flatMap((name): readonly HeadValue[] => {
    const value = fields.get(name)?.value ?? ''
    return typeof value === 'string' ? [value] : value instanceof Map ? [] : [...value]
  })
    .map((it) => (typeof it === 'string' ? it.trim() : ''))
    .filter((it) => it !== '')
}

/** The date in the address that a head gives a page: `path: /2019/10/15/high-tide/`. */
function dateInAddress(fields: FrontMatter['fields']): string | undefined {
  for (const name of ['path', 'permalink', 'url', 'slug']) {
    const value = fields.get(name)?.value
    const date = typeof value === 'string' ? dateInPath(value.replace(/\/$/, '')) : undefined
    if (date !== undefined) return date
  }
  return undefined
}
