import { defined } from '../../defined.ts'
import { hasTime, parseDate } from '../date.ts'
import { fitted } from '../head.ts'
import { FOOTNOTE } from '../html/footnotes.ts'
import { htmlToMarkdown } from '../html/markdown.ts'
import { textAsHtml, textOfHtml, type HtmlRules } from '../html/tree.ts'
import {
  invalidDraft,
  printable,
  resolved,
  skippedFor,
  type Draft,
  type DraftAttachment,
  type DraftWarning,
  type FoundDraft,
  type SkippedDraft,
  type Withheld,
  type SourceItem,
} from '../source.ts'
import { checkBody } from '../text.ts'
import { titleHeading } from '../title.ts'
import { ShownPictures, type ExportOptions, type PostContext } from './shown-pictures.ts'

export interface Post {
  /** Names it in every export: the service, `-`, and what the service calls it. */
  readonly id: string
  /** Its address on the web, or below the site. */
  readonly address?: string | undefined
  /** Other addresses that lead to it. */
  readonly aliases?: readonly string[]
  /** Plain text, as all of these fields are. */
  readonly title?: string | undefined
  /** As written; without a zone it is UTC. */
  readonly date?: string | undefined
  readonly summary?: string | undefined
  readonly language?: string | undefined
  readonly authors?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
  readonly body:
    | {
        readonly html: string
        readonly rules?: HtmlRules | undefined
        /** HTML of the notes that are not in the text, by the ids of their marks there. */
        readonly notes?: ReadonlyMap<string, string> | undefined
      }
    | {
        readonly markdown: string
        readonly attachments?: readonly DraftAttachment[]
        readonly warnings?: readonly DraftWarning[]
      }
  /** A part that is not for everybody is left out already. */
  readonly isCut?: boolean | undefined
  /** A picture that a page shows above the text; the caption is HTML. */
  readonly cover?: { readonly source: string; readonly alt?: string; readonly caption?: string }
  readonly warnings?: readonly DraftWarning[]
}

type Named = Pick<Post, 'id' | 'address' | 'aliases'>

/**
 * A post as a draft, or why it is left out.
 * @param withheld Why it is not for everybody.
 * @param rest Gives what else the post has; not asked of a post that is withheld. What it throws is the reason to skip it.
 */
export async function readPost(
  post: Named,
  withheld: Withheld | undefined,
  context: PostContext,
  rest: () => Promise<Omit<Post, keyof Named>>,
): Promise<SourceItem> {
  const origin = originOf(post)
  if (isWithheld(withheld, context)) return withheldPost(origin, withheld)
  try {
    return await draftOfPost({ ...post, ...(await rest()) }, context)
  } catch (error) {
    return skippedFor(origin, error)
  }
}

/** Whether a post is left out, as its author did not ask for those of its kind. */
export function isWithheld(
  withheld: Withheld | undefined,
  { include }: ExportOptions,
): withheld is Withheld {
  return withheld !== undefined && include?.has(withheld.kind) !== true
}

/** A post that is left out, and how to have it all the same. */
export function withheldPost(origin: string, { kind, message }: Withheld): SkippedDraft {
  return { origin, code: 'INVALID_DRAFT', message: `${message}; --include ${kind} publishes it` }
}

/**
 * What the record of an issue says of the post that it was: its address, or its path where nobody knows the site, so that
 * links of other posts to it are found (docs/format.md, 6); else its id.
 */
