import { generateAtomFeed, generateJsonFeed, generateOpml } from 'feedsmith'
import { defined } from '../../defined.ts'
import { updatedAt, type FeedEntry, type Outline } from './document.ts'

export interface Format {
  /** Last part of an address. */
  readonly file: string
  readonly mediaType: string
  /** In parts: a document of many issues is never in memory as a whole. */
  readonly write: (document: Written) => AsyncIterable<string>
}

/** A document with everything that a format needs. */
export interface Written {
  readonly outline: Outline
  readonly entries: AsyncIterable<FeedEntry>
  readonly self: string
  /** Whole addresses by relation. */
  readonly links: Readonly<Record<string, string>>
  readonly home: string
}

const HISTORY = 'http://purl.org/syndication/history/1.0'
const ATOM = 'application/atom+xml'
const JSON_FEED = 'application/feed+json'

/** The formats that feeds are served in, by file name. */
export const FORMATS: Readonly<Record<string, Format>> = {
  'atom.xml': { file: 'atom.xml', mediaType: `${ATOM}; charset=utf-8`, write: atom },
  'feed.json': { file: 'feed.json', mediaType: `${JSON_FEED}; charset=utf-8`, write: json },
}

async function* atom({ outline, entries, self, links, home }: Written): AsyncGenerator<string> {
  const xml = generateAtomFeed({
    id: outline.id,
    title: { value: outline.title },
    ...(outline.description === undefined ? {} : { subtitle: { value: outline.description } }),
    updated: updatedAt(outline.issues),
    generator: { text: 'Hyperletter' },
    links: [
      { rel: 'self', href: self, type: ATOM },
      { rel: 'alternate', href: home, type: 'text/html' },
      ...Object.entries(links).map(([rel, href]) => ({ rel, href, type: ATOM })),
      ...(outline.payments ?? []).map((it) => ({ rel: 'payment', ...it })),
    ],
  })
  const mark = outline.mark === undefined ? '' : `\n  <fh:${outline.mark} xmlns:fh="${HISTORY}"/>`
  const end = xml.lastIndexOf('</feed>')
  yield forXml(tight(xml.slice(0, end)).replace(/<feed[^>]*>/, (tag) => tag + mark))
  for await (const it of entries) yield forXml(atomEntry(it, outline))
  yield xml.slice(end)
}

// Each is written as the only one of a feed, and taken out of it.
function atomEntry(it: FeedEntry, { id }: Outline): string {
  const { source } = it
  const xml = generateAtomFeed({
    id,
    title: { value: '' },
    updated: it.updatedAt,
    entries: [
      {
        id: it.id,
        title: { value: it.title },
        links: [
          { rel: 'alternate', href: it.url, type: 'text/html' },
          ...it.enclosures.map(({ url, mediaType, bytes }) => ({
            rel: 'enclosure',
            href: url,
            type: mediaType,
            length: bytes,
          })),
        ],
        published: it.publishedAt,
        updated: it.updatedAt,
        authors: authorsOf(it).map(({ name, url }) =>
          url === undefined ? { name } : { name, uri: url },
        ),
        ...categoriesOf(it),
        ...(it.summary === undefined ? {} : { summary: { value: it.summary } }),
        content: { type: 'html', value: it.html },
        // In a feed of several newsletters: where the issue is from.
        ...(source.id === id
          ? {}
          : { source: { id: source.id, title: { value: source.title }, updated: it.updatedAt } }),
      },
    ],
  })
  const [start, end] = [xml.indexOf('<entry>'), xml.lastIndexOf('</entry>')]
  const language = it.language === undefined ? '' : ` xml:lang="${it.language}"`
  return `  ${tight(xml.slice(start, end)).replace('<entry', `<entry${language}`)}</entry>\n`
}

// Marks as the Google Reader API has them in Atom.
function categoriesOf({ tags, marks = [] }: FeedEntry) {
  const scheme = 'http://www.google.com/reader/'
  const term = (label: string) => `user/-/state/com.google/${label}`
  const all = [
    ...tags.map((it) => ({ term: it })),
    ...marks.map((label) => ({ term: term(label), scheme, label })),
  ]
  return all.length === 0 ? {} : { categories: all }
}

// Not every app takes away what the generator puts around texts to indent them.
function tight(xml: string): string {
  return xml.replace(/>\n\s+<!\[CDATA\[/g, '><![CDATA[').replace(/\]\]>\n\s+<\//g, ']]></')
}

async function* json({ outline, entries, self, links, home }: Written): AsyncGenerator<string> {
  const { next } = links
  const feed: unknown = generateJsonFeed({
    title: outline.title,
    ...defined({ description: outline.description }),
    home_page_url: home,
    feed_url: self,
    ...defined({ next_url: next }),
    items: [],
  })
  const { payments } = outline
  const more = payments === undefined ? {} : { _support: payments }
  yield JSON.stringify({ ...(feed as object), ...more, items: [] }).slice(0, -']}'.length)
  let separator = ''
  for await (const it of entries) {
    yield separator + JSON.stringify(jsonItem(it))
    separator = ','
  }
  yield ']}'
}

function jsonItem(it: FeedEntry): unknown {
  const feed = generateJsonFeed({
    title: '',
    items: [
      {
        id: it.id,
        url: it.url,
        title: it.title,
        content_html: it.html,
        date_published: it.publishedAt,
        date_modified: it.updatedAt,
        authors: authorsOf(it).map(({ name, url }) =>
          url === undefined ? { name } : { name, url },
        ),
        ...defined({ summary: it.summary }),
        ...(it.tags.length === 0 ? {} : { tags: [...it.tags] }),
        ...(it.enclosures.length === 0
          ? {}
          : {
              attachments: it.enclosures.map(({ url, mediaType, bytes }) => ({
                url,
                mime_type: mediaType,
                size_in_bytes: bytes,
              })),
            }),
        ...defined({ language: it.language }),
      },
    ],
  }) as { readonly items?: readonly unknown[] }
  return feed.items?.[0]
}

/** A list of feeds that feed readers take in at once. */
export function opml(
  title: string,
  feeds: readonly {
    readonly title: string
    readonly xmlUrl: string
    readonly htmlUrl: string
  }[],
): string {
  if (feeds.length === 0) return EMPTY_OPML
  return forXml(
    generateOpml({
      head: { title },
      body: { outlines: feeds.map((it) => ({ ...it, type: 'rss', text: it.title })) },
    }),
  )
}

// The generator makes none without an entry.
const EMPTY_OPML =
  '<?xml version="1.0" encoding="utf-8"?>\n<opml version="2.0"><head/><body/></opml>\n'

// Atom asks for an author; a newsletter without named ones speaks for itself.
function authorsOf({ authors, source }: FeedEntry): FeedEntry['authors'] {
  return authors.length === 0 ? [{ name: source.title }] : authors
}

// Characters that XML cannot have in any way of writing; one of them and no app takes the document.
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

function forXml(xml: string): string {
  return xml.toWellFormed().replace(NOT_IN_XML, '')
}
