import { parseAtomFeed, parseJsonFeed } from 'feedsmith'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Operations } from '../../src/api/contract/contract.ts'
import { validAtom, validJsonFeed, validOpml, type ValidFeed } from '../helpers/feed-validators.ts'
import { all } from '../helpers/operations.ts'
import { openAuthor, openPeer, publish } from '../helpers/peers.ts'
import { NOTHING_TO_SEE } from '../../src/render/plain.ts'
import { form, startReader, type RunningReader } from '../helpers/readers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

async function readerOf(issues: number, isPrivate = false) {
  const author = await openAuthor([], { issues, isPrivate, isOnline: false })
  const reader = await startReader(author.operations)
  return { ...author, reader, folder: `/feeds/${author.feedKey}` }
}

/** Many issues at once. */
async function importMany(operations: Operations, issues: number) {
  const folder = await temporaryDirectory()
  for (let number = 1; number <= issues; number++) {
    const text = `---\ntitle: Issue ${number}\ndate: ${1900 + number}-01-01\n---\nHigh water.\n`
    await writeFile(join(folder, `${1_000 + number}.md`), text)
  }
  await all(operations.importFolder({ folder }))
}

/** The document at a whole address; fails unless it is valid. */
async function fetchFeed(reader: RunningReader, address: string): Promise<ValidFeed> {
  const { status, text } = await reader.ask(address.slice(reader.origin.length))
  expect(status).toBe(200)
  return address.includes('.json') ? validJsonFeed(text) : validAtom(text)
}

/** The documents that one leads to by links of one relation, itself first. */
async function walk(reader: RunningReader, path: string, relation: string): Promise<ValidFeed[]> {
  const documents: ValidFeed[] = []
  let next: string | undefined = reader.origin + path
  while (next !== undefined) {
    const document: ValidFeed = await fetchFeed(reader, next)
    expect(document.links['self']).toBe(next)
    documents.push(document)
    next = document.links[relation]
  }
  return documents
}

