import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fileURLToPath } from 'node:url'
import { writeFile } from 'node:fs/promises'
import { openAuthor, openPeer, publish } from '../helpers/peers.ts'
import { startReader } from '../helpers/readers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { all } from '../helpers/operations.ts'
import { eventually, folderWithImage } from '../helpers/swarm-peers.ts'

const PICTURE = fileURLToPath(new URL('../../fixtures/drafts/images/tide.png', import.meta.url))

const VOID = new Set([
  'meta',
  'link',
  'input',
  'br',
  'hr',
  'img',
  'path',
  'line',
  'polyline',
  'rect',
])

/** Elements of a page that are not closed in their order, or attributes that run or load something. */
function complaints(html: string): string[] {
  const found: string[] = []
  const open: string[] = []
  for (const [, slash, name = '', attributes = ''] of html.matchAll(
    /<(\/?)([a-z][a-z0-9]*)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*\/?>/gi,
  )) {
    if (slash === '/') {
      if (!VOID.has(name) && open.pop() !== name) found.push(`wrong end of ${name}`)
    } else if (!VOID.has(name)) open.push(name)
    for (const [, key = '', value = ''] of attributes.matchAll(/([\w:-]+)(?:="([^"]*)")?/g)) {
      if (/^(?:on|style$|srcdoc|xlink)/i.test(key)) found.push(`attribute ${key}`)
      if (
        ['src', 'href', 'action', 'formaction'].includes(key) &&
        /^\s*(?:javascript|data|vbscript):/i.test(value)
      ) {
        found.push(`${key}=${value}`)
      }
      if (key === 'src' && !value.startsWith('/')) found.push(`loads ${value}`)
    }
  }
  if (open.length > 0) found.push(`open: ${open.join(' ')}`)
  return found
}

async function subscribedReader() {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 3 })
  const me = await openPeer(bootstrap)
  await all(me.operations.subscribe({ link: author.link }))
  return { author, me, reader: await startReader(me.operations), feedKey: author.feedKey }
}

/** A reader of a newsletter of one's own, with an issue of `markdown` and files beside it. */
const FILE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

async function readerOf(markdown: string, files: Readonly<Record<string, string>> = {}) {
  const author = await openAuthor([], { isOnline: false })
  const folder = await temporaryDirectory()
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  await all(author.operations.publishIssue({ draft: { markdown, folder } }))
  return { ...author, reader: await startReader(author.operations) }
}