export function originOf({ id, address = '' }: Pick<Post, 'id' | 'address'>): string {
  const place = address.replace(/#.*$/s, '').replaceAll(/[\s\p{C}]/gu, '')
  const origin = /^https?:\/\//i.test(place) ? place : place.replaceAll(/^\/+|\/+$/g, '')
  return origin !== '' && origin.length <= 2_000
    ? origin
    : id.replaceAll(/[\s\p{C}]+/gu, '_').slice(0, 500)
}

/**
 * A post as a draft: its HTML as Markdown, its pictures from the archive, or to be fetched when it is published.
 * @throws INVALID_DRAFT, TOO_LARGE
 */
export async function draftOfPost(post: Post, context: PostContext): Promise<FoundDraft> {
  const warnings: DraftWarning[] = [...(post.warnings ?? [])]
  const warn = (message: string) => void warnings.push({ message })
  const dated = dateOf(post, context, warn)
  if (context.isPublic !== true) refuseFuture(dated, context)
  const { pictures, siteUrl } = context
  const shown = new ShownPictures(resolved(post.address, siteUrl) ?? siteUrl, context)
  const markdown = await bodyOf(post, shown, warn)
  checkBody(markdown)
  shown.tell(warn)
  const ofBody = 'attachments' in post.body ? (post.body.attachments ?? []) : []
  const draft = {
    title: await titleOf(post, markdown, warn),
    ...defined({
      summary: fitted('summary', textOrNone(post.summary), warn),
      authors: fitted(
        'authors',
        namesOf(post.authors)?.map((name) => ({ name })),
        warn,
      ),
      tags: fitted('tags', namesOf(post.tags), warn),
      language: fitted('language', textOrNone(post.language)?.replaceAll('_', '-'), warn),
    }),
    ...dated,
    markdown,
    attachments: [
      ...new Map([...ofBody, ...shown.attachments].map((it) => [it.name, it] as const)).values(),
    ],
    links: [...shown.links].map((target) => ({ target, line: 1 })),
    addresses: post.aliases ?? [],
    warnings: [...warnings, ...('warnings' in post.body ? (post.body.warnings ?? []) : [])],
  }
  const found = { origin: originOf(post), draft }
  if (pictures === undefined || shown.remote.size === 0) return found
  return { ...found, finish: (it, options) => pictures.attach(it, shown.remote, options) }
}

function dateOf(
  { date }: Post,
  { undatedAt }: PostContext,
  warn: (message: string) => void,
): Pick<Draft, 'publishedAt' | 'dateFrom'> {
  const text = date?.trim() ?? ''
  if (text === '' && undatedAt !== undefined)
    return { publishedAt: undatedAt.toISOString(), dateFrom: 'now' }
  const parsed = parseDate(text)
  if (parsed === undefined) {
    throw invalidDraft(text === '' ? 'The post has no date.' : `"${printable(text)}" is no date.`)
  }
  if (!hasTime(text)) warn('The date has no time of day; midnight UTC counts.')
  return { publishedAt: parsed, dateFrom: 'head' }
}

/** A post may be public by its state, and by its date not be so yet. */
function refuseFuture({ publishedAt }: Pick<Draft, 'publishedAt'>, { include }: PostContext): void {
  if (Date.parse(publishedAt) <= Date.now() || include?.has('scheduled') === true) return
  const day = publishedAt.slice(0, 10)
  throw invalidDraft(`a post dated in the future (${day}); --include scheduled publishes it`)
}

async function bodyOf(
  post: Post,
  shown: ShownPictures,
  warn: (message: string) => void,
): Promise<string> {
  const { body, cover } = post
  if ('markdown' in body) shown.linkIn(body.markdown)
  const { markdown, isCut, marks } =
    'markdown' in body
      ? { ...body, isCut: false, marks: [] }
      : await htmlToMarkdown(body.html, { ...shown.rules, ...body.rules })
  if (isCut || post.isCut === true) {
    warn('Text that is not for everybody is left out; --include private publishes it.')
  }
  const parts = [markdown]
  const isShown = (source: string) =>
    shown.has(source) || ('markdown' in body && body.markdown.includes(source))
  if (cover !== undefined && cover.source !== '' && !isShown(cover.source)) {
    const { source, alt = '', caption = '' } = cover
    const picture = `<img src="${textAsHtml(source)}" alt="${textAsHtml(alt)}">`
    const figure = `<figure>${picture}<figcaption>${caption}</figcaption></figure>`
    const ofText = shown.attachments.length
    parts.unshift((await htmlToMarkdown(figure, shown.rules)).markdown)
    shown.attachments.unshift(...shown.attachments.splice(ofText))
  }
  // Only notes of marks that are left: those of a text that was cut off are secret, too.
  for (const mark of marks) {
    const note = 'notes' in body ? body.notes?.get(mark) : undefined
    if (note === undefined) continue
    const html = `<${FOOTNOTE} id="${textAsHtml(mark)}">${note}</${FOOTNOTE}>`
    parts.push((await htmlToMarkdown(html, shown.rules)).markdown)
  }
  return [...marks]
    .filter((mark) => !parts.some((it) => it.includes(`[^${mark}]:`)))
    .reduce((text, mark) => text.replaceAll(`[^${mark}]`, ''), parts.join('\n'))
}

async function titleOf(
  { title, body }: Post,
  markdown: string,
  warn: (message: string) => void,
): Promise<string> {
  const own = fitted('title', textOrNone(title), warn)
  if (own !== undefined) return own
  const heading = (await titleHeading(markdown))?.text
  const html = 'html' in body ? body.html.slice(0, 10_000) : ''
  const words = (await textOfHtml(html)).split(' ').slice(0, 10).join(' ')
  const made = fitted('title', textOrNone(heading) ?? textOrNone(words), warn)
  if (made === undefined) throw invalidDraft('The post has no title, and no text to make one of.')
  warn('The post has no title; the beginning of its text counts.')
  return made
}

function textOrNone(text: string | undefined): string | undefined {
  const trimmed = text?.trim()
  return trimmed === '' ? undefined : trimmed
}

function namesOf(names: readonly string[] | undefined): string[] | undefined {
  const known = (names ?? []).map((it) => it.replaceAll(/[\s\p{C}]+/gu, ' ').trim())
  const unique = [...new Set(known.filter((it) => it !== ''))]
  return unique.length === 0 ? undefined : unique
}
