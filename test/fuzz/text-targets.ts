import { strict as assert } from 'node:assert'
import fc from 'fast-check'
import { XmlDocument } from 'libxml2-wasm'
import { parseFragment, serialize, type DefaultTreeAdapterTypes } from 'parse5'
import { renderDiff } from '../../src/cli/commands/read/read-diff.ts'
import { createStyle } from '../../src/cli/terminal/format.ts'
import { parseQuery } from '../../src/engine/search/query.ts'
import { documentOf } from '../../src/engine/search/document.ts'
import { issueExcerpt } from '../../src/engine/search/text/excerpt.ts'
import { plainText } from '../../src/engine/search/text/plain-text.ts'
import { safeFileName } from '../../src/render/file-name.ts'
import { renderHtml, renderUnformatted } from '../../src/render/html/html.ts'
import { singleLine, stripControls } from '../../src/render/plain.ts'
import { renderTerminal } from '../../src/render/terminal/terminal.ts'
import type { IssueText } from '../../src/site/pages/parts.ts'
import { entryOf } from '../../src/site/syndication/document.ts'
import { FORMATS } from '../../src/site/syndication/formats.ts'
import { ATTACKS } from '../render/attack-list.ts'
import { complaints } from '../render/strict-html.ts'
import { filesIn } from './format-targets.ts'
import { bytesOf, mutated, refusing, textOf, textsOf, type Target } from './target.ts'

const PIECES = [
  ' ',
  '  ',
  '\n',
  '\n\n',
  '\t',
  '    ',
  '\\',
  '&',
  ';',
  '#',
  '*',
  '**',
  '_',
  '~~',
  '`',
]
  .concat(['```\n', '[', ']', '(', ')', '![', '[^1]', '[^1]: ', ': ', '|', '|\n|-|\n', '> ', '- '])
  .concat([
    '1. ',
    '- [x] ',
    '---\n',
    '===\n',
    '<',
    '>',
    '"',
    "'",
    '/>',
    '</',
    '<!--',
    '-->',
    '<![CDATA[',
  ])
  .concat([
    ']]>',
    '<?',
    '<script>',
    '</script>',
    '<style>',
    '<svg>',
    '<math>',
    '<img src=',
    '<a href="',
  ])
  .concat([
    '<template>',
    '<noscript>',
    '<plaintext>',
    '<textarea>',
    '<title>',
    ' onerror=',
    ' style=',
    ' id=a',
    ' name="attributes"',
    ' colspan=2',
  ])
  .concat(
    'a abbr b blockquote caption center dd details div dl dt figcaption figure h2 iframe li p picture pre q rp rt'
      .split(' ')
      .concat('ruby source span sub summary table tbody td th thead tr ul video'.split(' '))
      .flatMap((name) => [`<${name}>`, `</${name}>`]),
  )
  .concat([
    'javascript:',
    'data:',
    'https://a.example',
    'http:',
    'mailto:a@b',
    'www.a.example',
    '//',
  ])
  .concat([
    'tide.png',
    '&colon;',
    '&#x1b;',
    '&#0;',
    '&Tab;',
    '\u001b[2J',
    '\u009b',
    '\u001b]8;;',
    '\u0007',
  ])
  .concat([
    '\u202e',
    '\u2066',
    '\u200b',
    '\ufeff',
    '\u2028',
    '\u0000',
    '\u0301',
    '👨\u200d👩',
    '漢字',
    'ا',
    'a',
  ])

const markdown = fc.oneof(
  textsOf(PIECES),
  mutated([...ATTACKS.map(bytesOf), ...filesIn('newsletters').filter(isText)], PIECES),
)

function isText(bytes: Uint8Array): boolean {
  return !bytes.subarray(0, 1_000).includes(0)
}

const ATTACHMENT = '/attachments/tide.png'
const OPTIONS = {
  idPrefix: 'i1-',
  attachmentUrl: (name: string) => (name === 'tide.png' ? ATTACHMENT : undefined),
}

const html: Target = {
  name: 'html',
  inputs: markdown,
  check(input) {
    const text = textOf(input)
    for (const shown of [renderHtml(text, OPTIONS), renderUnformatted(text)]) {
      assert.deepEqual(complaints(shown, 'i1-'), [])
      // As a browser reads it, which may see other elements than its writer.
      const parsed = parseFragment(shown)
      assert.deepEqual([...harmful(parsed)], [])
      assert.deepEqual([...structureOf(parseFragment(serialize(parsed)))], [...structureOf(parsed)])
    }
  },
}

const HARMLESS = new Set(
  (
    '#document-fragment #text a abbr bdi blockquote br caption cite code dd del details dfn dl dt em figcaption figure ' +
    'h1 h2 h3 h4 h5 h6 hr img ins kbd li mark ol p pre q rp rt ruby samp section small span strong sub summary sup ' +
    'table tbody td tfoot th thead time tr u ul var'
  ).split(' '),
)

