import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { networkInterfaces } from 'node:os'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Operations } from '../../src/api/contract/contract.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { connect } from '../../src/connect.ts'
import { Admission, isForDevices } from '../../src/web/admission.ts'
import { createReader } from '../../src/web/app.ts'
import { ReaderServer } from '../../src/web/server.ts'
import { Previews } from '../../src/web/previews.ts'
import { Uploads } from '../../src/web/uploads.ts'
import { Secrets } from '../../src/web/state.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { expectFailure, failureOf } from '../helpers/operations.ts'
import { openAuthor } from '../helpers/peers.ts'
import { form, send, type Ask } from '../helpers/readers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** A reader of one issue that lets one device in, at an address of its own. */
async function someDevice(options: { isPrivate?: boolean; hosts?: readonly string[] } = {}) {
  const author = await openAuthor([], { issues: 1, isOnline: false, ...options })
  const { operations } = author
  const dataDir = await temporaryDirectory()
  const server = await ReaderServer.listen({ operations, dataDir, hosts: options.hosts })
  onTestFinished(() => server.close())
  const { id, token } = await operations.addDevice({})
  await server.openToDevices({ host: '127.0.0.1' })
  const origin = server.deviceOrigin ?? ''
  const ask = (path: string, asked: Ask = {}) => send(origin, path, asked)
  const entered = await ask(`/enter?device=${token}`)
  const cookie = String(entered.headers['set-cookie']).split(';', 1)[0] ?? ''
  const visit = (path: string, asked: Ask = {}) =>
    ask(path, { ...asked, headers: { cookie, ...asked.headers } })
  return { ...author, server, dataDir, id, token, origin, ask, visit, entered, cookie }
}

async function formToken(visit: (path: string) => Promise<{ text: string }>): Promise<string> {
  return /name="token"\s+value="([0-9a-f]+)"/.exec((await visit('/add')).text)?.[1] ?? ''
}

