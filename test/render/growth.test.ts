import { describe, it } from 'vitest'
import { parseQuery } from '../../src/engine/search/query.ts'
import { documentOf } from '../../src/engine/search/document.ts'
import { issueExcerpt } from '../../src/engine/search/text/excerpt.ts'
import { plainText } from '../../src/engine/search/text/plain-text.ts'
import { renderHtml, renderUnformatted } from '../../src/render/html/html.ts'
import { stripControls } from '../../src/render/plain.ts'
import { renderTerminal } from '../../src/render/terminal/terminal.ts'
import { fit } from '../../src/render/terminal/wrap.ts'
import type { IssueText } from '../../src/site/pages/parts.ts'
import { entryOf, type FeedEntry } from '../../src/site/syndication/document.ts'
import { FORMATS } from '../../src/site/syndication/formats.ts'
import { expectLinear, type Construct } from '../helpers/growth.ts'

/** What parsers look ahead or back for, begun again and again, alone and behind something else. */
const CONSTRUCTS: readonly Construct[] = [
  // Lines
  { unit: '\n' },
  { unit: '#\n' },
  { unit: 'a  \n' },
  { unit: '\u0001\n', end: 'x' },
  { unit: 'a ' },
  { unit: ' ' },
  // Control strings
  { unit: '\u0090' },
  { unit: '\u009d' },
  { unit: '\u001b]' },
  { unit: '\u009b1' },
  // Raw HTML
  { start: '<div>\n<', unit: 'a' },
  { start: '<div>\n', unit: '< ', end: '>' },
  { start: '<div>\n', unit: '<a ' },
  { start: '<div>\n', unit: '<br>', end: 'x' },
  { start: '<img src=x ', unit: 'a', end: '>' },
  { start: '<div>\n<img ', unit: 'a="', end: '>' },
  { start: '<div>\n<img ', unit: "a='", end: '>' },
  { start: '<div>\n', unit: '<script></script ' },
  { start: '<script>', unit: '</scrip' },
  { start: 'a ', unit: '<!-- ' },
  { start: 'a ', unit: '<a b="' },
  { start: 'a ', unit: '<![CDATA[' },
  { start: 'a ', unit: '<?' },
  { unit: '<div>\n\n' },
  { start: '<div>\n', unit: '<b><i>' },
  { start: '<div>\n', unit: '<b></i>' },
  { start: 'a ', unit: '<B>' },
  { start: '<table>\n', unit: '<tr><td>a' },
  { start: '<table>\n', unit: '<b>a' },
  { start: '<ul>\n', unit: '<ul><li>' },
  { start: '<p id=a>\n', unit: '<a id=b>' },
  { unit: '<svg>\n\n' },
  // Places within the text
  { unit: '# a\n' },
  { start: '# ', unit: '{#a', end: '}' },
  { unit: '[a](#b) ' },
  { start: '# b\n\n', unit: '[a](#b) ' },
  // Emphasis, code, links
  { unit: '*a **a ' },
  { unit: 'a** b*' },
  { unit: '~a ' },
  { unit: '`a``' },
  { unit: '[' },
  { unit: '![' },
  { unit: '[a](' },
  { unit: '[a](<b "' },
  { unit: '[a][' },
  { unit: '[a]: b\n' },
  { unit: '[^a]' },
  { unit: '[^a]: b\n\n' },
  { unit: 'www.' },
  { unit: 'a@' },
  { unit: 'http://a.b/(' },
  { unit: '&#x' },
  // Containers, tables
  { unit: '> ' },
  { unit: '> a\n\n' },
  { unit: '- ' },
  { unit: '- a\n\n' },
  { unit: '1. > a\n' },
  { unit: '|' },
  { unit: 'a|b\n-|-\n' },
  { start: `${'|a'.repeat(100)}\n${'|-'.repeat(100)}\n`, unit: 'a\n' },
  // Formulas
  { unit: '$a' },
  { unit: '$$' },
  { unit: '$ a' },
  { unit: '\\(' },
  { unit: '\\(a_' },
  { unit: '$$a\n' },
  { unit: '\\[\n' },
  { unit: '> [!a] b\n' },
  // Scripts
  { unit: '漢 ' },
  { unit: '漢' },
  { unit: '漢**' },
  { unit: '**「漢」' },
  { unit: 'a\u0301' },
  { unit: '👨\u200d' },
  // One endless word
  { start: '漢+', unit: '`' },
  { start: '    é', unit: 'a' },
  { start: '漢', unit: '~`@' },
]

describe('the cost of a text grows as the text does', { timeout: 120_000 }, () => {
  it.each(CONSTRUCTS)('in HTML and feeds: %j', async (construct) => {
    await expectLinear(construct, async (text) => {
      const entry = entryOf(ISSUE, 'http://localhost', renderHtml(text), String)
      for (const { write } of Object.values(FORMATS)) {
        const document = { outline: OUTLINE, self: '', home: '', links: {}, entries: only(entry) }
        let characters = 0
        for await (const part of write(document)) characters += part.length
        if (characters === 0) throw new Error('Nothing was written.')
      }
    })
  })

  it.each(CONSTRUCTS)('in a terminal: %j', async (construct) => {
    // As the reader shows it, with nothing that is wider than the screen.
    await expectLinear(construct, (text) =>
      fit(renderTerminal(text, { width: 80, color: true }), 80),
    )
  })

  it.each(CONSTRUCTS)('in the search: %j', async (construct) => {
    const clauses = parseQuery('a 漢字 b')
    await expectLinear(construct, (text) => {
      documentOf({ feedKey: '', number: 1, edition: 1 }, { title: 'a', text: plainText(text) })
      issueExcerpt(text, 'a', clauses)
    })
  })

  it.each(CONSTRUCTS)('unformatted, and on a line: %j', async (construct) => {
    await expectLinear(construct, (text) => [renderUnformatted(text), stripControls(text)])
  })
})

const OUTLINE = { id: 'urn:a', title: 'a', home: '/', issues: [], links: {} }

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

// oxlint-disable-next-line typescript/require-await -- as the entries of a feed come
async function* only(entry: FeedEntry): AsyncGenerator<FeedEntry> {
  yield entry
}
