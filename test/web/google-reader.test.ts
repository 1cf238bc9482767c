import { describe, expect, it, onTestFinished } from 'vitest'
import { ReaderServer } from '../../src/web/server.ts'
import { openAuthor, openPeer, publish } from '../helpers/peers.ts'
import { all } from '../helpers/operations.ts'
import { send } from '../helpers/readers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const BASE = '/api/greader.php'
const READ = 'user/-/state/com.google/read'
const STARRED = 'user/-/state/com.google/starred'
const ALL = 'user/-/state/com.google/reading-list'

interface Item {
  readonly id: string
  readonly title: string
  readonly published: number
  readonly categories: readonly string[]
  readonly summary: { readonly content: string }
  readonly origin: { readonly streamId: string }
}
interface Stream {
  readonly items: readonly Item[]
  readonly itemRefs: readonly { readonly id: string }[]
  readonly continuation?: string
}

/** A reader of three issues, and an app that signed in. */
async function someApp() {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 3 })
  const { operations } = await openPeer(bootstrap)
  await all(operations.subscribe({ link: author.link }))
  const server = await ReaderServer.listen({ operations, dataDir: await temporaryDirectory() })
  onTestFinished(() => server.close())
  const { token } = await operations.addDevice({ name: 'app' })
  const { origin } = server
  const login = new URLSearchParams({ Email: 'anybody', Passwd: token }).toString()
  const signedIn = await send(origin, `${BASE}/accounts/ClientLogin`, {
    method: 'POST',
    body: login,
  })
  const auth = /^Auth=(.+)$/m.exec(signedIn.text)?.[1] ?? ''
  const headers = { authorization: `GoogleLogin auth=${auth}` }
  const get = (path: string) => send(origin, `${BASE}/reader/api/0/${path}`, { headers })
  const json = async (path: string) => JSON.parse((await get(path)).text) as Stream
  const post = (path: string, body: string, more: Readonly<Record<string, string>> = {}) =>
    send(origin, `${BASE}/reader/api/0/${path}`, {
      method: 'POST',
      body,
      headers: { ...headers, ...more, 'content-type': 'application/x-www-form-urlencoded' },
    })
  const feed = `feed/${author.feedKey}`
  const marks = async () => {
    const issues = await operations.listIssues({ newsletter: author.feedKey })
    return issues.map(({ number, read, starred }) => [number, read, starred])
  }
  return {
    ...author,
    author: author.operations,
    operations,
    origin,
    token,
    get,
    json,
    post,
    feed,
    marks,
  }
}

