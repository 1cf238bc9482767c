import { connect } from 'node:net'
import { once } from 'node:events'
import { readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createReader } from '../../src/web/app.ts'
import { Previews } from '../../src/web/previews.ts'
import { Uploads } from '../../src/web/uploads.ts'
import { Secrets, SESSION_MS } from '../../src/web/state.ts'
import { ReaderServer } from '../../src/web/server.ts'
import { form, startReader } from '../helpers/readers.ts'
import { openAuthor, publish } from '../helpers/peers.ts'
import { failureOf } from '../helpers/operations.ts'

/** A reader with one newsletter of one issue. */
async function someReader() {
  const author = await openAuthor([], { issues: 1, isOnline: false })
  return { ...author, reader: await startReader(author.operations) }
}

const POSTS = [
  '/theme',
  '/add',
  '/subscribe',
  '/subscribe/later',
  '/n/KEY/name',
  '/n/KEY/verify',
  '/n/KEY/letters',
  '/n/KEY/letters/1',
  '/n/KEY/letters/unblock',
  '/n/KEY/talk',
  '/n/KEY/talk/hide',
  '/n/KEY/unsubscribe',
  '/n/KEY/1/mark',
  '/n/KEY/read',
]

describe('who is let in', () => {
  it.each(['evil.example', 'localhost.evil.example', '127.0.0.2', '[::2]:80', '0.0.0.0:80'])(
    'nobody by the name %j',
    async (host) => {
      const { reader } = await someReader()
      for (const path of ['/', '/add', '/feeds/all/atom.xml', '/events', '/enter']) {
        const { status, text } = await reader.visit(path, { headers: { host } })
        expect([400, 421]).toContain(status)
        expect(text).not.toContain('Tide tables')
      }
    },
  )

  it('both names of this machine', async () => {
    const { reader } = await someReader()
    const { port } = new URL(reader.origin)
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`]) {
      expect((await reader.visit('/', { headers: { host } })).status).toBe(200)
    }
  })

  it('both at another port, which `ssh -L` leads here: pages and feeds then name that one', async () => {
    const { reader, feedKey } = await someReader()
    for (const host of ['127.0.0.1:8080', 'localhost:8080', 'localhost', '[::1]:80']) {
      const headers = { host }
      const page = await reader.visit('/feeds', { headers })
      const { origin } = new URL(`http://${host}`)
      expect(page.text).toContain(`${origin}/feeds/${feedKey}/atom.xml`)
      const feed = await reader.ask(`/feeds/${feedKey}/atom.xml`, { headers })
      expect(feed.text).toContain(`href="${origin}/feeds/${feedKey}/atom.xml"`)
      expect(feed.text).not.toContain(reader.origin)
      const token = /name="token"\s+value="([0-9a-f]+)"/.exec(page.text)?.[1] ?? ''
      const sent = form(origin, { token, theme: 'dark' })
      const at = (from: string) => ({ ...sent, headers: { ...sent.headers, host, origin: from } })
      expect((await reader.visit('/theme', at(origin))).status).toBe(303)
      // Another port of this machine is another site.
      expect((await reader.visit('/theme', at('http://localhost:3000'))).status).toBe(403)
      expect((await reader.visit('/theme', at(reader.origin))).status).toBe(403)
    }
  })

  it.each([
    ['http://127.0.0.1:80', '127.0.0.1', 200],
    ['http://127.0.0.1:80', 'localhost:80', 200],
    ['http://127.0.0.1:80', '127.0.0.1:8080', 200],
    ['http://127.0.0.1:80', '127.0.0.1.evil.example:80', 421],
    ['http://127.0.0.1:4937', 'reader.lan', 200],
    ['http://127.0.0.1:4937', 'READER.lan:8443', 200],
    ['http://127.0.0.1:4937', 'reader.lan.evil.example', 421],
    ['http://127.0.0.1:4937', 'reader.lan@evil.example', 421],
    ['http://127.0.0.1:4937', '', 421],
  ])('at %s, the name %j gets %i', async (origin, host, status) => {
    const { operations } = await openAuthor([], { isOnline: false })
    const app = createReader({
      operations,
      previews: new Previews(operations, new Uploads('/nowhere')),
      origin: () => origin,
      hosts: ['reader.lan'],
      secrets: new Secrets('a'),
      signOut: () => Promise.resolve(),
      signal: new AbortController().signal,
    })
    const get = (headers: Record<string, string>) =>
      app.request('/feeds/newsletters.opml', { headers: { host, ...headers } })
    expect((await get({})).status).toBe(status)
    // A page under that name may ask too, and no page under another.
    const own = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).origin : ''
    expect((await get({ origin: own })).status).toBe(status)
    const refused = status === 200 ? 403 : status
    expect((await get({ origin: 'http://evil.example' })).status).toBe(refused)
  })

  it('to a name that is not the reader’s, it says which is', async () => {
    const { reader } = await someReader()
    const { text } = await reader.ask('/', { headers: { host: 'reader.lan' } })
    expect(text).toContain(reader.origin)
    expect(text).toContain('readerHosts')
  })

  it.each(['https://evil.example', 'null', 'http://127.0.0.1:1', 'file://'])(
    'nobody from the origin %s',
    async (origin) => {
      const { reader } = await someReader()
      for (const method of ['GET', 'POST']) {
        const { status } = await reader.visit('/add', { method, headers: { origin } })
        expect(status).toBe(403)
      }
    },
  )

  it('nobody on behalf of another site, except to a page that the user goes to', async () => {
    const { reader } = await someReader()
    const site = (mode: string) => ({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': mode })
    expect((await reader.visit('/', { headers: site('no-cors') })).status).toBe(403)
    expect((await reader.visit('/', { headers: site('navigate') })).status).toBe(200)
    const posted = await reader.visit('/theme', { method: 'POST', headers: site('navigate') })
    expect(posted.status).toBe(403)
  })

  it('nobody without a session, and it is not told what is here', async () => {
    const { reader, feedKey } = await someReader()
    const paths = [
      '/',
      '/newsletters',
      '/search',
      '/seeding',
      '/add',
      '/feeds',
      '/events',
      '/nothing',
    ]
    for (const path of [
      ...paths,
      `/n/${feedKey}`,
      `/n/${feedKey}/1`,
      `/n/${feedKey}/1/files/a.png`,
    ]) {
      const { status, text } = await reader.ask(path)
      expect([path, status]).toEqual([path, 401])
      expect(text).not.toContain('Tide tables')
      expect(text).not.toContain('name="token"')
    }
  })

  it('nobody with a made-up session', async () => {
    const { reader } = await someReader()
    const { port } = new URL(reader.origin)
    for (const value of ['', 'x', '0'.repeat(64)]) {
      const cookie = `hyperletter-${port}=${value}`
      expect((await reader.ask('/', { headers: { cookie } })).status).toBe(401)
    }
  })

  it('one browser, once, by the address that is printed', async () => {
    const { reader } = await someReader()
    const path = reader.server.enter('/seeding').slice(reader.origin.length)
    const first = await reader.ask(path)
    expect(first.status).toBe(303)
    expect(first.headers.location).toBe('/seeding')
    expect(String(first.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict/)
    expect((await reader.ask(path)).status).toBe(401)
    // Who is in already just goes on.
    expect((await reader.visit(path)).status).toBe(303)
  })

  it('a browser that comes from a file, by a page that leads on', async () => {
    const { reader } = await someReader()
    const path = reader.server.enter('/seeding').slice(reader.origin.length)
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    const entered = await reader.ask(path, { headers })
    expect(entered.status).toBe(200)
    expect(String(entered.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict/)
    expect(entered.text).toContain('content="0;url=/seeding"')
  })

  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/a\r\nset-cookie: a=b',
    '',
  ])('never on to %j', async (to) => {
    const { reader } = await someReader()
    const token = new URL(reader.server.enter()).searchParams.get('token') ?? ''
    const query = new URLSearchParams({ token, to }).toString()
    expect((await reader.ask(`/enter?${query}`)).headers.location).toBe('/')
    const { headers } = await reader.submit('/theme', { theme: 'dark', back: to })
    expect(headers.location).toBe('/')
  })
})