/** Ids of the issues of a newsletter, newest first. */
function idsOf(feedKey: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `urn:hyperletter:${feedKey}:${count - i}`)
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
    expect((await validAtom(text)).titles).toEqual(['A & <b>', 'Issue 1'])
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
    expect(newest?.content?.value).toContain('>Head ]]> &#x26;</h1>')
    expect(newest?.content?.value).toContain('<em>here</em>')
    expect(first?.id).toBe(`urn:hyperletter:${feedKey}:1`)
    expect(first?.authors).toEqual([{ name: 'Tide tables' }])
  })

  it('are valid JSON Feed', async () => {
    const { reader, feedKey, folder } = await readerOf(2)
    const { headers, text } = await reader.ask(`${folder}/feed.json`)
    expect(headers['content-type']).toBe('application/feed+json; charset=utf-8')
    expect(validJsonFeed(text).titles).toEqual(['Issue 2', 'Issue 1'])
    const feed = parseJsonFeed(text)
    expect(feed.feed_url).toBe(`${reader.origin}${folder}/feed.json`)
    expect(feed.items?.map((it) => it.id)).toEqual([
      `urn:hyperletter:${feedKey}:2`,
      `urn:hyperletter:${feedKey}:1`,
    ])
    expect(feed.items?.[0]?.content_html).toContain("High water at 2 o'clock.")
    expect(JSON.parse(text)).toMatchObject({ version: 'https://jsonfeed.org/version/1.1' })
  })

  it('say in which language an issue is', async () => {
    const { reader, operations, folder } = await readerOf(1)
    await publish(operations, '---\ntitle: Marée\nlang: fr-CA\n---\nPleine mer.')
    const { text } = await reader.ask(`${folder}/atom.xml`)
    expect((await validAtom(text)).titles).toEqual(['Marée', 'Issue 1'])
    expect(text.match(/<entry[^>]*>/g)).toEqual(['<entry xml:lang="fr-CA">', '<entry>'])
    const json = await reader.ask(`${folder}/feed.json`)
    expect(parseJsonFeed(json.text).items?.map((it) => it.language)).toEqual(['fr-CA', undefined])
  })

  it('are valid where nothing was published', async () => {
    const { reader, folder } = await readerOf(0)
    for (const place of [folder, `${folder}/complete`, '/feeds/all', '/feeds/all/complete']) {
      for (const file of ['atom.xml', 'feed.json']) {
        expect((await fetchFeed(reader, `${reader.origin}${place}/${file}`)).ids).toEqual([])
      }
    }
  })

  it('stay valid whatever an issue has in it', async () => {
    const { reader, operations, folder } = await readerOf(0)
    const odd = 'a\u0008b\u000bc\ufffed\uffffe\u0085f ]]> <![CDATA[ </entry> </feed> &nbsp; 🌊'
    const head = `---\ntitle: "]]></title> & <b>"\nsummary: "</summary> ]]> 🌊"\ntags: ["]]>", "<t>"]\n---\n`
    await publish(operations, `${head}${odd}\n\n\`\`\`\n${odd}\n\`\`\`\n`)
    await publish(operations, '# Plain\n')
    for (const place of [folder, `${folder}/complete`]) {
      for (const file of ['atom.xml', 'feed.json']) {
        const feed = await fetchFeed(reader, `${reader.origin}${place}/${file}`)
        expect(feed.titles).toEqual(['Plain', ']]></title> & <b>'])
        expect(feed.html[1]).toContain('🌊')
      }
    }
  })

  it.each([
    ['atom.xml', 'prev-archive'],
    ['atom.xml', 'next'],
    ['feed.json', 'next'],
  ])('give the whole archive, document by document (%s, %s)', async (file, relation) => {
    const { reader, operations, feedKey, folder } = await readerOf(0)
    await importMany(operations, 53)
    const [newest, ...archives] = await walk(reader, `${folder}/${file}`, relation)
    const ids = idsOf(feedKey, 53)
    expect(newest?.ids).toEqual(ids.slice(0, 25))
    // Each archived issue is in one archive document; the newest are in none yet.
    expect(archives.map((it) => it.ids)).toEqual([ids.slice(3, 28), ids.slice(28)])
    expect((await reader.ask(`${folder}/archive/3/${file}`)).status).toBe(404)
  })

  it('of archives are marked as such, and lead to each other and to the newest issues', async () => {
    const { reader, operations, folder } = await readerOf(0)
    await importMany(operations, 53)
    const own = `${reader.origin}${folder}/`
    const documents = await walk(reader, `${folder}/atom.xml`, 'prev-archive')
    const relations = ['current', 'next-archive', 'prev-archive']
    expect(documents.map((it) => [it.marks, ...relations.map((rel) => it.links[rel])])).toEqual([
      [[], undefined, undefined, `${own}archive/2/atom.xml`],
      [['archive'], `${own}atom.xml`, undefined, `${own}archive/1/atom.xml`],
      [['archive'], `${own}atom.xml`, `${own}archive/2/atom.xml`, undefined],
    ])
  })

  it.each([['atom.xml'], ['feed.json']])(
    'give the whole archive in one document to apps that know no pages (%s)',
    async (file) => {
      const { reader, operations, feedKey, folder } = await readerOf(0)
      await importMany(operations, 53)
      const path = `${folder}/complete/${file}`
      const [document, ...others] = await walk(reader, path, 'next')
      expect(others).toEqual([])
      expect(document?.ids).toEqual(idsOf(feedKey, 53))
      expect(document?.html.every((it) => it.includes('High water.'))).toBe(true)
      // JSON Feed has no word for it.
      expect(document?.marks).toEqual(file === 'atom.xml' ? ['complete'] : [])
      const { headers } = await reader.ask(path)
      const asked = { headers: { 'if-none-match': String(headers.etag) } }
      expect((await reader.ask(path, asked)).status).toBe(304)
      await publish(operations, '# Another\n')
      expect((await reader.ask(path, asked)).status).toBe(200)
      expect((await walk(reader, path, 'next'))[0]?.ids).toEqual(idsOf(feedKey, 54))
    },
  )

  it('tell what they have without sending it, to who asks only for that', async () => {
    const { reader, folder } = await readerOf(1)
    for (const path of [`${folder}/atom.xml`, `${folder}/complete/feed.json`]) {
      const { headers } = await reader.ask(path)
      const head = await reader.ask(path, { method: 'HEAD' })
      expect([head.status, head.bytes.byteLength]).toEqual([200, 0])
      for (const name of ['etag', 'last-modified', 'content-type', 'cache-control']) {
        expect(head.headers[name]).toBe(headers[name])
        expect(head.headers[name]).toBeDefined()
      }
    }
  })

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
    for (const file of ['atom.xml', 'feed.json']) {
      const pages = await walk(reader, `/feeds/all/${file}`, 'next')
      expect(pages.map((it) => it.ids.length)).toEqual([25, 2])
      expect(pages.flatMap((it) => it.ids)).toEqual(idsOf(author.feedKey, 27))
      const whole = await fetchFeed(reader, `${reader.origin}/feeds/all/complete/${file}`)
      expect(whole.ids).toEqual(idsOf(author.feedKey, 27))
    }
    // Where it is from stands with each issue.
    const { entries } = parseAtomFeed((await reader.ask('/feeds/all/atom.xml')).text)
    expect(entries?.[0]?.source).toMatchObject({
      id: `urn:hyperletter:${author.feedKey}`,
      title: { value: 'Tide tables' },
    })
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

  it('say of an issue that was amended or taken back that it was, and why', async () => {
    const { reader, operations, folder } = await readerOf(1)
    const read = async () => {
      const feed = parseJsonFeed((await reader.ask(`${folder}/feed.json`)).text)
      const atom = parseAtomFeed((await reader.ask(`${folder}/atom.xml`)).text)
      const { content_html: html, date_modified: modified } = feed.items?.[0] ?? {}
      expect(atom.entries?.[0]).toMatchObject({ content: { value: html }, updated: modified })
      return { html, modified }
    }
    const first = await read()
    expect(first.html).not.toContain('Corrected')
    const draft = { markdown: '# Issue 1\n\nAt 14:10.' }
    await operations.amendIssue({ number: 1, draft, note: 'The <time> was wrong.' })
    const amended = await read()
    expect(amended.html).toMatch(
      /^<p><strong>Corrected<\/strong>: The &#60;time&#62; was wrong\.<\/p>\s*<p>At 14:10\./,
    )
    expect(Date.parse(String(amended.modified))).toBeGreaterThan(Date.parse(String(first.modified)))
    await operations.retractIssue({ number: 1, reason: 'Of another harbour.' })
    expect((await read()).html).toBe('<p>Retracted by its author: Of another harbour.</p>')
  })

  it('and pages show the newest edition where an author dates two alike', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const { reader, operations, feedKey, folder } = await readerOf(1)
    const paths = [`${folder}/atom.xml`, `/n/${feedKey}/1`]
    const tags = new Set<unknown>()
    for (const text of ['First.', 'Second.']) {
      await operations.amendIssue({ number: 1, draft: { markdown: `# Issue 1\n\n${text}` } })
      for (const path of paths) expect((await reader.visit(path)).text).toContain(text)
      tags.add((await reader.ask(`${folder}/atom.xml`)).headers.etag)
    }
    expect(tags.size).toBe(2)
  })

  it('and pages say where a title has nothing to see in it', async () => {
    const { reader, operations, feedKey, folder } = await readerOf(0)
    await publish(operations, '---\ntitle: "\\u3164\\u200B"\n---\nText.')
    for (const path of [`/n/${feedKey}`, `/n/${feedKey}/1`, `${folder}/atom.xml`]) {
      expect((await reader.visit(path)).text).toContain(NOTHING_TO_SEE)
    }
  })

  it('name pictures by whole addresses, which only feeds know', async () => {
    const { reader, operations, feedKey, folder } = await readerOf(0)
    const pictures = new URL('../../fixtures/drafts/images', import.meta.url).pathname
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

  it('enclose sound, films and documents, but no pictures', async () => {
    const { reader, operations, folder } = await readerOf(0)
    const files = await temporaryDirectory()
    for (const name of ['a.mp3', 'b.pdf', 'c.png']) await writeFile(join(files, name), 'abc')
    const markdown = '# One\n\n[a](a.mp3) [b](b.pdf) ![c](c.png)'
    await all(operations.publishIssue({ draft: { markdown, folder: files } }))
    const atom = await reader.ask(`${folder}/atom.xml`)
    await validAtom(atom.text)
    const links = parseAtomFeed(atom.text).entries?.[0]?.links ?? []
    const enclosures = links.filter((it) => it.rel === 'enclosure')
    expect(enclosures.map(({ type, length }) => [type, length])).toEqual([
      ['audio/mpeg', 3],
      ['application/pdf', 3],
    ])
    const { items } = parseJsonFeed((await reader.ask(`${folder}/feed.json`)).text)
    const { attachments = [] } = items?.[0] ?? {}
    expect(attachments.map((it) => [it.mime_type, it.size_in_bytes])).toEqual([
      ['audio/mpeg', 3],
      ['application/pdf', 3],
    ])
    const address = attachments[0]?.url ?? ''
    expect(enclosures[0]?.href).toBe(address)
    const { status, text, headers } = await reader.ask(address.slice(reader.origin.length))
    expect([status, text, headers['content-type']]).toEqual([200, 'abc', 'audio/mpeg'])
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
    const address = /value="([^"]+\?key=[^"]+)"/g
    const shown = [...page.text.matchAll(address)].map((it) => String(it[1]))
    const own = shown.filter((it) => it.includes(feedKey))
    expect([shown.length, own.length]).toEqual([8, 3])
    for (const it of own) expect((await fetchFeed(reader, it)).html[0]).toContain('High water')
    for (const it of shown.filter((other) => !own.includes(other))) {
      const { status, text } = await reader.ask(it.slice(reader.origin.length))
      expect([status, text.includes(feedKey)]).toEqual([200, it.includes('.opml')])
    }
  })

  it('are listed in OPML', async () => {
    const { reader, operations, feedKey } = await readerOf(1)
    await operations.createNewsletter({ title: 'A & <b> "c" ]]>' })
    for (const [list, folder] of [
      ['newsletters', ''],
      ['complete', 'complete/'],
    ]) {
      const { headers, text } = await reader.ask(`/feeds/${list}.opml`)
      expect(headers['content-type']).toBe('text/x-opml; charset=utf-8')
      const [first, second] = await validOpml(text)
      const url = `${reader.origin}/feeds/${feedKey}/${folder}atom.xml`
      expect(first).toEqual({ title: 'Tide tables', url })
      expect(second?.title).toBe('A & <b> "c" ]]>')
      expect((await reader.ask(url.slice(reader.origin.length))).status).toBe(200)
    }
  })

  it('are listed in OPML that another Hyperletter takes in', async () => {
    const bootstrap = await privateNetwork()
    const { operations, feedKey } = await openAuthor(bootstrap, { issues: 1 })
    await operations.createNewsletter({ title: 'Second' })
    const reader = await startReader(operations)
    const { text: opml } = await reader.ask('/feeds/complete.opml')
    const other = await openPeer(bootstrap)
    const { subscribed, skipped } = await other.operations.importOpml({ opml })
    expect(subscribed.map((it) => it.title)).toEqual(['Tide tables', 'Second'])
    expect(skipped).toEqual([])
    await all(other.operations.followSync({ newsletter: feedKey, timeoutSeconds: 15 }))
    expect((await other.operations.readIssue({ newsletter: feedKey })).title).toBe('Issue 1')
  })

  it('make an OPML list also where there are none', async () => {
    const { operations } = await openPeer([], { isOnline: false })
    const reader = await startReader(operations)
    const { status, text } = await reader.ask('/feeds/newsletters.opml')
    expect([status, text]).toEqual([200, expect.stringContaining('<body/>')])
  })

  it('cannot be posted to, and are not for other sites', async () => {
    const { reader, folder } = await readerOf(1)
    expect((await reader.visit(`${folder}/atom.xml`, form(reader.origin, {}))).status).toBe(404)
    const { headers } = await reader.ask(`${folder}/atom.xml`)
    expect(headers['cross-origin-resource-policy']).toBe('same-origin')
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })
})
