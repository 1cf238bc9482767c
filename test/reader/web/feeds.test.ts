import { parseAtomFeed, parseJsonFeed, parseOpml } from 'feedsmith'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Operations } from '../../../src/operations/contract.ts'
import { all } from '../../helpers/operations.ts'
import { openAuthor, openPeer, publish } from '../../helpers/peers.ts'
import { form, startReader } from '../../helpers/readers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

async function readerOf(issues: number, isPrivate = false) {
  const author = await openAuthor([], { issues, isPrivate, isOnline: false })
  const reader = await startReader(author.operations)
  return { ...author, reader, folder: `/feeds/${author.feedKey}` }
}

const ARCHIVE_MARK = '<fh:archive xmlns:fh="http://purl.org/syndication/history/1.0"/>'

/** Many issues at once. */
async function importMany(operations: Operations, issues: number) {
  const folder = await temporaryDirectory()
  for (let number = 1; number <= issues; number++) {
    const text = `---\ntitle: Issue ${number}\ndate: ${2000 + number}-01-01\n---\nHigh water.\n`
    await writeFile(join(folder, `${1_000 + number}.md`), text)
  }
  await all(operations.importFolder({ folder }))
}

function linksOf(feed: {
  readonly links?: readonly { readonly rel?: string; readonly href?: string }[]
}): Readonly<Record<string, string | undefined>> {
  const links = (feed.links ?? []).map((it): [string, string] => [it.rel ?? '', it.href ?? ''])
  return Object.fromEntries(links)
}