describe('pages', () => {
  it('are well-formed, small, and load nothing from elsewhere', async () => {
    const { reader, feedKey } = await subscribedReader()
    const paths = [
      '/',
      '/?show=all',
      '/?show=starred',
      '/newsletters',
      `/n/${feedKey}`,
      `/n/${feedKey}/2`,
    ]
    paths.push('/search', '/search?q=water', '/seeding', '/add', '/feeds', '/nothing')
    for (const path of paths) {
      const { text, bytes, headers } = await reader.visit(path)
      expect(headers['content-type']).toMatch(/^text\/html/)
      expect([path, complaints(text)]).toEqual([path, []])
      expect(bytes.byteLength).toBeLessThan(60_000)
      expect(text).toMatch(/<h1[^>]*>/)
    }
  })

  it('say what to do where there is nothing', async () => {
    const me = await openPeer([], { isOnline: false })
    const reader = await startReader(me.operations)
    expect((await reader.visit('/')).text).toContain('No newsletters yet')
    expect((await reader.visit('/newsletters')).text).toContain('Your library is empty')
    const seeding = (await reader.visit('/seeding')).text
    expect(seeding).toContain('Offline.')
    expect(seeding.replace(/\s+/g, ' ')).toMatch(
      /<dt>Storage<\/dt> <dd>[\d.]+ \w+( of [\d.]+ GB)?<\/dd>/,
    )
    const unknown = await reader.visit(`/n/${'y'.repeat(52)}`)
    expect(unknown.text).toContain('Paste its link to add it.')
    expect((await reader.visit('/feeds')).text).toContain('No feeds yet')
    expect((await reader.visit('/?show=starred')).text).toContain('No newsletters yet')
  })

  it('show why a limit cannot be set, beside what was typed', async () => {
    const me = await openPeer([], { isOnline: false })
    const reader = await startReader(me.operations)
    const { status, text } = await reader.submit('/seeding', { uploadLimit: 'a lot' })
    expect(status).toBe(422)
    expect(text).toMatch(/<h1>Seeding<\/h1>[^]*role="alert"[^]*value="a lot"/)
    expect(complaints(text)).toEqual([])
  })

  it('show what is unread, newest first, until it is marked', async () => {
    const { reader, feedKey } = await subscribedReader()
    const titles = async () =>
      [...(await reader.visit('/')).text.matchAll(/class="open"[^>]*><bdi>([^<]+)/g)].map(
        (it) => it[1],
      )
    expect(await titles()).toEqual(['Issue 3', 'Issue 2', 'Issue 1'])
    const marked = await reader.submit(`/n/${feedKey}/3/mark`, { read: '1', back: '/?show=all' })
    expect([marked.status, marked.headers.location]).toEqual([303, '/?show=all'])
    expect(await titles()).toEqual(['Issue 2', 'Issue 1'])
    await reader.submit(`/n/${feedKey}/1/mark`, { starred: '1' })
    expect((await reader.visit('/?show=starred')).text).toContain('Issue 1')
    await reader.submit(`/n/${feedKey}/read`)
    expect(await titles()).toEqual([])
    expect((await reader.visit('/')).text).toContain('All read')
  })

  it('of an issue say by which key it was verified, and lead to the ones beside it', async () => {
    const { reader, feedKey } = await subscribedReader()
    const { text } = await reader.visit(`/n/${feedKey}/2`)
    expect(text).toContain('Signature verified')
    expect(text.replaceAll(' ', '')).toContain(feedKey)
    expect(text).toMatch(new RegExp(`rel="prev" data-key="k" href="/n/${feedKey}/1".+Issue 1<`))
    expect(text).toMatch(new RegExp(`rel="next" data-key="j" href="/n/${feedKey}/3".+Issue 3<`))
    expect((await reader.visit(`/n/${feedKey}/3`)).text).not.toContain('rel="next"')
  })

  it('of an issue do not repeat a title that the text begins with', async () => {
    const { reader, feedKey } = await readerOf('# Fish & Chips <1>\n\nText.')
    const { text } = await reader.visit(`/n/${feedKey}/1`)
    expect(text.match(/<h1/g)).toHaveLength(1)
  })

  it('of an issue tell that it was amended, or taken back', async () => {
    const { reader, operations, feedKey } = await readerOf('# One\n\nText.')
    await operations.amendIssue({
      number: 1,
      note: 'A <b>word</b>.',
      draft: { markdown: '# One\n\nNew.' },
    })
    const amended = await reader.visit(`/n/${feedKey}/1`)
    expect(amended.text).toContain('<strong>Amended</strong>')
    expect(amended.text).toContain('A &lt;b&gt;word&lt;/b&gt;.')
    expect(amended.text).toContain('to read')
    await operations.retractIssue({ number: 1 })
    const retracted = await reader.visit(`/n/${feedKey}/1`)
    expect(retracted.text).toContain('<strong>Retracted</strong>')
    expect(retracted.text).not.toContain('to read')
  })

  it('show foreign words only as words', async () => {
    const author = await openAuthor([], { isOnline: false })
    const { feedKey } = await author.operations.createNewsletter({
      title: '<script>alert(1)</script>',
      description: '"><img src=x onerror=alert(1)>',
    })
    const markdown =
      '---\ntitle: "</title><svg onload=alert(1)>"\nsummary: "<form action=//a>"\n---\n![x](https://a.example/x.png) <script>alert(1)</script>'
    await publish(author.operations, markdown, feedKey)
    const reader = await startReader(author.operations)
    for (const path of [
      '/newsletters',
      `/n/${feedKey}`,
      `/n/${feedKey}/1`,
      '/?show=all',
      '/feeds',
      '/seeding',
    ]) {
      const { text } = await reader.visit(path)
      expect([path, complaints(text)]).toEqual([path, []])
      expect(text).not.toMatch(/<script>|onerror=alert\(1\)>(?!&)|<svg onload|<form action=\/\/a/)
    }
    const { text } = await reader.visit(`/n/${feedKey}/1`)
    expect(text).toContain('Picture at a.example')
    expect(text).not.toMatch(/<img[^>]+a\.example/)
  })

  it('of what is not here answer 404', async () => {
    const { reader, feedKey } = await readerOf('# One\n')
    const paths = [
      `/n/${'y'.repeat(52)}`,
      `/n/${feedKey}/99`,
      `/n/${feedKey}/0`,
      '/n/x',
      `/n/${feedKey}/1/files/no.png`,
    ]
    for (const path of paths) expect([path, (await reader.visit(path)).status]).toEqual([path, 404])
  })

  it('of what is not here lead to a page that is, not to a command', async () => {
    const { reader, feedKey } = await readerOf('# One\n')
    const ways = [
      [`/n/${'y'.repeat(52)}`, '/newsletters'],
      [`/n/${feedKey}/99`, `/n/${feedKey}`],
      ['/n/x', '/'],
    ] as const
    for (const [path, way] of ways) {
      const { text } = await reader.visit(path)
      expect(text).toContain(`<a class="button plain" href="${way}">`)
      expect(text).not.toContain('Run ')
      expect((await reader.visit(way)).status).toBe(200)
    }
  })

  it('keep the theme that was chosen', async () => {
    const { reader } = await readerOf('# One\n')
    const { headers } = await reader.submit('/theme', { theme: 'dark', back: '/add' })
    expect(headers.location).toBe('/add')
    const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
    const plain = await reader.visit('/')
    expect(plain.text).not.toContain('data-theme')
    const session = await reader.ask(reader.server.enter().slice(reader.origin.length))
    const both = `${String(session.headers['set-cookie']).split(';', 1)[0]}; ${cookie}`
    expect((await reader.ask('/', { headers: { cookie: both } })).text).toContain(
      'data-theme="dark"',
    )
  })
})

