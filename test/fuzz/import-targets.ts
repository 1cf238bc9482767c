import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { htmlToMarkdown } from '../../src/sources/html/markdown.ts'
import { textOfHtml } from '../../src/sources/html/tree.ts'
import { serviceExport } from '../../src/sources/services/exports.ts'
import type { FoundDraft, SkippedDraft } from '../../src/sources/source.ts'
import { draftsInFeed } from '../../src/sources/services/feed.ts'
import { renderHtml } from '../../src/render/html/html.ts'
import { zipOf } from '../helpers/zip.ts'
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

interface Exported {
  /** Of the folder of fixtures, and of the target unless it has another. */
  readonly service: string
  readonly name?: string
  /** The file that the input is written to. */
  readonly file: string
  /** What is imported: the file, or the whole folder. */
  readonly isFolder?: boolean
  readonly words: readonly string[]
}

/** An export of a service, one file of which is the input. */
function exported({ service, name = service, file, isFolder, words }: Exported): Target {
  const folder = fileURLToPath(new URL(`../../fixtures/imports/${service}`, import.meta.url))
  return {
    name,
    inputs: mutated(
      filesIn(`imports/${service}`).filter((it) => !it.includes(0)),
      [...words, ...PIECES],
    ),
    async check(input) {
      const home = mkdtempSync(join(tmpdir(), 'hyperletter-fuzz-'))
      try {
        cpSync(folder, home, { recursive: true })
        writeFileSync(join(home, file), input)
        await assertExport(isFolder === true ? home : join(home, file))
      } finally {
        rmSync(home, { recursive: true })
      }
    },
  }
}

/** What of a file or folder is an export gives drafts, or is refused. */
async function assertExport(path: string): Promise<void> {
  await refusing(REFUSALS, async () => {
    const source = await serviceExport(path, { siteUrl: 'https://tides.example' })
    try {
      await assertDrafts(source?.drafts({}))
    } finally {
      await source?.close?.()
    }
  })
}

/** A zip file of what each service exports, its list of names and what it holds. */
function zipped(): Target {
  const zips = ['substack', 'buttondown', 'buttondown-web', 'beehiiv', 'mbox', 'ghost', 'wordpress']
    .map((service) => {
      const folder = fileURLToPath(new URL(`../../fixtures/imports/${service}`, import.meta.url))
      const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      return zipOf(
        files
          .filter((it) => it.isFile())
          .map((it) => join(it.parentPath, it.name))
          .map((path) => ({
            name: relative(folder, path).split(sep).join('/'),
            data: readFileSync(path),
          })),
      )
    })
    .concat(zipOf([{ name: 'posts.csv', data: 'a'.repeat(100), claims: 2 ** 32 - 1 }]))
  return {
    name: 'zip',
    inputs: mutated(zips, [
      'PK\u0001\u0002',
      'PK\u0003\u0004',
      'PK\u0005\u0006',
      '../',
      'posts.csv',
    ]),
    async check(input) {
      const home = mkdtempSync(join(tmpdir(), 'hyperletter-fuzz-'))
      const path = join(home, 'export.zip')
      try {
        // Without these bytes it is no zip file for anybody.
        writeFileSync(path, Buffer.concat([Buffer.from('PK\u0003\u0004'), input.subarray(4)]))
        await assertExport(path)
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
  exported({
    service: 'ghost',
    file: 'export.json',
    words: ['"html":', '"lexical":', '"mobiledoc":', 'null', '{', '[', '\\u0000'],
  }),
  exported({
    service: 'wordpress',
    file: 'export.xml',
    words: ['<item>', '</item>', '<wp:status>', '<![CDATA[', '&amp;', '<wp:'],
  }),
  exported({
    service: 'substack',
    file: 'posts.csv',
    isFolder: true,
    words: ['"', '""', ',', '\r\n', 'true', '2026-01-01T00:00:00Z', 'post_id'],
  }),
  exported({
    service: 'beehiiv',
    file: 'beehiiv-posts.csv',
    words: ['"', '""', ',', '\r\n', 'confirmed', 'free', 'premium', 'content_html', 'web_title'],
  }),
  exported({
    service: 'buttondown',
    file: 'emails/fancy.md',
    isFolder: true,
    words: [
      '---\n',
      'subject: ',
      'status: ',
      'publish_date: ',
      '{{ ',
      '{% if ',
      '%}',
      ' }}',
    ].concat([
      '<!-- buttondown-editor-mode: fancy -->',
      '<buttondown-subscriberwall>',
      'class="buttondown-block-premium"',
      '&a ',
      '*a',
    ]),
  }),
  exported({
    service: 'buttondown',
    name: 'buttondown-index',
    file: 'newsletter.json',
    isFolder: true,
    words: ['"username":', 'null', '[', '{', '../'],
  }),
  exported({
    service: 'buttondown-web',
    file: 'emails.csv',
    isFolder: true,
    words: ['"', '""', ',', '\r\n', 'slug', 'public', 'premium', '../web-one', '2026-01-01'],
  }),
  exported({
    service: 'mbox',
    file: 'tides.mbox',
    words: [
      'From mara@tides.example Thu Jan  1 09:30:00 2026\n',
      '\n\n',
      '\n ',
      '>From ',
      '--',
    ].concat([
      'Subject: ',
      'Date: ',
      'List-Id: ',
      'Message-ID: <',
      'Content-Type: multipart/mixed; boundary="b"\n\n--b\n',
      'Content-Type: message/rfc822\n\n',
      'Content-Type: text/html; charset=utf-7\n',
      'Content-Transfer-Encoding: base64\n',
      'Content-Transfer-Encoding: quoted-printable\n',
      '=?utf-8?Q?=E2=82?=',
      '=?iso-2022-jp?B?GyRC?=',
      'name*0*=x',
      'cid:',
    ]),
  }),
  zipped(),
  webFeeds,
]
