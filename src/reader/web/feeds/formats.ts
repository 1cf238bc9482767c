import { generateAtomFeed, generateJsonFeed, generateOpml } from 'feedsmith'
import type { Entry, Outline } from './document.ts'

export interface Format {
  /** Last part of an address. */
  readonly file: string
  readonly mediaType: string
  readonly write: (document: Written) => string
}

/** A document with everything that a format needs. */
export interface Written {
  readonly outline: Outline
  readonly entries: readonly Entry[]
  readonly self: string
  /** Whole addresses by relation. */
  readonly links: Readonly<Record<string, string>>
  readonly home: string
}

const ARCHIVE_MARK = '<fh:archive xmlns:fh="http://purl.org/syndication/history/1.0"/>'
const ATOM = 'application/atom+xml'
const JSON_FEED = 'application/feed+json'

/** The formats that feeds are served in, by file name. */
export const FORMATS: Readonly<Record<string, Format>> = {
  'atom.xml': { file: 'atom.xml', mediaType: `${ATOM}; charset=utf-8`, write: atom },
  'feed.json': { file: 'feed.json', mediaType: `${JSON_FEED}; charset=utf-8`, write: json },
}

function atom({ outline, entries, self, links, home }: Written): string {
  const xml = generateAtomFeed({
    id: outline.id,
    title: { value: outline.title },
    ...(outline.description === undefined ? {} : { subtitle: { value: outline.description } }),
    updated: updatedAt(entries),
    generator: { text: 'Hyperletter' },
    links: [
      { rel: 'self', href: self, type: ATOM },
      { rel: 'alternate', href: home, type: 'text/html' },
      ...Object.entries(links).map(([rel, href]) => ({ rel, href, type: ATOM })),
    ],
    entries: entries.map((it) => ({
      id: it.id,
      title: { value: it.title },
      links: [{ rel: 'alternate', href: it.url, type: 'text/html' }],
      published: it.publishedAt,
      updated: it.updatedAt,
      authors: authorsOf(it).map(({ name, url }) =>
        url === undefined ? { name } : { name, uri: url },
      ),
      ...(it.tags.length === 0 ? {} : { categories: it.tags.map((term) => ({ term })) }),
      ...(it.summary === undefined ? {} : { summary: { value: it.summary } }),
      content: { type: 'html', value: it.html },
    })),
  })
  return outline.isArchive ? xml.replace(/<feed[^>]*>/, (tag) => `${tag}\n  ${ARCHIVE_MARK}`) : xml
}

function json({ outline, entries, self, links, home }: Written): string {
  const { next } = links
  const feed = generateJsonFeed({
    title: outline.title,
    ...(outline.description === undefined ? {} : { description: outline.description }),
    home_page_url: home,
    feed_url: self,
    ...(next === undefined ? {} : { next_url: next }),
    items: entries.map((it) => ({
      id: it.id,
      url: it.url,
      title: it.title,
      content_html: it.html,
      date_published: it.publishedAt,
      date_modified: it.updatedAt,
      authors: authorsOf(it).map(({ name, url }) => (url === undefined ? { name } : { name, url })),
      ...(it.summary === undefined ? {} : { summary: it.summary }),
      ...(it.tags.length === 0 ? {} : { tags: [...it.tags] }),
      ...(it.language === undefined ? {} : { language: it.language }),
    })),
  }) as { items?: unknown }
  // The format asks for a list also where it is empty.
  return JSON.stringify({ ...feed, items: feed.items ?? [] })
}

/** All newsletters as a list that feed readers take in at once. */
export function opml(
  newsletters: readonly {
    readonly title: string
    readonly xmlUrl: string
    readonly htmlUrl: string
  }[],
): string {
  return generateOpml({
    head: { title: 'Hyperletter' },
    body: {
      outlines: newsletters.map((it) => ({ ...it, type: 'rss', text: it.title })),
    },
  })
}

// Atom asks for an author; a newsletter without named ones speaks for itself.
function authorsOf({ authors, newsletter }: Entry): Entry['authors'] {
  return authors.length === 0 ? [{ name: newsletter }] : authors
}

// Nothing published yet has no date of its own; this one stays the same.
function updatedAt(entries: readonly Entry[]): Date {
  return new Date(Math.max(0, ...entries.map((it) => it.updatedAt.getTime())))
}
