import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { LRUCache } from 'lru-cache'
import { HyperletterError } from '../../errors.ts'
import { secretsOf, type Env, type Reader, type ReaderContext } from '../context.ts'
import { feedAddresses, opmlOutlines } from '../../site/syndication/addresses.ts'
import {
  archive,
  complete,
  completePage,
  current,
  page,
  type Outline,
} from '../../site/syndication/document.ts'
import { readEntries } from '../feed-entries.ts'
import type { KeptTexts } from '../render-cache.ts'
import type { IssueSummary, NewsletterSummary } from '../../site/pages/parts.ts'
import { packageVersion } from '../../version.ts'
import { isSame } from '../state.ts'

// Another version may write the same issues in another way.
const VERSION = packageVersion()

const MAX_REMEMBERED = 1_000

/**
 * Feeds for other apps. They cannot log in, so what is public needs no token on this machine; a
 * private newsletter has one in its address, and all that another device asks for.
 */
export function feedRoutes(reader: Reader, kept: KeptTexts): Hono<Env> {
  const app = new Hono<Env>()
  const { operations } = reader
  const seen = new LRUCache<string, { tag: string; at: Date }>({ max: MAX_REMEMBERED })
  const KEY = ':key{[a-z0-9]{52}}'
  const FILE = ':file{[a-z]{4}[.][a-z]{3,4}}'

  app.get('/feeds/newsletters.opml', (c) => list(c, false))
  app.get('/feeds/complete.opml', (c) => list(c, true))

  app.get(`/feeds/${KEY}/${FILE}`, async (c) => {
    const newsletter = await named(c, c.req.param('key'))
    const issues = await operations.listIssues({ newsletter: newsletter.feedKey })
    return serve(c, `/feeds/${newsletter.feedKey}/`, current(titled(newsletter), issues))
  })

  app.get(`/feeds/${KEY}/archive/:number{[1-9][0-9]{0,8}}/${FILE}`, async (c) => {
    const newsletter = await named(c, c.req.param('key'))
    const issues = await operations.listIssues({ newsletter: newsletter.feedKey })
    const outline = archive(titled(newsletter), issues, Number(c.req.param('number')))
    return serve(c, `/feeds/${newsletter.feedKey}/`, outline)
  })

  app.get(`/feeds/${KEY}/complete/${FILE}`, async (c) => {
    const newsletter = await named(c, c.req.param('key'))
    const issues = await operations.listIssues({ newsletter: newsletter.feedKey })
    const outline = complete(titled(newsletter), issues)
    return serve(c, `/feeds/${newsletter.feedKey}/`, outline)
  })

  app.get(`/feeds/all/${FILE}`, async (c) => serve(c, '/feeds/all/', page(await everything(c), 1)))
  app.get(`/feeds/all/page/:number{[1-9][0-9]{0,8}}/${FILE}`, async (c) =>
    serve(c, '/feeds/all/', page(await everything(c), Number(c.req.param('number')))),
  )
  app.get(`/feeds/all/complete/${FILE}`, async (c) =>
    serve(c, '/feeds/all/', completePage(await everything(c))),
  )

  return app

  async function list(c: ReaderContext, isComplete: boolean): Promise<Response> {
    const { opml } = await import('../../site/syndication/formats.ts')
    const addresses = feedAddresses(c.get('origin'), secretsOf(reader, c), await visible(c))
    c.header('content-type', 'text/x-opml; charset=utf-8')
    return c.body(opml('Hyperletter', opmlOutlines(addresses, isComplete)))
  }

  async function everything(c: ReaderContext): Promise<IssueSummary[]> {
    const shown = new Set((await visible(c)).map((it) => it.feedKey))
    const all = await operations.listInbox({ show: 'all' })
    return all.filter((it) => shown.has(it.feedKey))
  }

  /** Newsletters that whoever asks may see. */
  async function visible(c: ReaderContext): Promise<NewsletterSummary[]> {
    const all = (await operations.listNewsletters({})).filter((it) => it.title !== undefined)
    const mayAll = c.get('session') || isSame(c.req.query('key'), secretsOf(reader, c).feed('all'))
    return all.filter((it) => mayAll || isOpen(c, it))
  }

  async function named(c: ReaderContext, feedKey: string): Promise<NewsletterSummary> {
    const all = await operations.listNewsletters({})
    const found = all.find((it) => it.feedKey === feedKey)
    // The answer must not tell whether a private newsletter is here.
    if (found === undefined) throw noFeed()
    const may =
      isOpen(c, found) ||
      c.get('session') ||
      isSame(c.req.query('key'), secretsOf(reader, c).feed(feedKey))
    if (!may) throw noFeed()
    return found
  }

  async function serve(
    c: ReaderContext,
    folder: string,
    outline: Outline | undefined,
  ): Promise<Response> {
    const { FORMATS } = await import('../../site/syndication/formats.ts')
    const format = FORMATS[c.req.path.slice(c.req.path.lastIndexOf('/') + 1)]
    if (outline === undefined || format === undefined) throw noFeed()
    const key = c.req.query('key')
    const query = key === undefined ? '' : `?key=${encodeURIComponent(key)}`
    const origin = c.get('origin')
    const secrets = secretsOf(reader, c)
    const pictures = secrets.pictures('all')
    const tag = entityTag(outline, format.file + query, [origin, pictures])
    const changed = changedAt(c.req.path + query, tag)
    c.header('etag', tag)
    c.header('last-modified', changed.toUTCString())
    // Documents with private texts have a key in their address, or were asked for by a page of ours.
    const isPublic = key === undefined && !c.get('session')
    c.header('cache-control', isPublic ? 'private, no-cache' : 'no-store')
    if (isFresh(c, tag, changed)) return c.body(null, 304)
    c.header('content-type', format.mediaType)
    if (c.req.method === 'HEAD') return c.body(null)
    const address = (path: string) => `${origin}${folder}${path}${format.file}${query}`
    const text = format.write({
      outline,
      entries: readEntries(reader.operations, { origin, secrets }, outline.issues, kept),
      self: `${origin}${c.req.path}${query}`,
      home: origin + outline.home,
      links: Object.fromEntries(
        Object.entries(outline.links).map(([rel, path]) => [rel, address(path)]),
      ),
    })
    return c.body(ReadableStream.from(text).pipeThrough(new TextEncoderStream()))
  }

  // When this reader first saw it so: dates of issues are claims, and may lie in the past or future.
  function changedAt(address: string, tag: string): Date {
    const before = seen.get(address)
    if (before?.tag === tag) return before.at
    const at = new Date(Math.floor(Date.now() / 1_000) * 1_000)
    seen.set(address, { tag, at })
    return at
  }
}

