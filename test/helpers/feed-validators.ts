import { readFile } from 'node:fs/promises'
// What it is deprecated for is to come in a later libxml2; nothing else checks RELAX NG without a system library.
// eslint-disable-next-line typescript/no-deprecated
import { RelaxNGValidator, XmlDocument } from 'libxml2-wasm'
import { expect } from 'vitest'
import { z } from 'zod'

const ATOM = {
  atom: 'http://www.w3.org/2005/Atom',
  fh: 'http://purl.org/syndication/history/1.0',
}

const url = z.url({ protocol: /^https?$/ })
const person = z.strictObject({ name: z.string().min(1), url: url.optional() })

// https://www.jsonfeed.org/version/1.1/, and strictly: a misspelt field must not pass.
const jsonFeed = z.strictObject({
  version: z.literal('https://jsonfeed.org/version/1.1'),
  title: z.string().min(1),
  description: z.string().min(1).optional(),
  home_page_url: url,
  feed_url: url,
  next_url: url.optional(),
  items: z.array(
    z.strictObject({
      id: z.string().min(1),
      url,
      title: z.string().min(1),
      content_html: z.string(),
      summary: z.string().min(1).optional(),
      date_published: z.iso.datetime(),
      date_modified: z.iso.datetime(),
      authors: z.array(person).min(1),
      tags: z.array(z.string().min(1)).min(1).optional(),
      language: z.string().min(2).optional(),
    }),
  ),
})

/** What any reader finds in a document of a feed. */
export interface ValidFeed {
  readonly ids: readonly string[]
  readonly titles: readonly string[]
  readonly html: readonly string[]
  /** Addresses by relation, without those of entries. */
  readonly links: Readonly<Record<string, string>>
  /** `archive` or `complete`, as RFC 5005 marks them. */
  readonly marks: readonly string[]
}

/** Reads an Atom feed with libxml2. Fails unless it is as RFC 4287 and 5005 want it, each id once. */
export async function validAtom(xml: string): Promise<ValidFeed> {
  await assertSchema('atom', xml)
  using document = XmlDocument.fromString(xml)
  const texts = (path: string) => document.find(path, ATOM).map((it) => it.content)
  const feed = {
    ids: texts('//atom:entry/atom:id'),
    titles: texts('//atom:entry/atom:title'),
    html: texts('//atom:entry/atom:content'),
    links: Object.fromEntries(
      texts('/atom:feed/atom:link/@rel').map((rel) => [
        rel,
        texts(`/atom:feed/atom:link[@rel="${rel}"]/@href`).join(' '),
      ]),
    ),
    marks: ['archive', 'complete'].filter(
      (mark) => document.find(`/atom:feed/fh:${mark}`, ATOM).length === 1,
    ),
  }
  expect(new Set(feed.ids).size).toBe(feed.ids.length)
  return feed
}

/** Reads a JSON Feed. Fails unless it is as version 1.1 wants it, each id once. */
export function validJsonFeed(json: string): ValidFeed {
  const feed = jsonFeed.parse(JSON.parse(json))
  const ids = feed.items.map((it) => it.id)
  expect(new Set(ids).size).toBe(ids.length)
  const { next_url: next } = feed
  return {
    ids,
    titles: feed.items.map((it) => it.title),
    html: feed.items.map((it) => it.content_html),
    links: { self: feed.feed_url, ...(next === undefined ? {} : { next }) },
    marks: [],
  }
}

/** Reads an OPML list with libxml2. Fails unless it is as version 2.0 wants it. */
export async function validOpml(xml: string): Promise<readonly { title: string; url: string }[]> {
  await assertSchema('opml', xml)
  using document = XmlDocument.fromString(xml)
  const titles = document.find('//outline/@title').map((it) => it.content)
  const urls = document.find('//outline/@xmlUrl').map((it) => it.content)
  return titles.map((title, i) => ({ title, url: urls[i] ?? '' }))
}

async function assertSchema(name: 'atom' | 'opml', xml: string): Promise<void> {
  const schema = await readFile(new URL(`schemas/${name}.rng`, import.meta.url), 'utf8')
  using rules = XmlDocument.fromString(schema)
  // eslint-disable-next-line typescript/no-deprecated
  using validator = RelaxNGValidator.fromDoc(rules)
  using document = XmlDocument.fromString(xml)
  validator.validate(document)
}
