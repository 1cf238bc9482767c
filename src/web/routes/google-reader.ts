import { Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HyperletterError } from '../../errors.ts'
import { newsletterPath } from '../../site/pages/parts.ts'
import { feedId } from '../../site/syndication/document.ts'
import { singleLine } from '../../render/plain.ts'
import { remoteAddress, secretsOf, type Env, type Reader, type ReaderContext } from '../context.ts'
import { readEntries } from '../feed-entries.ts'
import {
  ALL,
  invalid,
  itemsOf,
  longId,
  microseconds,
  page,
  READ,
  STARRED,
  streamIn,
  streamOf,
  UNREAD,
  type StreamItem,
  LibraryItems,
} from '../item-streams.ts'
import type { KeptTexts } from '../render-cache.ts'
import { isSame } from '../state.ts'

/** A thousand items take some 70 bytes each. */
const MAX_BODY_BYTES = 256 * 1_024

/**
 * The Google Reader API as FreshRSS (below `/api/greader.php`) and Miniflux (below `/`) speak it: apps share read
 * marks and stars with this reader. The password is the token of a device; the user name may be anything.
 * https://freshrss.github.io/FreshRSS/en/developers/06_GoogleReader_API.html
 */
export function googleReaderRoutes(reader: Reader, kept: KeptTexts): Hono<Env> {
  const { operations } = reader
  const library = new LibraryItems(operations)
  const app = new Hono<Env>()
  const onError = (c: ReaderContext) => c.text('Too large.\n', 413)
  const api = new Hono<Env>()
  for (const path of ['/accounts/*', '/reader/*']) {
    api.use(path, bodyLimit({ maxSize: MAX_BODY_BYTES, onError }))
  }
  api.on(['GET', 'POST'], '/accounts/ClientLogin', async (c) => {
    const token = (await parametersOf(c)).get('Passwd') ?? ''
    const refused = await refuse(reader, c, token)
    return refused ?? c.text(`SID=${token}\nLSID=null\nAuth=${token}\n`)
  })
  api.use('/reader/*', signedIn(reader))

  api.get('/reader/api/0/token', (c) => c.text(changeToken(reader, c)))
  api.get('/reader/api/0/user-info', (c) => {
    const { id = '', name = '' } = c.get('device') ?? {}
    return c.json({ userId: id, userName: name, userProfileId: id, userEmail: '' })
  })
  api.get('/reader/api/0/subscription/list', async (c) => {
    const subscriptions = (await library.followed()).map(({ feedKey, title }) => {
      const home = c.get('origin') + newsletterPath(feedKey)
      const name = singleLine(title ?? feedKey)
      const times = { sortid: feedKey.slice(0, 8), firstitemmsec: '0' }
      return {
        id: streamOf(feedKey),
        title: name,
        categories: [],
        url: home,
        htmlUrl: home,
        ...times,
      }
    })
    return c.json({ subscriptions })
  })
  api.get('/reader/api/0/tag/list', (c) => c.json({ tags: [{ id: STARRED }] }))
  api.get('/reader/api/0/unread-count', async (c) => {
    const unread = itemsOf(await operations.listInbox({ show: 'unread' }))
    const streams = [ALL, ...new Set(unread.map((it) => streamOf(it.issue.feedKey)))]
    const unreadcounts = streams.map((id) => {
      const items = unread.filter((it) => id === ALL || streamOf(it.issue.feedKey) === id)
      return { id, count: items.length, newestItemTimestampUsec: microseconds(items[0]) }
    })
    return c.json({ max: unread.length, unreadcounts })
  })

  api.get('/reader/api/0/stream/items/ids', async (c) => {
    const asked = await parametersOf(c)
    const { items, continuation } = page(await library.stream(asked.get('s') ?? ALL), asked)
    const itemRefs = items.map((it) => ({
      id: it.id.toString(),
      directStreamIds: [streamOf(it.issue.feedKey)],
      timestampUsec: microseconds(it),
    }))
    return c.json({ itemRefs, ...continuation })
  })
  api.on(['GET', 'POST'], '/reader/api/0/stream/items/contents', async (c) => {
    const items = await library.named((await parametersOf(c)).getAll('i'))
    return c.json({ ...headOf(c, ALL), items: await contents(c, items) })
  })
  api.get('/reader/api/0/stream/contents/:stream{.*}', async (c) => {
    const asked = await parametersOf(c)
    const id = streamIn(c.req.param('stream') || asked.get('s') || ALL)
    const { items, continuation } = page(await library.stream(id), asked)
    return c.json({ ...headOf(c, id), items: await contents(c, items), ...continuation })
  })

  api.get('/reader/atom/:stream{.+}', async (c) => {
    const id = streamIn(c.req.param('stream'))
    const { items } = page(await library.stream(id), await parametersOf(c))
    const { FORMATS } = await import('../../site/syndication/formats.ts')
    const format = FORMATS['atom.xml']
    if (format === undefined) throw invalid('stream')
    const home = c.get('origin')
    const issues = items.map((it) => it.issue)
    const title = issues[0]?.newsletter ?? id
    const text = format.write({
      outline: { id, title: singleLine(title), home, issues, links: {} },
      entries: atomEntries(c, items),
      self: c.get('origin') + c.req.path,
      home,
      links: {},
    })
    c.header('content-type', format.mediaType)
    return c.body(ReadableStream.from(text).pipeThrough(new TextEncoderStream()))
  })

  api.post('/reader/api/0/edit-tag', async (c) => {
    const asked = await changing(c)
    // All are looked up first: an item that is not here changes nothing.
    const items = await library.named(asked.getAll('i'))
    const [added, removed] = [tagsIn(asked, 'a'), tagsIn(asked, 'r')]
    const isUnread = removed.includes(READ) || added.includes(UNREAD)
    if (added.includes(READ) || isUnread) await library.markRead(items, !isUnread)
    if (added.includes(STARRED) || removed.includes(STARRED)) {
      for (const { issue } of items) {
        const { feedKey, number } = issue
        const starred = added.includes(STARRED)
        await operations.markIssue({ newsletter: feedKey, number, starred })
      }
    }
    return c.text('OK')
  })
  api.post('/reader/api/0/mark-all-as-read', async (c) => {
    const asked = await changing(c)
    const untilMs = Number(asked.get('ts') ?? Infinity) / 1_000
    if (Number.isNaN(untilMs)) throw invalid('ts')
    const items = await library.stream(asked.get('s') ?? ALL)
    const unread = items.filter((it) => it.timeMs <= untilMs && !it.issue.read)
    await library.markRead(unread, true)
    return c.text('OK')
  })
  api.all('/reader/*', (c) => c.text('There is nothing at this address.\n', 404))
  api.onError((cause, c) => {
    const error = HyperletterError.from(cause)
    return c.text(`${error.message}\n`, error.code === 'INVALID_INPUT' ? 400 : 500)
  })
  app.route('/api/greader.php', api)
  app.route('/', api)
  return app

  /** Parameters of a change, which come with the token that `/token` gave, where an app sends one. */
  async function changing(c: ReaderContext): Promise<URLSearchParams> {
    const asked = await parametersOf(c)
    const token = asked.get('T') ?? ''
    if (token !== '' && !isSame(token, changeToken(reader, c))) throw invalid('T')
    return asked
  }

  /** Issues with their texts, and addresses for the device that asks. */
  async function* entries(c: ReaderContext, items: readonly StreamItem[]) {
    const place = { origin: c.get('origin'), secrets: secretsOf(reader, c) }
    const issues = items.map((it) => it.issue)
    const byEntry = new Map(
      items.map((it) => [`${feedId(it.issue.feedKey)}:${it.issue.number}`, it]),
    )
    for await (const entry of readEntries(operations, place, issues, kept)) {
      const item = byEntry.get(entry.id)
      if (item !== undefined) yield { entry, item }
    }
  }

  async function contents(c: ReaderContext, items: readonly StreamItem[]) {
    const result: unknown[] = []
    for await (const { entry, item } of entries(c, items)) {
      const { issue, timeMs } = item
      result.push({
        id: longId(item.id),
        crawlTimeMsec: String(timeMs),
        timestampUsec: microseconds(item),
        published: Math.floor(timeMs / 1_000),
        updated: Math.floor(entry.updatedAt.getTime() / 1_000),
        title: entry.title,
        author: entry.authors.map((it) => it.name).join(', '),
        canonical: [{ href: entry.url }],
        alternate: [{ href: entry.url, type: 'text/html' }],
        enclosure: entry.enclosures.map(({ url, mediaType, bytes }) => ({
          href: url,
          type: mediaType,
          length: bytes,
        })),
        categories: [ALL, ...(issue.read ? [READ] : []), ...(issue.starred ? [STARRED] : [])],
        origin: {
          streamId: streamOf(issue.feedKey),
          title: entry.source.title,
          htmlUrl: c.get('origin') + newsletterPath(issue.feedKey),
        },
        summary: { content: entry.html },
      })
    }
    return result
  }

  /** The same as Atom, with the marks as categories. */
  async function* atomEntries(c: ReaderContext, items: readonly StreamItem[]) {
    for await (const { entry, item } of entries(c, items)) {
      const { read, starred } = item.issue
      const marks = [...(read ? ['read'] : []), ...(starred ? ['starred'] : [])]
      yield { ...entry, id: longId(item.id), marks }
    }
  }
}

