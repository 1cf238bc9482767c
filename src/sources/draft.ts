import { extname } from 'node:path'
import { defined } from '../defined.ts'
import { findAttachments, type DraftFiles } from './attachments.ts'
import { dateInPath, monthInPath, parseLocalDate } from './date.ts'
import { withoutDataPictures } from './data-pictures.ts'
import { readDialects } from './dialects.ts'
import { splitFrontMatter, type FrontMatter, type HeadValue } from './front-matter.ts'
import { fitted, readHead } from './head.ts'
import { readMdx } from './mdx.ts'
import { localReferences } from './references.ts'
import { invalidDraft, type Draft, type DraftWarning, type WithheldKind } from './source.ts'
import { checkBody, checkTextSize } from './text.ts'
import { titleFromName, titleHeading } from './title.ts'

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
  /** Keep the places at which pictures in the text were taken. */
  readonly keepLocation?: boolean | undefined
  /** Leave out template code that no Markdown can be made of. */
  readonly withoutTemplates?: boolean | undefined
}

/**
 * A Markdown text, with or without a head, as a draft. Line ends stay as they are.
 * @throws INVALID_DRAFT saying what is wrong and on which line; TOO_LARGE.
 */
export async function draftFromMarkdown(file: string, origin: DraftOrigin): Promise<Draft> {
  const { text, files } = withoutDataPictures(file, origin.files, origin.keepLocation)
  checkTextSize(text)
  const { fields, body: typed, bodyLine, warnings: ofHead } = await splitFrontMatter(text)
  const read = readHead(fields, { include: origin.include })
  const { title, publishedAt, ...head } = read.head
  checkBody(typed)
  const isMdx = origin.name?.toLowerCase().endsWith('.mdx') === true
  const markdown = isMdx ? readMdx(typed) : { text: typed, warnings: [] }
  const { text: body, warnings: ofDialects } = readDialects(markdown.text, origin)
  checkBody(body)
  const inFile = <T extends { readonly line?: number }>(it: T) =>
    it.line === undefined ? it : { ...it, line: it.line + bodyLine - 1 }
  const references = (await localReferences(body)).map(inFile)
  const { attachments, warnings, links } = await findAttachments(references, files)
  const ofTitle: DraftWarning[] = []
  const { isMonth, ...date } = dated(publishedAt ?? dateInAddress(fields), origin)
  const day = date.publishedAt.slice(0, 10)
  const ofDate = isMonth
    ? [{ message: `The name or its folder says only a month; its first day counts (${day}).` }]
    : []
  return {
    title: title ?? (await titleOf(body, origin.name, ofTitle)),
    ...head,
    ...date,
    markdown: body,
    attachments,
    links: links.map(({ target, line, place }) => ({ target, line, ...defined({ place }) })),
    addresses: addressesIn(fields),
    bodyLine,
    ...defined({ withheld: read.withheld, isPage: read.isPage, publishAt: publishTime(fields) }),
    warnings: [
      ...[...ofHead, ...read.warnings].map((it) => ({ kind: 'head' as const, ...it })),
      ...ofDate,
      ...[...ofTitle, ...markdown.warnings, ...ofDialects].map(inFile),
      ...warnings,
    ],
  }
}

async function titleOf(
  body: string,
  name: string | undefined,
  warnings: DraftWarning[],
): Promise<string> {
  const heading = await titleHeading(body)
  const texts = [heading?.text, name === undefined ? undefined : titleFromName(name)]
  for (const text of texts) {
    const line = text === heading?.text ? heading?.line : undefined
    const warn = (message: string) => void warnings.push({ message, ...defined({ line }) })
    const title = fitted('title', text, warn)
    if (title !== undefined) return title
  }
  throw invalidDraft('The draft has no title.', {
    hint: 'Begin it with a heading, such as "# Spring tide", or with a head that has a title.',
  })
}

function dated(
  inHead: string | undefined,
  { name, date, dateFrom }: DraftOrigin,
): Pick<Draft, 'publishedAt' | 'dateFrom'> & { readonly isMonth?: true } {
  if (inHead !== undefined) return { publishedAt: inHead, dateFrom: 'head' }
  const path = name?.slice(0, -extname(name).length || undefined) ?? ''
  const inName = dateInPath(path)
  if (inName !== undefined) return { publishedAt: inName, dateFrom: 'name' }
  const month = monthInPath(path)
  if (month !== undefined) return { publishedAt: month, dateFrom: 'name', isMonth: true }
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