describe('an app that speaks the Google Reader API', () => {
  it('lists newsletters, their issues with texts, and what is unread', async () => {
    const { get, json, feed, feedKey, origin, operations } = await someApp()
    expect(JSON.parse((await get('user-info')).text)).toMatchObject({ userName: 'app' })
    expect(JSON.parse((await get('tag/list')).text)).toEqual({ tags: [{ id: STARRED }] })
    expect(JSON.parse((await get('subscription/list?output=json')).text)).toEqual({
      subscriptions: [
        expect.objectContaining({
          id: feed,
          title: 'Tide tables',
          htmlUrl: `${origin}/n/${feedKey}`,
        }),
      ],
    })
    await operations.markIssue({ newsletter: feedKey, number: 1, read: true, starred: true })
    expect(JSON.parse((await get('unread-count')).text)).toMatchObject({
      max: 2,
      unreadcounts: [
        { id: ALL, count: 2 },
        { id: feed, count: 2 },
      ],
    })
    const { items } = await json(`stream/contents/${encodeURIComponent(feed)}?n=20`)
    expect(items.map((it) => it.title)).toEqual(['Issue 3', 'Issue 2', 'Issue 1'])
    expect(items[2]?.categories).toEqual([ALL, READ, STARRED])
    expect(items[0]?.summary.content).toContain('<p>High water at 3')
    expect(items[0]?.origin.streamId).toBe(feed)
  })

  it('finds streams by tag, date and page, in either order', async () => {
    const { json, operations, feedKey, feed } = await someApp()
    await operations.markIssue({ newsletter: feedKey, number: 2, read: true, starred: true })
    const { itemRefs: known } = await json(`stream/items/ids?s=${ALL}`)
    const ids = known.map((it) => it.id)
    expect(ids).toHaveLength(3)
    const find = async (query: string) =>
      (await json(`stream/items/ids?${query}`)).itemRefs.map((it) => 3 - ids.indexOf(it.id))
    expect(await find(`s=${feed}`)).toEqual([3, 2, 1])
    expect(await find(`s=${ALL}&xt=${READ}`)).toEqual([3, 1])
    expect(await find(`s=${STARRED}`)).toEqual([2])
    expect(await find(`s=user/anybody/state/com.google/read`)).toEqual([2])
    expect(await find(`s=${ALL}&it=${STARRED}&r=o`)).toEqual([2])
    expect(await find(`s=${ALL}&ot=${Math.floor(Date.now() / 1_000) + 60}`)).toEqual([])
    expect(await find(`s=${ALL}&nt=1`)).toEqual([])
    for (const order of ['', '&r=o']) {
      const first = await json(`stream/items/ids?s=${ALL}&n=2${order}`)
      // What is read meanwhile must not move the next page.
      await operations.markIssue({ newsletter: feedKey, number: 3, read: true })
      const rest = await json(`stream/items/ids?s=${ALL}&n=2${order}&c=${first.continuation}`)
      const seen = [...first.itemRefs, ...rest.itemRefs].map((it) => it.id)
      expect(seen).toEqual(order === '' ? ids : ids.toReversed())
      expect(rest.continuation).toBeUndefined()
    }
  })

  it('marks and stars by every form of an id, and takes both back', async () => {
    const { json, post, get, feed, marks } = await someApp()
    const { items } = await json(`stream/contents/${feed}`)
    const { itemRefs } = await json(`stream/items/ids?s=${feed}`)
    const token = (await get('token')).text
    const [third, second, first] = items.map((it) => it.id)
    const decimal = itemRefs[1]?.id
    const hex = first?.slice(-16)
    const read = await post('edit-tag', `i=${third}&i=${decimal}&a=${READ}&r=x&ac=edit&T=${token}`)
    expect(read.text).toBe('OK')
    await post('edit-tag', `i=${hex}&a=${STARRED}`)
    expect(await marks()).toEqual([
      [3, true, false],
      [2, true, false],
      [1, false, true],
    ])
    await post('edit-tag', `i=${second}&r=${READ}&a=user/-/state/com.google/kept-unread`)
    await post('edit-tag', `i=${first}&r=${STARRED}`)
    expect(await marks()).toEqual([
      [3, true, false],
      [2, false, false],
      [1, false, false],
    ])
    const named = await post('stream/items/contents', `i=${third}&i=${decimal}`)
    const found = (JSON.parse(named.text) as Stream).items
    expect(found.map((it) => it.title)).toEqual(['Issue 3', 'Issue 2'])
  })

  it('marks all as read, except what came after it was asked for', async () => {
    const { author, operations, post, feed, feedKey, marks } = await someApp()
    const before = `${Date.now()}000`
    await new Promise((resolve) => setTimeout(resolve, 5))
    await publish(author, '# Late\n\nText')
    await expect
      .poll(
        async () =>
          (await operations.listIssues({ newsletter: feedKey })).filter((it) => it.held).length,
        { timeout: 20_000 },
      )
      .toBe(4)
    expect((await post('mark-all-as-read', `s=${feed}&ts=${before}`)).text).toBe('OK')
    expect((await marks()).map(([, read]) => read)).toEqual([false, true, true, true])
    expect((await post('mark-all-as-read', `s=${ALL}`)).text).toBe('OK')
    expect((await marks()).map(([, read]) => read)).toEqual([true, true, true, true])
  })

  it('changes nothing with a request that is wrong', async () => {
    const { json, post, get, feed, marks, origin, token } = await someApp()
    const before = await marks()
    const [item] = (await json(`stream/contents/${feed}`)).items
    const unknown = 'tag:google.com,2005:reader/item/0000000000000001'
    for (const body of [
      '',
      `i=${item?.id}&i=${unknown}&a=${READ}`,
      `i=${item?.id}&a=${READ}&T=${'0'.repeat(64)}`,
      `i=${Array(1_001).fill(item?.id).join('&i=')}&a=${READ}`,
    ]) {
      expect((await post('edit-tag', body)).status).toBe(400)
    }
    expect((await post('edit-tag', `i=${'x'.repeat(300_000)}`)).status).toBe(413)
    for (const body of ['s=feed/x', `s=${feed}&ts=x`, 's=user/-/label/none']) {
      expect((await post('mark-all-as-read', body)).status).toBe(400)
    }
    // Not even with everything right, for a page of another site.
    const foreign = { origin: 'https://evil.example' }
    const right = `i=${item?.id}&a=${READ}`
    expect((await post('edit-tag', right, foreign)).status).toBe(403)
    for (const path of [
      'stream/items/ids?s=feed/x',
      `stream/items/ids?s=${feed}&c=x`,
      `stream/items/ids?s=${feed}&n=-1`,
      `stream/items/ids?s=${feed}${Array.from({ length: 101 }, (_, i) => `&xt=${i}`).join('')}`,
    ]) {
      expect((await get(path)).status).toBe(400)
    }
    expect((await get('nothing')).status).toBe(404)
    expect(await marks()).toEqual(before)
    // The other paths of the token: no header, no browser's session in its place.
    const signIn = (passwd: string) =>
      send(origin, `/accounts/ClientLogin?Passwd=${passwd}`, { method: 'POST', body: '' })
    expect((await signIn(token)).status).toBe(200)
    expect((await signIn(token.slice(1))).status).toBe(401)
    expect((await send(origin, '/reader/api/0/token')).status).toBe(401)
  })

  it('is not let in by the session of a browser', async () => {
    const { operations } = await openAuthor([], { isOnline: false })
    const server = await ReaderServer.listen({ operations, dataDir: await temporaryDirectory() })
    onTestFinished(() => server.close())
    const { origin } = server
    const entered = await send(origin, server.enter().slice(origin.length))
    const cookie = String(entered.headers['set-cookie']).split(';', 1)[0] ?? ''
    expect((await send(origin, '/', { headers: { cookie } })).status).toBe(200)
    const { status } = await send(origin, '/reader/api/0/user-info', { headers: { cookie } })
    expect(status).toBe(401)
  })
})
