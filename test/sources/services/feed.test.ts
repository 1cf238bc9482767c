import { once } from 'node:events'
import { truncate, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { hasCode } from '../../../src/errors.ts'
import { serviceExport } from '../../../src/sources/services/exports.ts'
import { allOf } from '../../helpers/drafts.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const RSS = `<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Tides</title><language>en</language>
  <item><title>A &amp;amp; B</title><link>https://tides.example/a</link><guid isPermaLink="false">g1</guid>
  <dc:creator>Mara</dc:creator><category>moon</category><pubDate>Thu, 01 Jan 2026 04:30:00 EST</pubDate>
  <description>Teaser</description><content:encoded><![CDATA[<p>Whole <img src="/q.png"></p>]]></content:encoded></item>
  <item><title>Cut</title><guid>https://tides.example/c</guid><pubDate>2026-01-02</pubDate>
  <description>&lt;p&gt;Only a part &lt;a href="https://tides.example/c"&gt;Read more&lt;/a&gt;&lt;/p&gt;</description></item>
  <item><title>No date</title><guid>https://tides.example/d</guid><description>x</description></item></channel></rss>`

const entry = (id: string, text: string) =>
  `<entry><id>${id}</id><title>${text}</title><updated>2026-01-01T00:00:00Z</updated>
  <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>${text}</p></div></content></entry>`
const atom = (older: string, ...entries: string[]) =>
  `<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><author><name>Mara</name></author>
  <link rel="prev-archive" href="${older}"/>${entries.join('')}</feed>`

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(answer: (path: string) => string): Promise<string> {
  server = createServer((request, response) => response.end(answer(request.url ?? ''))).listen(0)
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function file(text: string | Buffer): Promise<string> {
  const path = join(await temporaryDirectory(), 'feed.xml')
  await writeFile(path, text)
  return path
}

const own = { allowPrivateAddresses: true }
const read = async (path: string) => allOf(await serviceExport(path, own))

describe('a feed', () => {
  it('moves in from a file: whole texts, authors, tags, dates; what has none stays out', async () => {
    const { drafts, skipped } = await read(await file(RSS))
    expect([...drafts]).toMatchObject([
      [
        'https://tides.example/a',
        {
          title: 'A & B',
          publishedAt: '2026-01-01T09:30:00.000Z',
          authors: [{ name: 'Mara' }],
          tags: ['moon'],
          language: 'en',
          markdown: 'Whole ![](https://tides.example/q.png)\n',
        },
      ],
      ['https://tides.example/c', { title: 'Cut' }],
    ])
    const warnings = drafts.get('https://tides.example/c')?.warnings.map((it) => it.message)
    expect(warnings).toContain('The feed may have only the beginning of this post.')
    expect([...skipped.values()].map((it) => it.message)).toEqual(['The post has no date.'])
  })

  it('moves in from an address with its archive, each post once, its newest text', async () => {
    const address = await serve((path) => {
      if (path === '/old') return atom('/oldest', entry('e1', 'One, old'), entry('e2', 'Two'))
      if (path === '/oldest') return atom('/feed', entry('e3', 'Three'))
      return atom('/old', entry('e1', 'One'))
    })
    const { drafts } = await read(`${address}/feed`)
    expect([...drafts.values()].map((it) => it.markdown)).toEqual(['One\n', 'Two\n', 'Three\n'])
    expect([...drafts.values()][0]?.authors).toEqual([{ name: 'Mara' }])
  })

  it('is read from the base that it or a post names, without what WordPress puts below', async () => {
    const path = join(await temporaryDirectory(), 'feed.xml')
    const below =
      '&lt;p>The post &lt;a href="x">x&lt;/a> appeared first on &lt;a href="y">y&lt;/a>.&lt;/p>'
    await writeFile(
      path,
      `<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.example/b/"><id>a</id><title>A</title><updated>2026-01-01T00:00:00Z</updated>
<entry xml:base="../c/"><id>1</id><title>One</title><link href="one"/><updated>2026-01-01T00:00:00Z</updated><content type="html">&lt;a href="two">two&lt;/a>${below}</content></entry></feed>`,
    )
    const { drafts } = await allOf(await serviceExport(path, {}))
    expect(drafts.get('https://a.example/c/one')?.markdown).toBe('[two](https://a.example/c/two)\n')
  })

  it('that Blogger exported has drafts, comments and pages, which stay out', async () => {
    const kind = (of: string) =>
      `<category scheme="http://schemas.google.com/g/2005#kind" term="http://schemas.google.com/blogger/2008/kind#${of}"/>`
    const control =
      '<app:control xmlns:app="http://purl.org/atom/app#"><app:draft>yes</app:draft></app:control>'
    const said = (title: string, more: string) =>
      `<entry><id>${title}</id><title>${title}</title><published>2026-01-01T00:00:00Z</published>${more}<content type="html">${title}</content></entry>`
    const older = [
      said('Layout', kind('template')),
      said('Nice!', kind('comment')),
      said('About', kind('page')),
      said('Secret', kind('post') + control),
      said('Open', `${kind('post')}<category term="moon"/>`),
    ]
    const now = (type: string, status: string, name: string) =>
      `<author><name>Mara</name><blogger:type>BLOGGER</blogger:type></author><blogger:type>${type}</blogger:type><blogger:status>${status}</blogger:status><blogger:filename>/${name}.html</blogger:filename>`
    const newer = [
      said('Secret', now('POST', 'DRAFT', 'a')),
      said('Trash', now('POST', 'SOFT_TRASHED', 'b')),
      said('Nice!', now('COMMENT', 'LIVE', 'c')),
      said('Open', now('POST', 'LIVE', 'd')),
    ]
    const feed = (entries: string[]) =>
      atom('', ...entries).replace(
        '<feed',
        "<feed xmlns:blogger='http://schemas.google.com/blogger/2018'",
      )
    const first = await read(await file(atom('', ...older)))
    expect([...first.drafts.values()]).toMatchObject([{ title: 'Open', tags: ['moon'] }])
    expect([...first.skipped.values()].map((it) => it.message)).toEqual([
      'a template, not a post; --include extras publishes it',
      'a comment, not a post; --include extras publishes it',
      'a page, not a post; --include extras publishes it',
      'a post of the status "draft"; --include drafts publishes it',
    ])
    const site = { siteUrl: 'https://t.example/' }
    const second = await allOf(await serviceExport(await file(feed(newer)), site))
    expect([...second.drafts.keys()]).toEqual(['https://t.example/d.html'])
    expect(second.skipped.size).toBe(3)
  })

  it('of JSON moves in, plain text as such', async () => {
    const feed = {
      version: 'https://jsonfeed.org/version/1.1',
      title: 'T',
      items: [
        {
          id: 1,
          url: 'https://t.example/1',
          content_text: 'a*b <c>',
          date_published: '2026-01-01T00:00:00Z',
          image: 'https://t.example/a.png',
          banner_image: 'https://t.example/wide.png',
        },
        {
          id: 2,
          title: 'Two',
          content_html: '<p><img src="https://t.example/a.png"></p>',
          date_published: '2026-01-01T00:00:00Z',
          image: 'https://t.example/a.png',
        },
      ],
    }
    const { drafts } = await read(await file(JSON.stringify(feed)))
    expect([...drafts.values()].map((it) => it.markdown)).toEqual([
      '![](https://t.example/wide.png)\n\na\\*b \\<c>\n',
      '![](https://t.example/a.png)\n',
    ])
  })

  it('of RSS 1.0 moves in with the language and the subjects that Dublin Core names', async () => {
    const rdf = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
      xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>T</title><dc:language>de</dc:language></channel>
      <item rdf:about="https://t.example/1"><title>A</title><link>https://t.example/1</link><description>x</description>
      <dc:date>2026-01-01T00:00:00Z</dc:date><dc:creator>Mara</dc:creator><dc:subject>moon</dc:subject><dc:subject>sun</dc:subject></item></rdf:RDF>`
    const { drafts } = await read(await file(rdf))
    expect([...drafts.values()]).toMatchObject([
      { authors: [{ name: 'Mara' }], tags: ['moon', 'sun'], language: 'de' },
    ])
  })

  it.each([
    [
      'RSS',
      `<rss version="2.0"><channel><title>T</title><item><title>A</title><guid>a</guid><pubDate>2026-01-01</pubDate>
      <description>x</description><enclosure url="https://x.example/a.mp3?b=1&amp;c=2" type="audio/mpeg" length="9"/></item></channel></rss>`,
      '[a.mp3](https://x.example/a.mp3?b=1\\&c=2)',
    ],
    [
      'Atom',
      `<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>a</id><title>A</title><updated>2026-01-01T00:00:00Z</updated>
      <content>x</content><link rel="enclosure" type="video/mp4" href="https://x.example/a.mp4"/></entry></feed>`,
      '[a.mp4](https://x.example/a.mp4)',
    ],
    [
      'JSON',
      JSON.stringify({
        version: 'https://jsonfeed.org/version/1.1',
        title: 'T',
        items: [
          {
            id: 'a',
            title: 'A',
            content_text: 'x',
            date_published: '2026-01-01T00:00:00Z',
            attachments: [{ url: 'https://x.example/a.pdf', mime_type: 'application/pdf' }],
          },
        ],
      }),
      '[a.pdf](https://x.example/a.pdf)',
    ],
  ])('of %s links to the files beside its texts', async (_, text, expected) => {
    const { drafts } = await read(await file(text))
    expect([...drafts.values()].map((it) => it.markdown)).toEqual([`x\n\n${expected}\n`])
  })

  it('in windows-1252 is decoded, whatever Node.js makes of that', async () => {
    const xml = RSS.replace('version="1.0"', 'version="1.0" encoding="windows-1252"')
    const { drafts } = await read(
      await file(Buffer.from(xml.replace('Whole', '\u0093Whole\u0094'), 'latin1')),
    )
    expect(drafts.get('https://tides.example/a')?.markdown).toContain('“Whole”')
  })

  it('in one file that is too large is refused with a way to go on', async () => {
    const path = await file('<rss>')
    await truncate(path, 33 * 1024 * 1024)
    await expect(read(path)).rejects.toMatchObject({
      code: 'TOO_LARGE',
      hint: expect.stringContaining('divide the file') as string,
    })
  })

  it('that leads on for ever ends at its limit', async () => {
    let page = 0
    const address = await serve(() => atom(`/page${++page}`, entry('e1', 'Again')))
    await expect(read(address)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(page).toBe(1_000)
  }, 120_000)

  it.each([
    ['that is cut off', RSS.slice(0, 600)],
    ['that is a page', '<!DOCTYPE html><html><p>x</p></html>'],
    [
      'of entities that multiply',
      RSS.replace(
        '<rss',
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><rss',
      ).replace('No date', '&b;'.repeat(1_000)),
    ],
    ['of very many levels', `<rss version="2.0"><channel>${'<a>'.repeat(100_000)}`],
  ])('%s does no harm', async (_, text) => {
    const outcome = await read(await file(text)).catch((error: unknown) => error)
    const isRefused = outcome instanceof Error && hasCode(outcome, 'INVALID_INPUT')
    expect(isRefused || JSON.stringify(outcome).length < 100_000).toBe(true)
  })
})
