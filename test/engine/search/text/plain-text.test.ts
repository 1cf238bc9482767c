import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plainText } from '../../../../src/engine/search/text/plain-text.ts'

describe('the plain text of Markdown', () => {
  const cases = [
    ['a heading', '## High water ##\n\nAt noon.', 'High water ## At noon.'],
    ['emphasis', '**Spring** *tide*, ~~neap~~ `code`', 'Spring tide, neap code'],
    ['lists and tasks', '- one\n  - two\n10. ten\n- [ ] open', 'one two ten open'],
    ['quotations', '> > said\n> again', 'said again'],
    ['a link', 'see [the table](https://example.org/a_(b) "title") now', 'see the table now'],
    ['a picture', '![a lighthouse](lighthouse.png)', 'a lighthouse'],
    ['a link that is defined elsewhere', '[text][ref]\n\n[ref]: https://example.org\n', 'text'],
    ['a footnote', 'Word[^1].\n\n[^1]: The note.', 'Word. The note.'],
    ['addresses', 'at <https://example.org/x> and https://example.org/y.', 'at and'],
    ['tags and comments', 'a <b class="x">bold</b> <!-- hidden\n\ntext --> end', 'a bold end'],
    ['a table', '| a | b |\n| --- | ---: |\n| 1 | 2 |', 'a b 1 2'],
    ['code', '```rust\nfn main() {}\n```', 'rust fn main() {}'],
    ['escapes and references', '1 \\* 2 &amp; 3&nbsp;4', '1 * 2 & 3 4'],
    ['letters of all scripts', 'पेड़ 川 été', 'पेड़ 川 été'],
  ] as const

  it.each(cases)('of %s is what one reads', (_, markdown, text) => {
    expect(plainText(markdown)).toBe(text)
  })

  it('has no control, separating or turning characters, and is one line', () => {
    const bad =
      'a\u001b[31mb\u0000c\u007fd\u009be\u202ef\u2066g\u2028h\ufeffi\u{e0041}j\u200bk\r\nl\tm'
    expect(plainText(bad)).toBe('a 31mb c d e f g h i j k l m')
  })

  it('is well-formed and without controls, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (markdown) => {
        const text = plainText(markdown)
        expect(text.isWellFormed()).toBe(true)
        expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/)
      }),
    )
  })

  const hostile = [
    '<!--',
    '[',
    '](',
    '![',
    '> ',
    '<a ',
    'https://',
    '- ',
    '\\',
    '[a\n',
    '&amp',
    '*_',
    '|\n',
    '1. ',
    `](${'a'.repeat(1_999)}`,
    '\n',
    ' ',
  ]

  it.each(hostile)('takes bounded time for 2 MiB of %j', (part) => {
    const start = performance.now()
    plainText(part.repeat(Math.floor((2 * 1024 * 1024) / part.length)))
    expect(performance.now() - start).toBeLessThan(3_000)
  })
})