describe('a device', () => {
  it('reads with the address that it scanned', async () => {
    const { entered, visit, feedKey } = await someDevice()
    expect(entered.status).toBe(303)
    expect(entered.headers.location).toBe('/')
    expect(String(entered.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict/)
    for (const path of ['/', '/newsletters', '/search?q=water', '/seeding', '/feeds', '/add']) {
      expect([path, (await visit(path)).status]).toEqual([path, 200])
    }
    expect((await visit(`/n/${feedKey}/1`)).text).toContain('High water')
  })

  it('is offered nothing that it may not do', async () => {
    const { visit, feedKey, operations } = await someDevice()
    await operations.editNewsletter({ newsletter: feedKey, names: ['tides.example'] })
    const pages = ['/', '/newsletters', '/seeding', `/n/${feedKey}`, `/n/${feedKey}/1`]
    const texts = await Promise.all(pages.map(async (it) => (await visit(it)).text))
    const actions = texts.flatMap((it) =>
      [...it.matchAll(/ (?:form)?action="([^"]+)"/g)].map(([, path = '']) => path),
    )
    expect(actions.length).toBeGreaterThan(pages.length)
    expect(actions.filter((it) => !isForDevices('POST', it) && !isForDevices('GET', it))).toEqual(
      [],
    )
    const links = texts.flatMap((it) =>
      [...it.matchAll(/ href="(\/[^"?#]*)/g)].map(([, path = '']) => path),
    )
    expect(links.length).toBeGreaterThan(pages.length)
    expect(links.filter((it) => !isForDevices('GET', it))).toEqual([])
  })

  it('marks and stars what it reads', async () => {
    const { visit, origin, feedKey, operations } = await someDevice()
    const token = await formToken(visit)
    const sent = form(origin, { token, starred: '1', back: '/' })
    expect((await visit(`/n/${feedKey}/1/mark`, sent)).status).toBe(303)
    const [issue] = await operations.listIssues({ newsletter: feedKey })
    expect(issue?.starred).toBe(true)
  })

  it('is let in no longer once it is removed', async () => {
    const { ask, visit, operations, token, id } = await someDevice()
    const feeds = new URL(
      /https?:[^"]+newsletters\.opml[^"]*/.exec((await visit('/feeds')).text)?.[0] ?? '',
    )
    const feed = feeds.pathname + feeds.search
    expect((await ask(feed)).status).toBe(200)
    await operations.removeDevice({ device: id })
    expect((await visit('/')).status).toBe(401)
    expect((await ask(`/enter?device=${token}`)).status).toBe(401)
    expect((await ask(feed)).status).toBe(401)
    const api = { authorization: `GoogleLogin auth=${token}` }
    expect((await ask('/reader/api/0/user-info', { headers: api })).status).toBe(401)
  })

  it('has feeds with addresses of its own, for public newsletters too', async () => {
    for (const isPrivate of [false, true]) {
      const { ask, visit, origin, feedKey, id, server } = await someDevice({ isPrivate })
      const page = (await visit('/feeds')).text
      const address =
        new RegExp(`${origin}/feeds/${feedKey}/atom\\.xml\\?key=[^"]+`).exec(page)?.[0] ?? ''
      expect(address).toContain(`key=${id}.`)
      const path = address.slice(origin.length)
      const { status, text } = await ask(path)
      expect(status).toBe(200)
      expect(text).toContain('High water')
      // In it, addresses lead to where it was asked for.
      expect(text).not.toContain(server.origin)
      expect((await ask(path.replace(/.$/, (it) => (it === '0' ? '1' : '0')))).status).toBe(404)
      expect((await ask(`/feeds/${feedKey}/atom.xml`)).status).toBe(401)
      // On this machine, too, such an address is as good as one of its own.
      expect((await send(server.origin, path)).status).toBe(200)
    }
  })

  it('keeps what it was given in a file for this user alone, its token as a hash', async () => {
    const { engine, token } = await someDevice()
    const file = join(engine.live.value.dataDir, 'devices.json')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).not.toContain(token)
  })
})

describe('from the network', () => {
  it('nobody is let in without the token, or with one that is made up', async () => {
    const { ask, feedKey, server } = await someDevice()
    const paths = ['/', '/newsletters', '/search', '/events', `/n/${feedKey}`, `/n/${feedKey}/1`]
    for (const path of [...paths, '/feeds/newsletters.opml', `/feeds/${feedKey}/feed.json`]) {
      for (const cookie of [
        '',
        `hyperletter-device-${new URL(server.deviceOrigin ?? '').port}=x`,
      ]) {
        const { status, text } = await ask(path, { headers: { cookie } })
        expect([path, status]).toEqual([path, 401])
        expect(text).not.toContain('Tide tables')
        expect(text).not.toContain('name="token"')
      }
    }
  })

  it('nobody is let in by what opens the reader on its own machine', async () => {
    const { ask, server } = await someDevice()
    const path = server.enter().slice(server.origin.length)
    expect((await ask(path)).status).toBe(401)
    const entered = await send(server.origin, path)
    const cookie = String(entered.headers['set-cookie']).split(';', 1)[0] ?? ''
    expect(entered.status).toBe(303)
    expect((await ask('/', { headers: { cookie } })).status).toBe(401)
  })

  it('a device is not let in on the machine itself', async () => {
    const { cookie, server, token } = await someDevice()
    expect((await send(server.origin, '/', { headers: { cookie } })).status).toBe(401)
    expect((await send(server.origin, `/enter?device=${token}`)).status).toBe(401)
  })

  it.each(['evil.example', 'localhost', '192.168.1.1:80', '0.0.0.0', '127.0.0.1.evil.example'])(
    'nobody is answered by the name %j',
    async (host) => {
      const { visit } = await someDevice()
      for (const path of ['/', '/feeds/newsletters.opml', '/reader/api/0/token']) {
        const { status, text } = await visit(path, { headers: { host } })
        expect(status).toBe(421)
        expect(text).not.toContain('Tide tables')
      }
    },
  )

  it('a name that the settings allow is answered', async () => {
    const { visit } = await someDevice({ hosts: ['reader.lan'] })
    const feeds = await visit('/feeds', { headers: { host: 'reader.lan:8080' } })
    expect(feeds.status).toBe(200)
    expect(feeds.text).toContain('http://reader.lan:8080/feeds/')
  })

  it.each(['https://evil.example', 'null', 'http://127.0.0.1:1'])(
    'nothing is changed or shown for a page of %s',
    async (origin) => {
      const { visit } = await someDevice()
      const token = await formToken(visit)
      const headers = { origin, 'content-type': 'application/x-www-form-urlencoded' }
      const body = new URLSearchParams({ token, theme: 'dark' }).toString()
      expect((await visit('/look', { method: 'POST', headers, body })).status).toBe(403)
      expect((await visit('/', { headers: { origin } })).status).toBe(403)
    },
  )

  it('a change needs the token of a page that this device was given', async () => {
    const { visit, origin, server, feedKey, operations } = await someDevice()
    const entered = await send(server.origin, server.enter().slice(server.origin.length))
    const cookie = String(entered.headers['set-cookie']).split(';', 1)[0] ?? ''
    const here = await formToken((path) => send(server.origin, path, { headers: { cookie } }))
    for (const token of ['', 'x', here]) {
      const { status } = await visit(`/n/${feedKey}/read`, form(origin, { token }))
      expect(status).toBe(422)
    }
    const { headers: _, ...unknown } = form(origin, { token: await formToken(visit) })
    expect((await visit('/look', unknown)).status).toBe(403)
    expect((await operations.listIssues({ newsletter: feedKey }))[0]?.starred).toBe(false)
  })

  it('what is not for devices is refused, whatever they send', async () => {
    const { visit, origin, feedKey, operations } = await someDevice()
    const token = await formToken(visit)
    for (const path of ['/sign-out', '/import', `/n/${feedKey}/unsubscribe`]) {
      expect((await visit(path, form(origin, { token }))).status).toBe(403)
    }
    for (const path of ['/sign-out', '/nothing']) expect((await visit(path)).status).toBe(403)
    expect(await operations.listNewsletters({})).toHaveLength(1)
  })

  it('whoever tries too many tokens is told to stop; the right one is good all the same', async () => {
    const { ask, visit } = await someDevice()
    const statuses: number[] = []
    for (let tries = 0; tries < 40; tries++) {
      statuses.push((await ask(`/enter?device=wrong${tries}`)).status)
    }
    expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401))
    expect(statuses.slice(-10)).toEqual(Array(10).fill(429))
    expect((await visit('/')).status).toBe(200)
  })

  it('is asked only for what the guard knows: every route is for devices, or is named here', async () => {
    const operations = {} as Operations
    const app = createReader({
      operations,
      previews: new Previews(operations, new Uploads('/nowhere')),
      origin: () => 'http://127.0.0.1:1',
      secrets: new Secrets('a'),
      signOut: () => Promise.resolve(),
      signal: new AbortController().signal,
    })
    const key = 'y'.repeat(52)
    const isApi = (path: string) => /^(?:\/api\/greader\.php)?\/(?:reader|accounts)\//.test(path)
    const here = app.routes
      .filter(({ method, path }) => method !== 'ALL' && !path.includes('*') && !isApi(path))
      .map(({ method, path }) => ({
        method,
        path: path
          .replace(/:key\{[^/]*\}\}/g, key)
          .replace(/:number\{[^/]*\}\}?/g, '1')
          .replace(/:later\{later\}\?/, 'later')
          .replace('undo/:id{[0-9a-f]{16}}', 'undo/0123456789abcdef')
          .replace(/:name\{.+\}/, 'a.png')
          .replace(/:(?:file|token)[^/]*/, 'x'),
      }))
      .filter((it) => !isForDevices(it.method, it.path))
      .map(({ method, path }) => `${method} ${path.replace(key, 'KEY')}`)
    expect(here.toSorted()).toMatchInlineSnapshot(`
      [
        "GET /n/KEY/1/retract",
        "GET /n/KEY/edit",
        "GET /n/KEY/letters",
        "GET /n/KEY/talk",
        "GET /n/KEY/talk/events",
        "GET /preview/:id{[0-9a-f]{32}}",
        "GET /preview/:id{[0-9a-f]{32}}/events",
        "GET /preview/:id{[0-9a-f]{32}}/files/a.png",
        "GET /sign-out",
        "GET /write",
        "POST /import",
        "POST /import",
        "POST /n/KEY/1/amend",
        "POST /n/KEY/1/retract",
        "POST /n/KEY/edit",
        "POST /n/KEY/letters",
        "POST /n/KEY/letters",
        "POST /n/KEY/letters/1",
        "POST /n/KEY/letters/1",
        "POST /n/KEY/letters/admit",
        "POST /n/KEY/letters/admit",
        "POST /n/KEY/letters/unblock",
        "POST /n/KEY/letters/unblock",
        "POST /n/KEY/name",
        "POST /n/KEY/talk",
        "POST /n/KEY/talk/hide",
        "POST /n/KEY/unsubscribe",
        "POST /n/KEY/verify",
        "POST /preview/:id{[0-9a-f]{32}}/publish",
        "POST /preview/:id{[0-9a-f]{32}}/publish",
        "POST /preview/:id{[0-9a-f]{32}}/text",
        "POST /preview/:id{[0-9a-f]{32}}/text",
        "POST /scheduled/:id{[0-9a-f]{8}}/cancel",
        "POST /scheduled/:id{[0-9a-f]{8}}/cancel",
        "POST /seeding",
        "POST /sign-out",
        "POST /write",
        "POST /write",
      ]
    `)
  })
})

