import { describe, expect, it } from 'vitest'
import { renderHtml } from '../../src/render/html/html.ts'
import { parseMarkdown } from '../../src/render/markdown/markdown.ts'
import { renderTerminal } from '../../src/render/terminal/terminal.ts'
import { BODY_MAX, COSTLY } from './attack-list.ts'

// Where the terminal has work of its own: wrapping, measuring, tables.
const MEASURED = new Set([
  'one endless word',
  'a long text without spaces',
  'wide tables',
  'short paragraphs',
])

describe('hostile Markdown', { timeout: 90_000 }, () => {
  it.each(Object.keys(COSTLY))('is shown in bounded time: %s', (name) => {
    const markdown = COSTLY[name] ?? ''
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

  it('loses nothing of a long text that stays unformatted, and shows it in pieces', () => {
    const text = `${'>'.repeat(100)}\n${'a line\n'.repeat(30_000)}${'endless'.repeat(30_000)}`
    const blocks = parseMarkdown(text).root.children.map((it) => ('value' in it ? it.value : ''))
    expect(blocks.length).toBeGreaterThan(10)
    expect(Math.max(...blocks.map((it) => it.length))).toBeLessThan(50_000)
    expect(blocks.join('').replaceAll('\n', '')).toBe(text.replaceAll('\n', ''))
    expect(blocks[1]).toMatch(/^a line\n/)
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
