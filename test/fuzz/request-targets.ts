import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { openEngine } from '../../src/api/open-engine.ts'
import { ReaderServer } from '../../src/web/server.ts'
import { bytesOf, directory, hostileJson, mutated, textOf, type Target } from './target.ts'

interface Served {
  readonly origin: string
  /** What a browser and an app that were let in send, by placeholders in requests. */
  readonly secrets: Readonly<Record<string, string>>
}

let serving: Promise<Served> | undefined

async function serve(): Promise<Served> {
  const dataDir = directory()
  const { operations } = await openEngine({
    dataDir,
    bootstrap: [],
    host: '127.0.0.1',
    localDiscovery: false,
  })
  const { feedKey } = await operations.createNewsletter({ title: 'Tide Tables' })
  for (const title of ['Spring tides', 'Neap tides']) {
    const markdown = `---\ntitle: ${title}\n---\nHigh water at *noon*.\n`
    for await (const _ of operations.publishIssue({ newsletter: feedKey, draft: { markdown } }));
  }
  const { token } = await operations.addDevice({ name: 'app' })
  const server = await ReaderServer.listen({ operations, dataDir, port: 0 })
  const { origin } = server
  const entered = await fetch(server.enter(), { redirect: 'manual' })
  const cookie = entered.headers.getSetCookie()[0]?.split(';', 1)[0] ?? ''
  const page = await (await fetch(`${origin}/add`, { headers: { cookie } })).text()
  const form = /name="token"\s+value="([0-9a-f]+)"/.exec(page)?.[1] ?? ''
  return {
    origin,
    secrets: { HOST: new URL(origin).host, COOKIE: cookie, FORM: form, TOKEN: token, KEY: feedKey },
  }
}

const HEAD =
  ' HTTP/1.1\r\nHost: {HOST}\r\nOrigin: http://{HOST}\r\nCookie: {COOKIE}\r\nAuthorization: GoogleLogin auth=a/{TOKEN}\r\n'
const API = '/api/greader.php/reader/api/0'
const GETS = [
  '/',
  '/newsletters',
  '/n/{KEY}',
  '/n/{KEY}/1',
  '/n/{KEY}?before=2',
  '/search?q=tide&in={KEY}&since=2026-01-01',
]
  .concat([
    '/?show=all&page=1&in={KEY}',
    '/feeds',
    '/feeds/{KEY}/atom.xml',
    '/feeds/all/page/1/feed.json',
  ])
  .concat([
    '/feeds/{KEY}/archive/1/rss.xml',
    '/feeds/newsletters.opml',
    '/add',
    '/events',
    '/n/{KEY}/1/files/a.png',
  ])
  .concat([`${API}/user-info`, `${API}/subscription/list`, `${API}/unread-count`, `${API}/token`])
  .concat([
    `${API}/stream/items/ids?s=user/-/state/com.google/reading-list&n=10&ot=1&nt=9999999999&r=o&xt=user/-/state/com.google/read&c=`,
  ])
  .concat([`${API}/stream/contents/feed/{KEY}?n=2&c=1-1&it=user/1/state/com.google/starred`])
  .concat([
    '/reader/atom/feed/{KEY}?n=1',
    `${API}/stream/items/contents?i=1&i=tag:google.com,2005:reader/item/0000000000000001`,
  ])
const POSTS: readonly (readonly [string, string])[] = [
  ['/n/{KEY}/1/mark', 'token={FORM}&read=true&starred=false'],
  ['/n/{KEY}/read', 'token={FORM}'],
  ['/read', 'token={FORM}&shown={KEY}/1'],
  ['/theme', 'token={FORM}&theme=dark'],
  ['/look', 'token={FORM}&size=large'],
  ['/undo/0123456789abcdef', 'token={FORM}'],
  ['/api/greader.php/accounts/ClientLogin', 'Email=a&Passwd={TOKEN}'],
  [`${API}/edit-tag`, 'i=1&a=user/-/state/com.google/read&r=user/-/state/com.google/starred&T='],
  [`${API}/mark-all-as-read`, 's=feed/{KEY}&ts=1'],
]
const posted = ([path, body]: readonly [string, string]) =>
  `POST ${path}${HEAD}Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n${body}`