describe('changes', () => {
  it('need the token of a page', async () => {
    const { reader, feedKey } = await someReader()
    for (const path of POSTS) {
      for (const token of ['', 'x', '0'.repeat(64)]) {
        const sent = form(reader.origin, { token, link: feedKey })
        const { status } = await reader.visit(path.replace('KEY', feedKey), sent)
        expect([path, status]).toEqual([path, 422])
      }
    }
  })

  it('need a session too', async () => {
    const { reader, feedKey } = await someReader()
    const page = await reader.visit('/add')
    const token = /name="token"\s+value="([0-9a-f]+)"/.exec(page.text)?.[1] ?? ''
    expect(token).not.toBe('')
    for (const path of POSTS) {
      const sent = form(reader.origin, { token })
      const { status } = await reader.ask(path.replace('KEY', feedKey), sent)
      expect([path, status]).toEqual([path, 401])
    }
  })

  it('need an origin', async () => {
    const { reader } = await someReader()
    const { headers: _, ...sent } = form(reader.origin, {})
    expect((await reader.visit('/theme', sent)).status).toBe(403)
  })

  it('do not happen by looking at a page', async () => {
    const { reader, operations, feedKey } = await someReader()
    for (const path of [
      `/n/${feedKey}/1`,
      `/n/${feedKey}/1/mark?starred=1`,
      `/n/${feedKey}/unsubscribe`,
    ]) {
      await reader.visit(path)
    }
    const [issue] = await operations.listIssues({ newsletter: feedKey })
    expect(issue?.starred).toBe(false)
  })

  it('have a body of bounded size', async () => {
    const { reader } = await someReader()
    const { status } = await reader.submit('/add', { link: 'x'.repeat(100_000) })
    expect(status).toBe(413)
  })
})