describe('devices', () => {
  it('are known by name and id, each name once', async () => {
    const { operations } = await openAuthor([], { isOnline: false })
    const first = await operations.addDevice({})
    const second = await operations.addDevice({})
    await operations.addDevice({ name: 'Tablet' })
    expect(first.token).not.toBe(second.token)
    await expectFailure('INVALID_INPUT', operations.addDevice({ name: 'Tablet' }))
    await operations.removeDevice({ device: 'phone' })
    await expectFailure('INVALID_INPUT', operations.removeDevice({ device: 'phone' }))
    const names = (await operations.listDevices({})).map((it) => it.name)
    expect(names).toEqual(['phone 2', 'Tablet'])
    expect(await operations.admitDevice({ token: first.token })).toBeNull()
    expect(await operations.admitDevice({ token: second.token })).toMatchObject({ name: 'phone 2' })
  })

  it('outlive a restart', async () => {
    const dataDir = await temporaryDirectory()
    const engine = await openEngine({ dataDir })
    const { token } = await bindOperations(engine, 'engine').addDevice({})
    await engine.close()
    const again = bindOperations(await openEngine({ dataDir }), 'engine')
    expect(await again.admitDevice({ token })).toMatchObject({ name: 'phone' })
    expect((await again.listDevices({}))[0]?.usedAt).toBeDefined()
  })

  it('let nobody in by a damaged file, which stays as it is', async () => {
    const { engine, operations } = await openAuthor([], { isOnline: false })
    const file = join(engine.live.value.dataDir, 'devices.json')
    await writeFile(file, '{"devices":[{"id":"1"')
    await expectFailure('INVALID_INPUT', operations.admitDevice({ token: 'x' }))
    await expectFailure('INVALID_INPUT', operations.addDevice({}))
    expect(await readFile(file, 'utf8')).toBe('{"devices":[{"id":"1"')
  })

  it('are let in by nothing but a whole token', async () => {
    const asked: string[] = []
    const operations = {
      admitDevice: ({ token }: { token: string }) => {
        asked.push(token)
        return Promise.resolve(null)
      },
      listDevices: () => Promise.resolve([]),
    }
    const admission = new Admission(operations)
    for (const token of ['', 'x'.repeat(129), 'a b', '\u0000', '../x']) {
      expect(await admission.admit(token, '192.168.1.2')).toBeUndefined()
    }
    expect(asked).toEqual([])
  })
})