function signedIn(reader: Reader): MiddlewareHandler<Env> {
  return async (c, next) => {
    const header = c.req.header('authorization') ?? ''
    // FreshRSS writes the name of the user before the token.
    const token = /^GoogleLogin auth=(?:[^/]*\/)?(.+)$/.exec(header)?.[1] ?? ''
    const refused = await refuse(reader, c, token)
    return refused ?? next()
  }
}

async function refuse(
  reader: Reader,
  c: ReaderContext,
  token: string,
): Promise<Response | undefined> {
  const device = await reader.admission.admit(token, remoteAddress(c))
  if (device === 'too many') return c.text('Too many wrong tokens.\n', 429)
  if (device === undefined) return c.text('Error=BadAuthentication\n', 401)
  c.set('device', device)
  return undefined
}

/** What proves that a change was asked for by who has the token of the device. */
function changeToken({ secrets }: Reader, c: ReaderContext): string {
  return secrets.form(c.get('device')?.id)
}

/** Of the address, and of the form that came with it. */
async function parametersOf(c: ReaderContext): Promise<URLSearchParams> {
  const { searchParams } = new URL(c.req.url)
  if (c.req.method !== 'POST') return searchParams
  const body = new URLSearchParams(await c.req.text())
  return new URLSearchParams([...searchParams, ...body])
}

function tagsIn(asked: URLSearchParams, name: 'a' | 'r'): string[] {
  return asked.getAll(name).map(streamIn)
}

function headOf(c: ReaderContext, id: string) {
  return {
    id,
    updated: Math.floor(Date.now() / 1_000),
    self: [{ href: c.get('origin') + c.req.path }],
  }
}