describe('adding', () => {
  it('shows what a link leads to and changes nothing before it is followed', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 2 })
    const me = await openPeer(bootstrap)
    const reader = await startReader(me.operations)
    const { status, text } = await reader.submit('/add', { link: author.link })
    expect(status).toBe(200)
    expect(text).toContain('Tide tables')
    expect(text).toContain('Issue 2')
    expect(await me.operations.listNewsletters({})).toEqual([])
    const followed = await reader.submit('/subscribe', { link: author.link })
    expect(followed.headers.location).toBe(`/n/${author.feedKey}?done=followed`)
    expect((await me.operations.listNewsletters({}))[0]?.roles).toEqual(['subscriber'])
    const again = await reader.submit('/add', { link: author.link })
    expect(again.text).toContain('You follow it already')
    const titleAfter = async (name: string) => {
      await reader.submit(`/n/${author.feedKey}/name`, { name })
      return (await me.operations.listNewsletters({}))[0]?.title
    }
    expect(await titleAfter(' Mara ')).toBe('Mara')
    const page = await reader.visit(`/n/${author.feedKey}`)
    expect(page.text).toMatch(/Its author calls it <bdi>Tide tables/)
    expect(await titleAfter('')).toBe('Tide tables')
    await reader.submit(`/n/${author.feedKey}/unsubscribe`)
    expect(await me.operations.listNewsletters({})).toEqual([])
  })

  it('says what is wrong with a link', async () => {
    const { reader } = await readerOf('# One\n')
    const { status, text } = await reader.submit('/add', { link: 'https://example.org' })
    expect(status).toBe(422)
    expect(text).toContain('aria-invalid="true"')
  })

  it('can be kept for when somebody is online', async () => {
    const me = await openPeer([], { isOnline: false })
    const reader = await startReader(me.operations)
    const { headers } = await reader.submit('/subscribe/later', { link: 'y'.repeat(52) })
    expect(headers.location).toBe(`/n/${'y'.repeat(52)}?done=later`)
    const { status, text } = await reader.visit(`/n/${'y'.repeat(52)}`)
    expect(status).toBe(200)
    expect(text).toContain('Not downloaded yet')
  })
})