/** Whether whoever asks may read it without a secret. */
function isOpen(c: ReaderContext, newsletter: NewsletterSummary): boolean {
  return !newsletter.private && c.get('device') === undefined
}

function titled(newsletter: NewsletterSummary): Parameters<typeof current>[0] {
  const { feedKey, title, description, support, supportChanged } = newsletter
  const about = { feedKey, title: title ?? feedKey, description }
  // A feed has no place for the warning that the addresses changed.
  return supportChanged === undefined ? { ...about, support } : about
}

function isFresh(c: ReaderContext, tag: string, changed: Date): boolean {
  const match = c.req.header('if-none-match')
  if (match !== undefined) {
    const tags = new Set(match.split(',').map((it) => it.trim().replace(/^W\//, '')))
    return tags.has(tag) || tags.has('*')
  }
  const since = Date.parse(c.req.header('if-modified-since') ?? '')
  return !Number.isNaN(since) && changed.getTime() <= since
}

function noFeed(): HyperletterError {
  return new HyperletterError('NEWSLETTER_NOT_FOUND', 'There is no such feed here.')
}

/**
 * What decides whether a document is still the same, without reading any text.
 * @param place What its addresses depend on.
 */
function entityTag(outline: Outline, format: string, place: readonly string[]): string {
  const { id, title, description, links, mark, issues, payments } = outline
  const facts = issues.map((it) => [
    it.feedKey,
    it.number,
    it.title,
    it.newsletter,
    it.arrivedAt ?? it.publishedAt,
    it.editionBlock,
    it.amendedAt,
    it.retractedAt,
    it.letterCount,
  ])
  const all = [VERSION, format, place, id, title, description, links, mark, payments, facts]
  return `"${createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 32)}"`
}