describe('every answer', () => {
  it('forbids scripts, styles, frames and forms of others', async () => {
    const { reader, feedKey } = await someReader()
    const paths = ['/', `/n/${feedKey}/1`, '/nothing', '/add', '/seeding']
    const answers = await Promise.all(paths.map((it) => reader.visit(it)))
    answers.push(
      await reader.ask('/'),
      await reader.ask('/', { headers: { host: 'evil.example' } }),
    )
    for (const { headers, text } of answers) {
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toMatch(/unsafe|\*|data:|https?:/)
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'same-origin',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
      })
      expect(headers).not.toHaveProperty('access-control-allow-origin')
      expect(text).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?! src="\/assets\/)/i)
    }
  })

  it('has no notice of a name that an address made up', async () => {
    const { reader } = await someReader()
    const textAt = async (path: string) =>
      (await reader.visit(path)).text.replaceAll(/(?:\?|%3F)done[=%\w]*/g, '')
    const page = await textAt('/')
    for (const name of ['nothing', 'constructor', '__proto__', 'toString']) {
      expect(await textAt(`/?done=${name}`)).toBe(page)
    }
  })

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])('to %s is no', async (method) => {
    const { reader } = await someReader()
    expect((await reader.visit('/', { method })).status).toBe(405)
  })

  it.each([
    '/../../etc/passwd',
    '/assets/../../package.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/assets/%2e%2e%2f',
  ])('to %s gives no file', async (path) => {
    const { reader } = await someReader()
    const { status, text } = await reader.visit(path)
    expect(status).toBe(404)
    expect(text).not.toMatch(/root:|"dependencies"/)
  })

  it('to a huge head is a refusal', async () => {
    const { reader } = await someReader()
    const { status } = await reader.ask('/', { headers: { 'x-a': 'x'.repeat(20_000) } })
    expect(status).toBe(431)
  })

  it('to what is not HTTP is a refusal', async () => {
    const { reader } = await someReader()
    const { port } = new URL(reader.origin)
    const socket = connect(Number(port), '127.0.0.1')
    socket.end('\u0000\u0001 nonsense\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400/)
    socket.destroy()
  })
})