function* structureOf(node: DefaultTreeAdapterTypes.Node): Generator<string> {
  // A line break after <pre> is not part of its text.
  if (node.nodeName !== '#text')
    yield `${node.nodeName} ${JSON.stringify('attrs' in node ? node.attrs : [])}`
  for (const it of 'childNodes' in node ? node.childNodes : []) yield* structureOf(it)
}

const LINK = /^(?:https?:\/\/|mailto:|tel:|hyperletter:\/\/|#i1-)/

function* harmful(node: DefaultTreeAdapterTypes.Node): Generator<string> {
  if (!HARMLESS.has(node.nodeName)) yield `element ${node.nodeName}`
  for (const { name, value } of 'attrs' in node ? node.attrs : []) {
    if (/^on|^style$|^srcdoc$|^srcset$|^action$/i.test(name)) yield `attribute ${name}`
    if (name === 'src' && value !== ATTACHMENT) yield `source ${value}`
    if (name === 'href' && value !== ATTACHMENT && !LINK.test(value)) yield `link to ${value}`
    if (name === 'id' && !value.startsWith('i1-')) yield `id ${value}`
  }
  for (const it of 'childNodes' in node ? node.childNodes : []) yield* harmful(it)
}

const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2066-\u2069\ufeff]/

const terminal: Target = {
  name: 'terminal',
  inputs: markdown,
  check(input) {
    const text = textOf(input)
    for (const width of [20, 80]) {
      assert.doesNotMatch(renderTerminal(text, { width, color: false }), CONTROLS)
      const colored = renderTerminal(text, { width, color: true, title: text.slice(0, 20) })
      assert.doesNotMatch(colored.replace(/\u001b\[(?:[1-49]|2[2-49]|3[236]|39)m/g, ''), CONTROLS)
    }
    const half = Math.floor(text.length / 2)
    const difference = renderDiff(text.slice(0, half), text.slice(half), createStyle(false))
    assert.doesNotMatch(difference ?? '', CONTROLS)
    for (const it of [stripControls(text), singleLine(text), safeFileName(text.slice(0, 500))]) {
      assert.doesNotMatch(it, CONTROLS)
    }
    assert.equal(stripControls(stripControls(text)), stripControls(text))
    assert.doesNotMatch(singleLine(text), /[\r\n\t]/)
  },
}

const syndication: Target = {
  name: 'syndication',
  inputs: markdown,
  async check(input) {
    const text = textOf(input)
    const title = singleLine(text.slice(0, 200))
    const content = renderHtml(text, OPTIONS)
    const issue = { ...ISSUE, title, summary: text.slice(0, 300) }
    const entry = entryOf(issue, 'http://a', content, encodeURIComponent)
    const documents = Object.entries(FORMATS).map(async ([file, { write }]) => {
      const entries = (async function* () {
        yield await Promise.resolve(entry)
      })()
      const outline = { id: 'urn:a', title, home: '/', issues: [], links: {} }
      let written = ''
      for await (const part of write({ outline, self: '', home: '', links: {}, entries })) {
        written += part
      }
      return [file, written] as const
    })
    const { 'atom.xml': atom = '', 'feed.json': json = '' } = Object.fromEntries(
      await Promise.all(documents),
    )
    using document = XmlDocument.fromString(atom)
    const found = document.root.find('/a:feed/a:entry', NAMESPACE)
    assert.equal(found.length, 1)
    assert.equal(document.root.get('/a:feed/a:entry/a:content', NAMESPACE)?.content, content)
    const { items } = JSON.parse(json) as { items: { content_html: string }[] }
    assert.deepEqual(
      items.map((it) => it.content_html),
      [content],
    )
  },
}

const NAMESPACE = { a: 'http://www.w3.org/2005/Atom' }

const ISSUE: IssueText = {
  feedKey: 'y'.repeat(52),
  newsletter: 'a',
  number: 1,
  title: 'a',
  publishedAt: '2026-01-01T00:00:00Z',
  markdown: '',
  attachments: [],
  editions: 1,
  verified: true,
}

const search: Target = {
  name: 'search',
  inputs: markdown,
  async check(input) {
    const text = textOf(input)
    documentOf(
      { feedKey: '', number: 1, edition: 1 },
      { title: text.slice(0, 100), text: plainText(text) },
    )
    const query = text.slice(0, 200)
    const clauses = await refusing(['INVALID_INPUT'], () => parseQuery(query))
    const excerpt = issueExcerpt(text, 'a', clauses ?? parseQuery('a 漢字'))
    assert.doesNotMatch(JSON.stringify(excerpt), /[\u007f-\u009f\u202a-\u202e]/)
  },
}

export const TEXT_TARGETS: readonly Target[] = [html, terminal, syndication, search]