describe('feeds', () => {
  it('are valid Atom with the full text and identifiers that stay', async () => {
    const { reader, operations, feedKey, folder } = await readerOf(1)
    await publish(
      operations,
      '---\ntitle: "A & <b>"\ntags: [x]\nauthors: [Marit]\n---\n# Head ]]> &amp;\n\nBody *here*.',
    )
    const { status, headers, text } = await reader.ask(`${folder}/atom.xml`)
    expect(status).toBe(200)
    expect(headers['content-type']).toBe('application/atom+xml; charset=utf-8')
    const feed = parseAtomFeed(text)
    expect(feed).toMatchObject({
      id: `urn:hyperletter:${feedKey}`,
      title: { value: 'Tide tables' },
    })
    expect(linksOf(feed)).toEqual({
      self: `${reader.origin}${folder}/atom.xml`,
      alternate: `${reader.origin}/n/${feedKey}`,
    })
    const [newest, first] = feed.entries ?? []
    expect(newest).toMatchObject({
      id: `urn:hyperletter:${feedKey}:2`,
      title: { value: 'A & <b>' },
      authors: [{ name: 'Marit' }],
      categories: [{ term: 'x' }],
      links: [{ href: `${reader.origin}/n/${feedKey}/2` }],
    })
    expect(newest?.content).toMatchObject({ type: 'html' })
    expect(newest?.content?.value).toContain('<h1>Head ]]> &#x26;</h1>')
    expect(newest?.content?.value).toContain('<em>here</em>')
    expect(first?.id).toBe(`urn:hyperletter:${feedKey}:1`)
    expect(first?.authors).toEqual([{ name: 'Tide tables' }])
  })

  it('are valid JSON Feed', async () => {
    const { reader, feedKey, folder } = await readerOf(2)
    const { headers, text } = await reader.ask(`${folder}/feed.json`)
    expect(headers['content-type']).toBe('application/feed+json; charset=utf-8')
    const feed = parseJsonFeed(text)
    expect(feed.feed_url).toBe(`${reader.origin}${folder}/feed.json`)
    expect(feed.items?.map((it) => it.id)).toEqual([
      `urn:hyperletter:${feedKey}:2`,
      `urn:hyperletter:${feedKey}:1`,
    ])
    expect(feed.items?.[0]?.content_html).toContain("High water at 2 o'clock.")
    expect(JSON.parse(text)).toMatchObject({ version: 'https://jsonfeed.org/version/1.1' })
  })

  it('are valid where nothing was published', async () => {
    const { reader, folder } = await readerOf(0)
    expect(parseAtomFeed((await reader.ask(`${folder}/atom.xml`)).text).title?.value).toBe(
      'Tide tables',
    )
    expect(JSON.parse((await reader.ask(`${folder}/feed.json`)).text)).toMatchObject({ items: [] })
  })

  it.each([['atom.xml'], ['feed.json']])(
    'give the whole archive, document by document (%s)',
    async (file) => {
      const { reader, operations, feedKey, folder } = await readerOf(0)
      await importMany(operations, 53)
      const seen = new Set<string>()
      const visited: string[] = []
      const marks: boolean[] = []
      let next: string | undefined = `${reader.origin}${folder}/${file}`
      while (next !== undefined) {
        visited.push(next)
        const { status, text } = await reader.ask(next.slice(reader.origin.length))
        expect(status).toBe(200)
        if (file === 'atom.xml') {
          const feed = parseAtomFeed(text)
          for (const it of feed.entries ?? []) seen.add(String(it.id))
          const links = linksOf(feed)
          const isMarked = text.includes(ARCHIVE_MARK)
          marks.push(isMarked && links['current'] === visited[0])
          next = links['prev-archive']
        } else {
          const feed = parseJsonFeed(text)
          for (const it of feed.items ?? []) seen.add(String(it.id))
          next = feed.next_url
        }
      }
      expect(visited).toHaveLength(3)
      expect(marks).toEqual(file === 'atom.xml' ? [false, true, true] : [])
      expect(seen.size).toBe(53)
      expect(seen).toContain(`urn:hyperletter:${feedKey}:1`)
      expect((await reader.ask(`${folder}/archive/3/${file}`)).status).toBe(404)
    },
  )

  it('of archives stay as they are when something is published', async () => {
    const { reader, operations, folder } = await readerOf(0)
    await importMany(operations, 26)
    const path = `${folder}/archive/1/atom.xml`
    const before = await reader.ask(path)
    await publish(operations, '# Another\n')
    const after = await reader.ask(path)
    expect(after.text).toBe(before.text)
    expect(after.headers.etag).toBe(before.headers.etag)
  })

  it('of everything go page by page', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap)
    await importMany(author.operations, 27)
    const me = await openPeer(bootstrap)
    await all(me.operations.subscribe({ link: author.link }))
    const reader = await startReader(me.operations)
    const first = parseAtomFeed((await reader.ask('/feeds/all/atom.xml')).text)
    expect(first.entries).toHaveLength(25)
    const { next = '' } = linksOf(first)
    const second = parseAtomFeed((await reader.ask(next.slice(reader.origin.length))).text)
    expect(second.entries).toHaveLength(2)
    expect(linksOf(second)['next']).toBeUndefined()
    expect((await reader.ask('/feeds/all/page/3/atom.xml')).status).toBe(404)
  })

  it('answer 304 to who has them already, until something changes', async () => {
    const { reader, operations, folder } = await readerOf(1)
    for (const file of ['atom.xml', 'feed.json']) {
      const path = `${folder}/${file}`
      const { headers } = await reader.ask(path)
      const tag = String(headers.etag)
      const since = String(headers['last-modified'])
      for (const asked of [
        { 'if-none-match': tag },
        { 'if-none-match': `"x", W/${tag}` },
        { 'if-modified-since': since },
      ]) {
        const { status, bytes } = await reader.ask(path, { headers: asked })
        expect([status, bytes.byteLength]).toEqual([304, 0])
      }
      await publish(operations, '# Another\n')
      expect((await reader.ask(path, { headers: { 'if-none-match': tag } })).status).toBe(200)
    }
  })

  it('change when an issue is amended or taken back', async () => {
    const { reader, operations, folder } = await readerOf(1)
    const path = `${folder}/atom.xml`
    const tags = [String((await reader.ask(path)).headers.etag)]
    await operations.amendIssue({ number: 1, draft: { markdown: '# Issue 1\n\nBetter.' } })
    const amended = await reader.ask(path)
    tags.push(String(amended.headers.etag))
    expect(amended.text).toContain('Better.')
    await operations.retractIssue({ number: 1 })
    const retracted = await reader.ask(path)
    tags.push(String(retracted.headers.etag))
    expect(retracted.text).not.toContain('Better.')
    expect(new Set(tags).size).toBe(3)
  })

  it('name pictures by whole addresses, which only feeds know', async () => {
    const { reader, operations, feedKey, folder } = await readerOf(0)
    const pictures = new URL('../../../fixtures/drafts/images', import.meta.url).pathname
    await all(
      operations.publishIssue({
        draft: { markdown: '# One\n\n![Tide](tide.png)', folder: pictures },
      }),
    )
    const { text } = await reader.ask(`${folder}/feed.json`)
    const { items } = parseJsonFeed(text)
    const src = /src="([^"]+)"/.exec(items?.[0]?.content_html ?? '')?.[1] ?? ''
    expect(src.startsWith(`${reader.origin}/feeds/pictures/`)).toBe(true)
    const { status, headers } = await reader.ask(src.slice(reader.origin.length))
    expect([status, headers['content-type']]).toEqual([200, 'image/png'])
    const guessed = `/feeds/pictures/${'0'.repeat(32)}/${feedKey}/1/files/tide.png`
    expect((await reader.ask(guessed)).status).toBe(404)
  })

  it('of a private newsletter need the key in their address', async () => {
    const { reader, feedKey, folder } = await readerOf(1, true)
    for (const path of [`${folder}/atom.xml`, `${folder}/feed.json`, `${folder}/atom.xml?key=x`]) {
      const { status, text } = await reader.ask(path)
      expect(status).toBe(404)
      expect(text).not.toContain('Tide tables')
    }
    expect((await reader.ask('/feeds/newsletters.opml')).text).not.toContain(feedKey)
    const page = await reader.visit('/feeds')
    const address = /value="([^"]+atom\.xml\?key=[^"]+)"/g
    const [all_, own] = [...page.text.matchAll(address)].map((it) => it[1] ?? '')
    expect((await reader.ask(String(own).slice(reader.origin.length))).text).toContain('High water')
    expect((await reader.ask(String(all_).slice(reader.origin.length))).status).toBe(200)
  })

  it('are listed in OPML', async () => {
    const { reader, feedKey } = await readerOf(1)
    const { headers, text } = await reader.ask('/feeds/newsletters.opml')
    expect(headers['content-type']).toBe('text/x-opml; charset=utf-8')
    expect(parseOpml(text).body?.outlines).toMatchObject([
      { text: 'Tide tables', type: 'rss', xmlUrl: `${reader.origin}/feeds/${feedKey}/atom.xml` },
    ])
  })

  it('cannot be posted to, and are not for other sites', async () => {
    const { reader, folder } = await readerOf(1)
    expect((await reader.visit(`${folder}/atom.xml`, form(reader.origin, {}))).status).toBe(404)
    const { headers } = await reader.ask(`${folder}/atom.xml`)
    expect(headers['cross-origin-resource-policy']).toBe('same-origin')
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })
})
