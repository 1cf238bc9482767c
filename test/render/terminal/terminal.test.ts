import fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { renderTerminal } from '../../../src/render/terminal/terminal.ts'

const plain = (markdown: string, width = 40, attachments?: string[]) =>
  renderTerminal(markdown, { width, color: false, ...(attachments && { attachments }) })

describe('renderTerminal', () => {
  it('lists what a link to another issue means', () => {
    const linkWords = (url: string) => (url === 'b.md' ? 'issue 2' : undefined)
    expect(renderTerminal('[a](b.md) [c](d.md)', { width: 40, color: false, linkWords })).toBe(
      'a[1] c\n\n────────────────────────\n[1] issue 2\n',
    )
  })

  it.each<[string, string, string]>([
    ['underlines headings', '# One\n## Two\n### Three', 'One\n═══\n\nTwo\n───\n\n### Three\n'],
    ['wraps paragraphs', `${'word '.repeat(9)}end`, `${'word '.repeat(7)}word\nword end\n`],
    ['keeps hard breaks, not soft ones', 'a\nb  \nc', 'a b\nc\n'],
    ['keeps marks without colour', '**a** *b* ~~c~~ `d`', '**a** *b* ~~c~~ `d`\n'],
    ['draws lists', '- a\n- b\n  1. c\n  2. d', '• a\n• b\n  1. c\n  2. d\n'],
    ['aligns list numbers', '9. a\n10. b', ' 9. a\n10. b\n'],
    ['draws task boxes', '- [ ] a\n- [x] b', '☐ a\n☑ b\n'],
    ['draws quotes', '> a\n>\n> b', '│ a\n│\n│ b\n'],
    ['never wraps code', `    ${'x '.repeat(30)}y`, `    ${'x '.repeat(30)}y\n`],
    [
      'numbers links once per URL',
      '[a](http://x.y) [b](http://x.y)',
      'a[1] b[1]\n\n────────────────────────\n[1] http://x.y\n',
    ],
    [
      'does not repeat a bare URL',
      'http://x.y/ <a@b.example> www.z.example',
      'http://x.y/ a@b.example www.z.example\n',
    ],
    ['shows unsafe links as text', '[a](javascript:alert(1))', 'a\n'],
    [
      'puts footnotes at the end',
      'a[^n] b\n\n[^n]: Note.',
      'a¹ b\n\n────────────────────────\n¹ Note.\n',
    ],
    ['shows raw HTML as its text', '<div>a<br>b</div>', 'a\nb\n'],
    [
      'marks what only HTML has',
      '10<sup>6</sup> H<sub>2</sub>O <kbd>C</kbd> <mark>m</mark> <q>q</q> <abbr title="Tide">T</abbr>',
      '10⁶ H₂O `C` ==m== “q” T (Tide)\n',
    ],
    ['unfolds details', '<details><summary>A</summary>\n\nb\n\n</details>', '▾ A\n\n  b\n'],
    ['lists terms', '<dl><dt>a<dd>b<dt>c<dd>d</dl>', 'a\n  b\nc\n  d\n'],
    [
      'draws tables of HTML',
      '<table><thead><tr><th>a<th>b</thead><tr><td>1<td>2</table>',
      'a │ b\n──┼──\n1 │ 2\n',
    ],
    ['shows links within the text as text', '[a](#b) [c](d.pdf)\n\n# b', 'a c\n\nb\n═\n'],
    [
      'keeps words without spaces within the width',
      '漢'.repeat(25),
      `${'漢'.repeat(20)}\n${'漢'.repeat(5)}\n`,
    ],
    ['shows nothing for nothing', '<!-- a -->', ''],
  ])('%s', (_fact, markdown, expected) => {
    expect(plain(markdown)).toBe(expected)
  })

  it.each([
    ['# The *clock*\n\nTwo.', 'Two.\n'],
    ['The\nclock\n===\n\nTwo.', 'Two.\n'],
    ['# Another\n\nTwo.', 'Another\n═══════\n\nTwo.\n'],
    ['Two.\n\n# The clock', 'Two.\n\nThe clock\n═════════\n'],
    [
      '# [The clock](http://x.y)',
      'The clock[1]\n════════════\n\n────────────────────────\n[1] http://x.y\n',
    ],
    ['# The clock', ''],
  ])('leaves out a first heading that repeats the title: %j', (markdown, expected) => {
    const options = { width: 40, color: false, title: 'The  clock' }
    expect(renderTerminal(markdown, options)).toBe(expected)
  })

  it('says of each picture whether it travels', () => {
    expect(
      plain('![Tide](tide.png) ![](no.png) ![c](https://d.example/e.png)', 100, ['tide.png']),
    ).toBe(
      '[picture: Tide (tide.png)] [picture: no.png, not attached] [picture at d.example: c][1]\n\n' +
        '────────────────────────\n[1] https://d.example/e.png\n',
    )
  })

  it('aligns table columns by display width', () => {
    expect(plain('|Name|N|\n|-|-:|\n|潮汐|12|\n|b|3|')).toBe(
      'Name │  N\n─────┼───\n潮汐 │ 12\nb    │  3\n',
    )
  })

  it('wraps table cells that do not fit', () => {
    expect(plain('|a|b|\n|-|-|\n|one two three four five six|seven eight nine ten|', 30)).toBe(
      'a             │ b\n──────────────┼──────────────\none two three │ seven eight\nfour five six │ nine ten\n',
    )
  })

  it('turns a table that is too wide into lists', () => {
    expect(plain('|a|b|c|\n|-|-|-|\n|one two three|four five six|seven eight|', 20)).toBe(
      'a: one two three\nb: four five six\nc: seven eight\n',
    )
  })

  it('styles with colour and ends styles at each line', () => {
    const text = renderTerminal('> **one two three four five**', { width: 22, color: true })
    expect(text).toBe(
      '\u001b[2m│ \u001b[22m\u001b[1mone two three four\u001b[22m\n\u001b[2m│ \u001b[22m\u001b[1mfive\u001b[22m\n',
    )
  })

  it('never writes an escape sequence without colour', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '\u001b[31m',
        '\u001b]0;x\u0007',
        '\u009b',
        '&#27;',
        '&#x9b;',
        '`',
        '*',
        '\n',
        '![',
        '](',
        ')',
        '|',
        '> ',
        '- ',
      ),
      fc.string({ unit: 'binary', maxLength: 5 }),
    )
    fc.assert(
      fc.property(fc.array(piece), fc.integer({ min: 1, max: 200 }), (pieces, width) => {
        // eslint-disable-next-line no-control-regex
        expect(plain(pieces.join(''), width)).not.toMatch(/[\u001b\u0080-\u009f\u0007\r]/)
      }),
    )
  })

  it('writes no line wider than the width', () => {
    const word = fc.constantFrom(
      'a',
      'word',
      'longer',
      '漢字',
      '👍',
      '**b**',
      '`c`',
      '[d](http://e.f)',
      '~~g h~~',
    )
    const line = fc.tuple(
      fc.constantFrom('', '> ', '- ', '  - ', '# ', '| '),
      fc.array(word, { minLength: 1, maxLength: 30 }),
    )
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 8 }),
        fc.integer({ min: 24, max: 100 }),
        fc.boolean(),
        (lines, width, color) => {
          const markdown = lines.map(([prefix, words]) => prefix + words.join(' ')).join('\n')
          for (const shown of renderTerminal(markdown, { width, color }).split('\n')) {
            expect(stringWidth(shown)).toBeLessThanOrEqual(width)
          }
        },
      ),
    )
  })
})