describe('attachments', () => {
  it('are read no further once nobody waits for them', async () => {
    const author = await openAuthor([], { isOnline: false })
    const { folder } = await folderWithImage('large.png', 8 * 1024 * 1024)
    const draft = { markdown: '# One\n\n![Tide](large.png)', folder }
    await all(author.operations.publishIssue({ draft }))
    let reading = 0
    const reader = await startReader({
      ...author.operations,
      async *readAttachment(...call) {
        reading++
        try {
          yield* author.operations.readAttachment(...call)
        } finally {
          reading--
        }
      },
    })
    const asked = get(`${reader.origin}/n/${author.feedKey}/1/files/large.png`, {
      headers: { cookie: reader.cookie },
    })
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    expect([response.statusCode, reading]).toEqual([200, 1])
    asked.on('error', () => undefined)
    response.on('error', () => undefined)
    asked.destroy()
    await eventually(() => expect(reading).toBe(0))
  })

  it('are shown if they are bitmaps, and can run nothing', async () => {
    const author = await openAuthor([], { isOnline: false })
    const folder = join(PICTURE, '..')
    await all(
      author.operations.publishIssue({
        draft: { markdown: '# One\n\n![Tide](tide.png "High")', folder },
      }),
    )
    const reader = await startReader(author.operations)
    const path = `/n/${author.feedKey}/1`
    const page = await reader.visit(path)
    expect(page.text).toContain(`<figure><img src="${path}/files/tide.png"`)
    expect(page.text).toContain('<figcaption>High</figcaption>')
    const { status, headers, bytes } = await reader.visit(`${path}/files/tide.png`)
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(bytes.byteLength),
      'content-security-policy': FILE_POLICY,
      'content-disposition': expect.stringMatching(/^inline; filename="tide.png"/) as string,
      'x-content-type-options': 'nosniff',
    })
  })

  it('are drawn if they are SVG, in a sandbox', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    const { reader, feedKey } = await readerOf('# One\n\n![a](a.svg)', { 'a.svg': svg })
    const { headers, text } = await reader.visit(`/n/${feedKey}/1/files/a.svg`)
    expect(text).toBe(svg)
    expect(headers).toMatchObject({
      'content-type': 'image/svg+xml',
      'content-security-policy': FILE_POLICY,
      'content-disposition': expect.stringMatching(/^inline; /) as string,
      'x-content-type-options': 'nosniff',
    })
  })

  it.each([
    ['a.mp3', 'audio/mpeg'],
    ['a.mp4', 'video/mp4'],
    ['a.pdf', 'application/pdf'],
    ['a.csv', 'application/octet-stream'],
    ['a.zip', 'application/octet-stream'],
  ])('are only given to keep if they are anything else, such as %s', async (name, type) => {
    const { reader, feedKey } = await readerOf(`# One\n\n[a](${name})`, { [name]: 'x' })
    const path = `/n/${feedKey}/1/files/${name}`
    expect((await reader.visit(`/n/${feedKey}/1`)).text).toContain(`<a href="${path}"`)
    const { headers } = await reader.visit(path)
    expect(headers).toMatchObject({
      'content-type': type,
      'content-security-policy': FILE_POLICY,
      'content-disposition': expect.stringMatching(/^attachment; /) as string,
    })
  })

  it('lead to the issues that the files of an import became, and to newsletters', async () => {
    const author = await openAuthor([], { isOnline: false })
    const folder = await temporaryDirectory()
    const key = 'y'.repeat(52)
    const texts = {
      '2020-01-01-a.md': `# A\n\n[b](2020-01-02-b.md#high-water) [c](/c/) [d](hyperletter://${key})`,
      '2020-01-02-b.md': '# B\n\n## High water\n\n[a](./2020-01-01-a.md)',
    }
    for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text)
    await all(author.operations.importFolder({ folder }))
    const reader = await startReader(author.operations)
    const home = `/n/${author.feedKey}`
    const first = await reader.visit(`${home}/1`)
    expect(first.text).toContain(`<a href="${home}/2#issue-high-water"`)
    expect(first.text).toMatch(/<\/a> c <a /)
    expect(first.text).toContain(
      `<a href="/add?link=${encodeURIComponent(`hyperletter://${key}`)}"`,
    )
    const second = await reader.visit(`${home}/2`)
    expect(second.text).toContain(`<a href="${home}/1"`)
    expect(second.text).toContain('<h2 id="issue-high-water">')
    const feed = await reader.ask(`/feeds/${author.feedKey}/feed.json`)
    expect(JSON.parse(feed.text)).toMatchObject({
      items: [
        {},
        { content_html: expect.stringContaining(`${reader.origin}${home}/2#`) as string },
      ],
    })
  })

  it.each([
    '../1',
    '..%2f..%2fetc%2fpasswd',
    'a.svg%00.png',
    'a.svg/',
    'A.SVG',
    '%2e%2e',
    'con',
    '',
  ])('are not found by %j', async (name) => {
    const { reader, feedKey } = await readerOf('# One\n\n![a](a.svg)', { 'a.svg': '<svg/>' })
    const { status } = await reader.visit(`/n/${feedKey}/1/files/${name}`)
    expect(status).toBe(404)
  })
})