describe('the server', () => {
  // Many programs ask for HTTP/2 so, and go on with HTTP/1.1.
  it.each(['h2c', 'websocket'])(
    'answers a request for %s as any other, and closes though somebody stays connected',
    async (protocol) => {
      const { reader } = await someReader()
      const { port } = new URL(reader.origin)
      const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true })
      socket.on('error', () => undefined)
      socket.write(
        `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`,
      )
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 401/)
      await reader.server.close()
      socket.destroy()
    },
  )

  it('listens on the loopback address only', async () => {
    const { reader } = await someReader()
    expect(reader.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  it('keeps port and session, in a file that only this user can read', async () => {
    const { reader, operations } = await someReader()
    const { dataDir, origin } = reader
    const before = await reader.visit('/')
    await reader.server.close()
    const again = await startReader(operations, { dataDir })
    expect(again.origin).toBe(origin)
    const cookie = String(
      (await again.ask(again.server.enter().slice(origin.length))).headers['set-cookie'],
    )
    expect(before.status).toBe(200)
    expect(cookie).toContain(`hyperletter-${new URL(origin).port}=`)
    expect((await stat(join(dataDir, 'reader.json'))).mode & 0o077).toBe(0)
  })

  it('keeps secret and fields that another version wrote', async () => {
    const { reader, operations } = await someReader()
    const { dataDir } = reader
    await reader.server.close()
    const file = join(dataDir, 'reader.json')
    const { secret } = JSON.parse(await readFile(file, 'utf8')) as { secret: string }
    const later = { port: 'auto', otherPort: { v6: 1 }, secret, theme: ['dark'] }
    await writeFile(file, JSON.stringify(later))
    await startReader(operations, { dataDir })
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ secret, theme: ['dark'] })
  })

  it('takes another port if its own is taken, unless it was told which', async () => {
    const { reader, operations } = await someReader()
    const port = Number(new URL(reader.origin).port)
    const other = await startReader(operations)
    expect(other.origin).not.toBe(reader.origin)
    const { dataDir } = other
    const failure = await failureOf(ReaderServer.listen({ operations, dataDir, port }))
    expect(failure.code).toBe('INVALID_INPUT')
  })
})

