import { invalidInput } from '../../errors.ts'
import { TextReader } from '../decode.ts'
import { textAsHtml } from '../html/tree.ts'
import { printable, resolved, type Withheld } from '../source.ts'

/** What a feed says of a post, in whatever format. */
export interface FeedPost {
  readonly id: string | undefined
  readonly link: string | undefined
  /** What its addresses are relative to, where the feed says it. */
  readonly base?: string | undefined
  /** HTML. */
  readonly title: string | undefined
  readonly date: string | undefined
  readonly authors: readonly (string | undefined)[]
  readonly tags: readonly (string | undefined)[]
  readonly language: string | undefined
  /** Address of a picture above the text. */
  readonly cover?: string | undefined
  readonly html: string
  /** It says itself that it is not for everybody, or no post. */
  readonly withheld?: Withheld | undefined
}

/** A document of a feed, and where the one with older posts is (RFC 5005). @throws INVALID_INPUT for what is no feed. */
export async function feedPage(
  body: Buffer,
): Promise<{ readonly posts: readonly FeedPost[]; readonly older: string | undefined }> {
  const text = decoded(body)
  const parsed = await parsedFeed(text)
  const { format, feed } = parsed
  if (format === 'json') return { posts: postsOf(parsed, text), older: feed.next_url }
  const links = (format === 'atom' ? feed.links : feed.atom?.links) ?? []
  const older = ['prev-archive', 'next'].map((rel) => links.find((it) => it.rel === rel)?.href)
  return { posts: postsOf(parsed, text), older: older.find((it) => it !== undefined) }
}

async function parsedFeed(text: string) {
  const { parseFeed } = await import('feedsmith')
  try {
    return parseFeed(text)
  } catch (cause) {
    throw invalidInput('There is no Atom, RSS or JSON feed.', {
      hint: 'Give the address of the feed, not of the page: feed readers show it.',
      cause,
    })
  }
}

function postsOf(parsed: Awaited<ReturnType<typeof parsedFeed>>, source: string): FeedPost[] {
  const { format, feed } = parsed
  if (format === 'json') {
    return (feed.items ?? []).map((it) => ({
      id: it.id,
      link: it.url ?? it.external_url,
      title: it.title === undefined ? undefined : textAsHtml(it.title),
      date: it.date_published ?? it.date_modified,
      authors: (it.authors ?? feed.authors ?? []).map(({ name }) => name),
      tags: it.tags ?? [],
      language: it.language ?? feed.language,
      cover: it.banner_image ?? it.image,
      html: withFiles(
        it.content_html ?? paragraphs(it.content_text ?? it.summary ?? ''),
        (it.attachments ?? []).map(({ url, mime_type: type }) => ({ url, type })),
      ),
    }))
  }
  if (format === 'atom') {
    const blogger = bloggerFacts(source)
    return (feed.entries ?? []).map((it, at) => {
      const links = it.links ?? []
      const text = it.content ?? it.summary
      const { kind, status, path } = { kind: kindOf(it), ...blogger?.[at] }
      return {
        id: it.id,
        link: links.find(({ rel = 'alternate' }) => rel === 'alternate')?.href ?? path,
        title: it.title?.type === undefined ? textAsHtml(it.title?.value ?? '') : it.title.value,
        date: it.published ?? it.updated,
        authors: (it.authors ?? feed.authors ?? []).map(({ name }) => name),
        tags: (it.categories ?? [])
          .filter(({ scheme }) => scheme !== KIND)
          .map(({ label, term }) => label ?? term),
        language: it.xml?.lang ?? feed.xml?.lang,
        base: resolved(it.xml?.base, feed.xml?.base) ?? feed.xml?.base,
        html: withFiles(
          htmlOf(text?.value ?? '', text?.type),
          links
            .filter(({ rel }) => rel === 'enclosure')
            .map(({ href: url, type }) => ({ url, type })),
        ),
        withheld: reasonToWithhold(kind, it.app?.control?.draft === true ? 'draft' : status),
      }
    })
  }
  const language = (format === 'rss' ? feed.language : undefined) ?? feed.dc?.languages?.[0]
  return (feed.items ?? []).map((it) => {
    const guid = 'guid' in it ? it.guid : undefined
    const people = 'authors' in it ? (it.authors ?? []) : []
    const named = people.map((person) => (typeof person === 'string' ? person : person.name))
    const pubDate = 'pubDate' in it ? it.pubDate : undefined
    const tags = 'categories' in it ? (it.categories ?? []).map(({ name }) => name) : []
    return {
      id: guid?.value,
      link: it.link ?? (guid?.isPermaLink === false ? undefined : guid?.value),
      title: it.title,
      date: pubDate ?? it.dc?.dates?.[0],
      authors: it.dc?.creators ?? named,
      tags: [...tags, ...(it.dc?.subjects ?? [])],
      language: it.dc?.languages?.[0] ?? language,
      html: withFiles(
        it.content?.encoded ?? htmlOf(it.description ?? '', undefined),
        'enclosures' in it ? (it.enclosures ?? []) : [],
      ),
    }
  })
}

