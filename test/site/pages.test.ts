import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newsletterPage } from '../../src/site/pages/newsletter.ts'
import { inboxPage, slice } from '../../src/site/pages/lists.ts'
import { issuePage } from '../../src/site/pages/issue.ts'
import { layout } from '../../src/site/pages/layout.ts'
import type {
  IssueText,
  IssueSummary,
  NewsletterSummary,
  View,
} from '../../src/site/pages/parts.ts'
import { current, entryOf } from '../../src/site/syndication/document.ts'
import { FORMATS } from '../../src/site/syndication/formats.ts'
import { all } from '../helpers/operations.ts'

const SITE = join(import.meta.dirname, '../../src/site')

/** Packages that only turn data into text. The linter sees to Node's own modules and to our files. */
const PURE = new Set(['feedsmith', 'hono/html', 'uqr'])

const feedKey = 'y'.repeat(52)

const view: View = {
  path: '/',
  theme: 'dark',
  formToken: 'f0',
  stylePath: '/style.css',
  scriptPath: '/reader.js',
  iconPath: '/icon.svg',
}

const newsletter: NewsletterSummary = {
  feedKey,
  link: `hyperletter://${feedKey}`,
  title: 'Tide <Tables>',
  roles: ['subscriber'],
  private: false,
  issues: 1,
  unread: 1,
}

const summary: IssueSummary = {
  feedKey,
  newsletter: 'Tide <Tables>',
  number: 1,
  title: 'High & low',
  publishedAt: '2026-03-01T09:30:00.000Z',
  read: false,
  starred: true,
  held: true,
}

const issue: IssueText = {
  feedKey,
  newsletter: 'Tide <Tables>',
  number: 1,
  title: 'High & low',
  publishedAt: '2026-03-01T09:30:00.000Z',
  editions: 1,
  markdown: '# High & low\n\nText.',
  attachments: [],
  verified: true,
}

describe('the pages', () => {
  it('import nothing that could ask for more than they are given', async () => {
    const files = await readdir(SITE, { recursive: true })
    const texts = await Promise.all(
      files.filter((it) => it.endsWith('.ts')).map((it) => readFile(join(SITE, it), 'utf8')),
    )
    const imported = texts.flatMap((it) =>
      [...it.matchAll(/(?:from|import\() ?'([^'.][^']*)'/g)].map(([, name = '']) => name),
    )
    expect([...new Set(imported)].filter((it) => !PURE.has(it))).toEqual([])
    expect(imported).toContain('hono/html')
  })

  it('are made from literal data, the same each time', async () => {
    const page = async () => {
      const body = inboxPage('unread', slice([summary], '1'), [newsletter])
      return String(await layout(view, { title: 'Inbox', place: 'inbox', kind: 'list', body }))
    }
    const html = await page()
    expect(html).toContain('Tide &lt;Tables&gt;')
    expect(html).toContain(`href="/n/${feedKey}/1"`)
    expect(html).toContain('data-theme="dark"')
    expect(await page()).toBe(html)
  })

  it('mark in the inbox what was corrected since it was read, with the note', async () => {
    const corrected = { ...summary, amendedAt: summary.publishedAt, corrected: true as const }
    const issues = [{ ...corrected, note: 'The <time>.' }]
    const html = String(await inboxPage('unread', slice(issues, '1'), [newsletter]))
    expect(html).toMatch(/class="tag amended"\s*>corrected</)
    expect(html).toContain('The &lt;time&gt;.')
  })

  it('show addresses of support that are right, and lead nowhere else', async () => {
    const address = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    const support = [
      { uri: `bitcoin:${address}`, label: 'Tea "and" <cake>' },
      { uri: 'https://tides.example/?a="><script>alert(1)</script>', label: 'Page' },
      { uri: `bitcoin:${address.slice(0, -1)}5`, label: 'Mistyped' },
      { uri: 'javascript:alert(1)', label: 'Trap' },
    ]
    const supportChanged = { at: '2026-03-01T09:30:00.000Z', before: ['bitcoin:<old>'] }
    const shown = { ...newsletter, support, supportChanged }
    const html = String(await newsletterPage(shown, slice([], '1'), undefined))
    expect(html).toContain(`value="bitcoin:${address}"`)
    expect(html).toContain('QR code of Tea &quot;and&quot; &lt;cake&gt;')
    expect(html).toContain('Mistyped</bdi>: a character of this address is wrong')
    expect(html).toContain('<del>bitcoin:&lt;old&gt;</del>')
    const links = [...html.matchAll(/href="([^"]*)"/g)].map(([, it]) => it)
    expect(links.filter((it) => it?.includes(':'))).toEqual([
      `bitcoin:${address}`,
      'https://tides.example/?a=&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;',
    ])
    expect(html).not.toMatch(/<script|javascript:/)
  })

  it('show an issue without a server', async () => {
    const html = String(
      await issuePage({
        issue,
        content: '<p>Text.</p>',
        summary,
        previous: undefined,
        next: undefined,
      }),
    )
    expect(html).toContain('<p>Text.</p>')
    expect(html).toContain('Signature verified')
  })

  it('make a feed of literal data', async () => {
    const outline = current({ feedKey, title: 'Tides' }, [summary])
    async function* entries() {
      yield entryOf(issue, 'https://example.org/1', '<h1>High &amp; low</h1><p>Text.</p>', String)
      yield entryOf({ ...issue, number: 2 }, 'https://example.org/2', undefined, String)
    }
    const written = FORMATS['feed.json']?.write({
      outline,
      entries: entries(),
      self: 'https://example.org/feed.json',
      home: 'https://example.org/',
      links: {},
    })
    const feed: unknown = JSON.parse((await all(written ?? (async function* () {})())).join(''))
    expect(feed).toMatchObject({
      items: [
        { url: 'https://example.org/1', content_html: '<p>Text.</p>' },
        { content_html: expect.stringContaining('Read it in Hyperletter') as string },
      ],
    })
  })
})