describe('sessions', () => {
  const cookieOf = (reader: { origin: string }, value: string) => ({
    cookie: `hyperletter-${new URL(reader.origin).port}=${value}`,
  })

  /** What the server knows, as its file tells. */
  async function secretsOf(dataDir: string): Promise<Secrets> {
    const { secret } = JSON.parse(await readFile(join(dataDir, 'reader.json'), 'utf8')) as {
      secret: string
    }
    return new Secrets(secret)
  }

  it('end a month after they were last used, and get a new cookie each day', async () => {
    const { reader } = await someReader()
    const secrets = await secretsOf(reader.dataDir)
    const visit = (ageMs: number) =>
      reader.ask('/', { headers: cookieOf(reader, secrets.session(Date.now() - ageMs)) })
    const fresh = await visit(60_000)
    expect([fresh.status, fresh.headers['set-cookie']]).toEqual([200, undefined])
    const old = await visit(2 * 24 * 60 * 60_000)
    expect(old.status).toBe(200)
    const renewed = /hyperletter-\d+=([^;]+)/.exec(String(old.headers['set-cookie']))?.[1] ?? ''
    expect(secrets.check(renewed)).toBe('valid')
    expect((await visit(SESSION_MS + 60_000)).status).toBe(401)
  })

  it('all end when the user signs out everywhere, and the addresses of private feeds change', async () => {
    const { reader } = await someReader()
    const before = await secretsOf(reader.dataDir)
    const link = reader.server.enter().slice(reader.origin.length)
    expect((await reader.visit('/')).status).toBe(200)
    // Whoever could write there once may have left links to a file that is none of the reader's.
    const other = join(reader.dataDir, 'other')
    await writeFile(other, 'as it was')
    for (const end of ['tmp', 'part'])
      await symlink(other, join(reader.dataDir, `reader.json.${end}`))
    expect((await reader.submit('/sign-out')).status).toBe(303)
    expect(await readFile(other, 'utf8')).toBe('as it was')
    expect((await reader.visit('/')).status).toBe(401)
    expect((await reader.ask(link)).status).toBe(401)
    const after = await secretsOf(reader.dataDir)
    expect(after.feed('all')).not.toBe(before.feed('all'))
    const entered = await reader.ask(reader.server.enter().slice(reader.origin.length))
    expect(entered.status).toBe(303)
  })

  it('stay when a later version has added a field to the file', async () => {
    const { reader, operations } = await someReader()
    const { dataDir, origin } = reader
    const cookie = cookieOf(reader, (await secretsOf(dataDir)).session())
    await reader.server.close()
    const file = join(dataDir, 'reader.json')
    const state = JSON.parse(await readFile(file, 'utf8')) as object
    await writeFile(file, JSON.stringify({ ...state, theme: 'dark' }))
    const again = await startReader(operations, { dataDir })
    expect(again.origin).toBe(origin)
    expect((await again.ask('/', { headers: cookie })).status).toBe(200)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ theme: 'dark' })
  })
})

describe('many connections', () => {
  it('with half a request each do not keep others out', async () => {
    const { reader } = await someReader()
    const { port } = new URL(reader.origin)
    const sockets = await Promise.all(
      Array.from({ length: 350 }, async (_, at) => {
        const socket = connect(Number(port), '127.0.0.1')
        socket.on('error', () => undefined)
        await once(socket, 'connect')
        // Who has half a body is answered before the rest of it. Of half a head come more than may be open at once.
        const hasBody = at < 50
        const head = `${hasBody ? 'POST' : 'GET'} / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`
        socket.write(!hasBody ? head : `${head}Content-Length: 1000\r\n\r\nx`)
        return socket
      }),
    )
    for (let i = 0; i < 5; i++) expect((await reader.visit('/')).status).toBe(200)
    for (const it of sockets) it.destroy()
  })

  it('are closed soon when a request does not go on', async () => {
    const { reader } = await someReader()
    const socket = connect(Number(new URL(reader.origin).port), '127.0.0.1')
    const startedAt = performance.now()
    socket.write('GET / HTTP/1.1\r\nHost:')
    socket.resume()
    await once(socket, 'close')
    // Node by itself looks every 30 s.
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  }, 60_000)
})

describe('what is private', () => {
  it('is in no cache: pictures and feeds', async () => {
    const { operations } = await openAuthor([], { isOnline: false })
    const reader = await startReader(operations)
    const folder = join(import.meta.dirname, '../../fixtures/newsletters/tide-tables')
    const cached = async (isPrivate: boolean) => {
      const title = isPrivate ? 'Secret' : 'Open'
      const { feedKey } = await operations.createNewsletter({ title, private: isPrivate })
      await publish(operations, '# Tides\n\n![](images/neap-tide.png)\n', feedKey, folder)
      const picture = await reader.visit(`/n/${feedKey}/1/files/images/neap-tide.png`)
      const feed = await reader.visit(`/feeds/${feedKey}/atom.xml`)
      expect([picture.status, feed.status]).toEqual([200, 200])
      const asked = await reader.ask(`/feeds/${feedKey}/atom.xml`)
      return [picture, feed, asked].map((it) => String(it.headers['cache-control']))
    }
    expect(await cached(true)).toEqual(['no-store', 'no-store', 'no-store'])
    expect(await cached(false)).toEqual(['private, max-age=3600', 'no-store', 'private, no-cache'])
  })
})