/** What Blogger writes into one file: posts, pages, comments, settings and the template, and in which state they are. */
const KIND = 'http://schemas.google.com/g/2005#kind'
const BLOGGER = /xmlns:blogger\s*=\s*["']http:\/\/schemas\.google\.com\/blogger\//

function kindOf({ categories = [] }: { categories?: { scheme?: string; term?: string }[] }) {
  return categories.find(({ scheme }) => scheme === KIND)?.term?.replace(/^.*#/s, '')
}

/** What the newer exports of Blogger say of each entry, in their order. */
function bloggerFacts(source: string) {
  if (!BLOGGER.test(source.slice(0, 2_000))) return undefined
  const entries = source.split('</entry>').slice(0, -1)
  return entries.map((entry) => {
    const own = without('author', without('content', entry))
    const said = (name: string) => new RegExp(`<blogger:${name}>([^<]*)`).exec(own)?.[1]?.trim()
    return { kind: said('type') ?? '', status: said('status') ?? '', path: said('filename') }
  })
}

function without(element: string, xml: string): string {
  const [start, end] = [xml.indexOf(`<${element}`), xml.lastIndexOf(`</${element}>`)]
  return start < 0 || end < start ? xml : xml.slice(0, start) + xml.slice(end)
}

function reasonToWithhold(
  kind: string | undefined,
  status: string | undefined,
): Withheld | undefined {
  if (kind !== undefined && !/^post$/i.test(kind))
    return { kind: 'extras', message: `a ${printable(kind).toLowerCase()}, not a post` }
  if (status === undefined || /^live$/i.test(status)) return undefined
  return { kind: 'drafts', message: `a post of the status "${printable(status)}"` }
}

function decoded(body: Buffer): string {
  const declared = /^[^>]{0,200}encoding=["']([\w-]+)["']/.exec(
    body.toString('latin1', 0, 256),
  )?.[1]
  return TextReader.readAll(body, declared)
}

/** A text with the files that the feed names beside it, unless it shows them itself. */
function withFiles(
  html: string,
  files: readonly { readonly url?: string | undefined; readonly type?: string | undefined }[],
): string {
  const shown = files.map(({ url = '', type = '' }) => {
    const address = textAsHtml(url)
    if (url === '' || html.includes(url) || html.includes(address)) return ''
    if (type.startsWith('image/')) return `\n<p><img src="${address}"></p>`
    const name = type.startsWith('video/') ? 'video' : 'audio'
    return `\n<${name} src="${address}"></${name}>`
  })
  return html + shown.join('')
}

function htmlOf(text: string, type: string | undefined): string {
  const isText = type === 'text' || (type === undefined && !/<\/?\w+[^>]*>/.test(text))
  return isText ? paragraphs(text) : text
}

function paragraphs(text: string): string {
  return text
    .split(/\n\s*\n/)
    .map((it) => `<p>${textAsHtml(it)}</p>`)
    .join('\n')
}