describe('the network', () => {
  it('reaches the reader from the first device to the last, at a port that stays', async () => {
    const config = configOf(await temporaryDirectory())
    const connection = await connect(config)
    onTestFinished(() => connection.close())
    const { operations, openReader } = connection
    const here = new URL(await openReader({})).origin
    const noDevice = await failureOf(openReader({ device: 'x' }))
    expect(noDevice.code).toBe('INVALID_INPUT')
    const { id, token } = await operations.addDevice({})
    const address = await openReader({ device: token })
    expect((await fetch(address, { redirect: 'manual' })).status).toBe(303)
    await operations.removeDevice({ device: id })
    await expect(fetch(address)).rejects.toThrow('fetch failed')
    expect((await fetch(here)).status).toBe(401)
    const next = await operations.addDevice({})
    expect(new URL(await openReader({ device: next.token })).origin).toBe(new URL(address).origin)
  })

  it('cannot reach it where the settings name an address of another machine', async () => {
    const config = { ...configOf(await temporaryDirectory()), webAddress: { host: '203.0.113.7' } }
    const connection = await connect(config)
    onTestFinished(() => connection.close())
    const { token } = await connection.operations.addDevice({})
    const failure = await failureOf(connection.openReader({ device: token }))
    expect(failure).toMatchObject({ code: 'INVALID_INPUT' })
    expect(failure.message).toContain('203.0.113.7')
    // The reader of this machine goes on.
    expect((await fetch(await connection.openReader({}), { redirect: 'manual' })).status).toBe(303)
  })

  it('is listened to at every address of this machine', async ({ skip }) => {
    const own = Object.values(networkInterfaces())
      .flatMap((it) => it ?? [])
      .find((it) => it.family === 'IPv4' && !it.internal)
    skip(own === undefined, 'This machine is in no network.')
    const { operations } = await openAuthor([], { isOnline: false })
    const dataDir = await temporaryDirectory()
    const server = await ReaderServer.listen({ operations, dataDir })
    onTestFinished(() => server.close())
    await server.openToDevices({})
    const { port } = new URL(server.deviceOrigin ?? '')
    expect((await fetch(`http://${own?.address}:${port}/`)).status).toBe(401)
  })
})