const SAMPLES = [
  ...GETS.map((path) => `GET ${path}${HEAD}Connection: close\r\n\r\n`),
  ...POSTS.map(posted),
]
const WORDS = [
  '%00',
  '%',
  '%ff',
  '..',
  '../',
  '//',
  '?',
  '&',
  '=',
  '&i=',
  '&xt=',
  '&s=',
  '&c=',
  '&n=',
  '&ot=',
  '&ts=',
  '-1',
  '1e9',
]
  .concat([
    '99999999999999999999',
    'NaN',
    'Infinity',
    '0x10',
    'tag:google.com,2005:reader/item/',
    'ffffffffffffffff',
  ])
  .concat([
    '{KEY}',
    '{FORM}',
    'user/-/state/com.google/',
    'feed/',
    'Range: bytes=0-',
    'If-None-Match: *',
    '\r\n',
    '\u202e',
  ])
  .concat([
    'If-Modified-Since: x',
    'Accept-Encoding: *',
    'Cookie: ',
    'HEAD ',
    'OPTIONS ',
    'PUT ',
    '__proto__',
    'constructor',
  ])

/** Parameters of any shape behind a path that takes some. */
const parameters = fc
  .tuple(
    fc.constantFrom(...GETS),
    hostileJson(['i', 's', 'n', 'c', 'q', 'xt', 'ot', 'before', 'page', 'show']),
  )
  .map(([path, json]) => {
    const given = typeof json === 'object' && json !== null ? Object.entries(json) : [['q', json]]
    const query = new URLSearchParams(
      given.map(([name, value]): [string, string] => [
        String(name),
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    )
    return bytesOf(
      `GET ${path.split('?', 1)[0]}?${query.toString()}${HEAD}Connection: close\r\n\r\n`,
    )
  })

/** What a program on this machine, or a device that was let in, may send: it gets an answer, and never a fault of ours. */
const requests: Target = {
  name: 'requests',
  inputs: fc.oneof(mutated(SAMPLES.map(bytesOf), WORDS), parameters),
  async check(input) {
    const { origin, secrets } = await (serving ??= serve())
    const text = textOf(input).replaceAll(
      /\{([A-Z]+)\}/g,
      (all, name: string) => secrets[name] ?? all,
    )
    // A form whose length is right, whatever became of it.
    const [head = '', ...body] = text.split('\r\n\r\n')
    const form = Buffer.from(body.join('\r\n\r\n'))
    const length = form.byteLength === 0 ? '' : `\r\nContent-Length: ${form.byteLength}`
    const answer = await answerTo(
      origin,
      Buffer.concat([Buffer.from(`${head}${length}\r\n\r\n`), form]),
    )
    assert.match(answer, /^$|^HTTP\/1\.1 \d{3} /)
    assert.doesNotMatch(answer, /^HTTP\/1\.1 500 |node_modules|\.ts:\d/)
  },
}

/** Longer than a page takes; a stream of events goes on. */
const MOST_MS = 1_000

/** What comes back to some bytes until the connection ends. */
export async function answerTo(origin: string, request: Buffer): Promise<string> {
  const { hostname, port } = new URL(origin)
  const client = connect(Number(port), hostname)
  let answer = ''
  client.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1')
    if (/^content-type: text\/event-stream/im.test(answer)) client.destroy()
  })
  client.on('error', () => undefined)
  // What waits for more of a request is not kept waiting.
  client.setTimeout(MOST_MS, () => client.destroy())
  client.end(request)
  await once(client, 'close')
  return answer
}

export const REQUEST_TARGETS: readonly Target[] = [requests]
