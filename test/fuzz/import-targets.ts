import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { htmlToMarkdown } from '../../src/sources/html/markdown.ts'
import { textOfHtml } from '../../src/sources/html/tree.ts'
import { serviceExport } from '../../src/sources/services/exports.ts'
import type { FoundDraft, SkippedDraft } from '../../src/sources/source.ts'
import { draftsInFeed } from '../../src/sources/services/feed.ts'
import { renderHtml } from '../../src/render/html/html.ts'
import { complaints } from '../render/strict-html.ts'
import { assertPublishable, assertSkipped } from './draft-targets.ts'
import { filesIn } from './format-targets.ts'
import { bytesOf, mutated, refusing, textOf, textsOf, type Target } from './target.ts'

const REFUSALS = ['INVALID_INPUT', 'INVALID_DRAFT', 'TOO_LARGE'] as const

const TAGS = [
  'p',
  'div',
  'b',
  'i',
  'a href="https://a.example"',
  'a href="javascript:1"',
  'ul',
  'ol',
  'li',
]
  .concat([
    'table',
    'tr',
    'td colspan="9999"',
    'pre',
    'code',
    'blockquote',
    'h1',
    'h6',
    'figure',
    'br',
  ])
  .concat([
    'img src="a.png"',
    'img src="data:x" srcset=","',
    'script',
    'style',
    'template',
    'svg',
    'math',
  ])
const PIECES = [...TAGS.map((it) => `<${it}>`), ...TAGS.map((it) => `</${it.split(' ', 1)[0]}>`)]
  .concat([
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '&amp;',
    '&#0;',
    '&nbsp;',
    '\u202e',
    '\u001b',
    'text ',
    '*',
    '_',
  ])
  .concat([
    '`',
    '[',
    '](',
    '#',
    '|',
    '\n',
    '  ',
    '<',
    '"',
    '[gallery ids="1"]',
    '[caption]',
    '<!-- wp:more -->',
  ])
  .concat(['<!--members-only-->', '<!--kg-card-begin: html-->', 'hidden', ' style="display:none"'])

/** The text of a post that another program wrote, in HTML, comes out as Markdown that shows nothing harmful. */
const postHtml: Target = {
  name: 'post-html',
  inputs: fc.oneof(textsOf(PIECES), mutated(filesIn('imports/substack/posts'), PIECES)),
  async check(input) {
    const text = textOf(input)
    await refusing(REFUSALS, () => textOfHtml(text))
    const found = await refusing(REFUSALS, () => htmlToMarkdown(text))
    if (found === undefined) return
    const wrong = complaints(renderHtml(found.markdown, { idPrefix: 'i1-' }), 'i1-')
    if (wrong.length > 0) throw new Error(wrong.join(', '))
  },
}

async function assertDrafts(
  drafts: AsyncIterable<FoundDraft | SkippedDraft> | undefined,
): Promise<void> {
  for await (const it of drafts ?? []) {
    if ('draft' in it) await assertPublishable(it.draft)
    else assertSkipped(it)
  }
}

/** An export of a service whose one file, by this name, is the input. */
function exported(service: string, name: string, words: readonly string[]): Target {
  const folder = fileURLToPath(new URL(`../../fixtures/imports/${service}`, import.meta.url))
  return {
    name: service,
    inputs: mutated(
      filesIn(`imports/${service}`).filter((it) => !it.includes(0)),
      [...words, ...PIECES],
    ),
    async check(input) {
      const home = mkdtempSync(join(tmpdir(), 'hyperletter-fuzz-'))
      try {
        cpSync(folder, home, { recursive: true })
        writeFileSync(join(home, name), input)
        const path = service === 'substack' ? home : join(home, name)
        await refusing(REFUSALS, async () =>
          assertDrafts(
            (await serviceExport(path, { siteUrl: 'https://tides.example' }))?.drafts({}),
          ),
        )
      } finally {
        rmSync(home, { recursive: true })
      }
    },
  }
}

const ATOM =
  '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>T</title><entry><id>urn:1</id>' +
  '<title>One</title><link href="/1"/><updated>2026-01-01T00:00:00Z</updated><author><name>A</name></author>' +
  '<content type="html">&lt;p&gt;Text&lt;/p&gt;</content></entry></feed>'
const RSS =
  '<rss version="2.0"><channel><title>T</title><item><guid>1</guid><title>One</title><link>https://a.example/1</link>' +
  '<pubDate>Thu, 01 Jan 2026 00:00:00 GMT</pubDate><description><![CDATA[<p>Text</p>]]></description></item></channel></rss>'
const JSON_FEED =
  '{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[{"id":"1","title":"One",' +
  '"url":"https://a.example/1","date_published":"2026-01-01T00:00:00Z","content_html":"<p>Text</p>","tags":["a"]}]}'

const webFeeds: Target = {
  name: 'web-feed',
  inputs: mutated([ATOM, RSS, JSON_FEED].map(bytesOf), [
    '<!DOCTYPE a [<!ENTITY b "c">]>',
    '&b;',
    ...PIECES,
  ]),
  async check(input) {
    await refusing(REFUSALS, () =>
      assertDrafts(
        draftsInFeed(Buffer.from(input), {
          siteUrl: 'https://a.example/feed',
          undatedAt: new Date(),
        }),
      ),
    )
  },
}

export const IMPORT_TARGETS: readonly Target[] = [
  postHtml,
  exported('ghost', 'export.json', [
    '"html":',
    '"lexical":',
    '"mobiledoc":',
    'null',
    '{',
    '[',
    '\\u0000',
  ]),
  exported('wordpress', 'export.xml', [
    '<item>',
    '</item>',
    '<wp:status>',
    '<![CDATA[',
    '&amp;',
    '<wp:',
  ]),
  exported('substack', 'posts.csv', [
    '"',
    '""',
    ',',
    '\r\n',
    'true',
    '2026-01-01T00:00:00Z',
    'post_id',
  ]),
  webFeeds,
]
