import { basename, extname } from 'node:path'
import { findAttachments, type DraftFiles } from './attachments.ts'
import { dateInName } from './date.ts'
import { splitFrontMatter } from './front-matter.ts'
import { checkTitle, readHead } from './head.ts'
import { localImages } from './images.ts'
import { invalidDraft, type Draft } from './source.ts'
import { checkBody } from './text.ts'
import { titleFromName, titleHeading } from './title.ts'

/** What is known about a text besides what it says. */
export interface DraftOrigin {
  /** Where its images are found; without it, they count as missing. */
  readonly files?: DraftFiles | undefined
  /** File name, for want of a title or date in the text. */
  readonly name?: string | undefined
  /** The date when neither head nor name has one. */
  readonly date: Date
  readonly dateFrom: 'file' | 'now'
}

/**
 * A Markdown text, with or without a head, as a draft. Line ends stay as they are.
 * @throws INVALID_DRAFT saying what is wrong and on which line; TOO_LARGE.
 */
export async function draftFromMarkdown(text: string, origin: DraftOrigin): Promise<Draft> {
  const { fields, body, bodyLine, doubt } = await splitFrontMatter(text)
  const { title, publishedAt, ...head } = readHead(fields)
  checkBody(body)
  const images = (await localImages(body)).map((it) => ({ ...it, line: it.line + bodyLine - 1 }))
  const { attachments, warnings } = await findAttachments(images, origin.files)
  return {
    title: title ?? (await titleOf(body, bodyLine, origin.name)),
    ...head,
    ...dated(publishedAt, origin),
    markdown: body,
    attachments,
    warnings: doubt === undefined ? warnings : [{ message: doubt, line: 1 }, ...warnings],
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
  const inName = name === undefined ? undefined : dateInName(basename(name, extname(name)))
  if (inName !== undefined) return { publishedAt: inName.date, dateFrom: 'name' }
  return { publishedAt: date.toISOString(), dateFrom }
}
