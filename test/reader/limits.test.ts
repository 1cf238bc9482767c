import { describe, expect, it } from 'vitest'
import { renderHtml } from '../../src/reader/html.ts'
import { parseMarkdown } from '../../src/reader/markdown.ts'
import { renderTerminal } from '../../src/reader/terminal.ts'

const BODY_MAX = 2 * 1024 * 1024

const fill = (unit: string, size = BODY_MAX) => unit.repeat(Math.floor(size / unit.length))

// Each of these takes minutes, or overflows the stack, when given to the parser as it is.
const ATTACKS: Record<string, string> = {
  'nested quotes': `${'>'.repeat(10_000)}a`,
  'nested lists on one line': `${'- '.repeat(10_000)}a`,
  'nested lists by indentation': Array.from(
    { length: 1_400 },
    (_, n) => `${' '.repeat(2 * n)}- a`,
  ).join('\n'),
  'blank lines in nested lists': `${'- '.repeat(45)}a\n${fill('\n')}`,
  'quadratic emphasis': '*a_ '.repeat(500_000),
  'nested emphasis': `${'*a '.repeat(300_000)}${'a* '.repeat(300_000)}`,
  'many nested emphases': fill(`${'**a '.repeat(400)}${'b** '.repeat(400)}\n\n`),
  'open brackets': '['.repeat(100_000),
  'nested images': fill(`${'!['.repeat(900)}${'](a)'.repeat(900)}\n\n`),
  'half links': fill('[a]('),
  '50,000 links': '[a](http://example.org) '.repeat(50_000),
  'bare links': fill('http://a.b '),
  'wide tables': `${'|a'.repeat(200)}\n${'|-'.repeat(200)}\n${fill('a\n')}`,
  'a reference to a long definition': `[a]: http://x/${'漢'.repeat(2_000)}\n\n${fill('[a]\n\n')}`,
  footnotes: Array.from({ length: 100_000 }, (_, n) => `[^${n}]: x[^${n}]\n\n`).join(''),
  'many short lists': fill('- a\n\nb\n\n'),
  'many short quotes': fill('> a\n\nb\n\n'),
  'footnotes before their references': Array.from(
    { length: 100_000 },
    (_, n) => `[^${n}]\n\n[^${n}]: x\n\n`,
  ).join(''),
  'short paragraphs': fill('a\n\n'),
  'one list': fill('- a\n'),
  'one endless word': '漢'.repeat(400_000),
  'a long text without spaces': fill(`${'漢字'.repeat(200)}。\n\n`),
  colons: fill(':'),
  'a mail address without end': fill('a.'),
  'schemes without end': fill('http://'),
  'unclosed comments': `<div>\n${fill('<!-- ')}`,
}

// Where the terminal has work of its own: wrapping, measuring, tables.
const MEASURED = new Set([
  'one endless word',
  'a long text without spaces',
  'wide tables',
  'short paragraphs',
])

describe('hostile Markdown', { timeout: 90_000 }, () => {
  it.each(Object.keys(ATTACKS))('is shown in bounded time: %s', (name) => {
    const markdown = ATTACKS[name] ?? ''
    const start = performance.now()
    expect(renderHtml(markdown).length).toBeLessThan(20 * BODY_MAX)
    if (MEASURED.has(name)) renderTerminal(markdown, { width: 80, color: true })
    // Generous, as test machines are slow and shared; unbounded, each would take far longer.
    expect(performance.now() - start).toBeLessThan(40_000)
  })

  it('stays readable as plain text from the first costly block on', () => {
    const { root, degraded } = parseMarkdown(`# Title\n\n${'>'.repeat(100)} <b>deep`)
    expect(degraded).toBe(true)
    expect(root.children.map((node) => node.type)).toEqual(['heading', 'code'])
    expect(root.children.at(-1)).toMatchObject({ value: `${'>'.repeat(100)} <b>deep` })
  })

  it('keeps the depth of the tree bounded', () => {
    const html = renderHtml(`${'> '.repeat(48)}a`)
    expect(html.split('<blockquote>').length - 1).toBeLessThanOrEqual(33)
    expect(html).toContain('<p>a</p>')
  })
})

describe('long but honest Markdown', () => {
  it('is parsed whole', { timeout: 60_000 }, () => {
    const item =
      '- [A title of usual length](https://example.org/posts/a-title) by *Somebody*, `code`.\n'
    const text = 'Some words of prose that a person wrote, line by line, on a long evening.\n'
    const section = `## Section\n\n${text.repeat(6)}\n${item.repeat(12)}\n`
    expect(parseMarkdown(section.repeat(120)).degraded).toBe(false)
  })

  it('that is deeply indented code is parsed whole', () => {
    expect(parseMarkdown(`\`\`\`\n${' '.repeat(150)}x = 1\n\`\`\`\n`).degraded).toBe(false)
  })
})
