import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderHtml, type HtmlOptions } from '../../../src/render/html/html.ts'
import { complaints } from '../strict-html.ts'

const OPTIONS: HtmlOptions = {
  attachmentUrl: (name) => (name === 'tide.png' ? '/attachments/tide.png' : undefined),
  idPrefix: 'i1-',
}
const html = (markdown: string) => renderHtml(markdown, OPTIONS)

describe('renderHtml', () => {
  it.each([
    ['# A *b*', '<h1>A <em>b</em></h1>'],
    ['~~a~~ `b`', '<p><del>a</del> <code>b</code></p>'],
    [
      '[a](https://b.example)',
      '<p><a href="https://b.example" rel="noopener noreferrer nofollow">a</a></p>',
    ],
    [
      '[a][x]\n\n[x]: mailto:a@b.example',
      '<p><a href="mailto:a@b.example" rel="noopener noreferrer nofollow">a</a></p>',
    ],
    ['[a](other.md) [b](#top) [c](//d.example)', '<p>a b c</p>'],
    ['![Tide](./tide.png)', '<p><img src="/attachments/tide.png" alt="Tide" loading="lazy"></p>'],
    ['![Tide](tide%2Epng)', '<p><img src="/attachments/tide.png" alt="Tide" loading="lazy"></p>'],
    ['![Tide](no.png)', '<p><span class="missing-image">Tide</span></p>'],
    [
      '![Tide](https://c.example/t.png)',
      '<p><span class="remote-image"><a href="https://c.example/t.png" rel="noopener noreferrer nofollow">Picture at c.example</a>: Tide</span></p>',
    ],
    [
      '- [x] a\n- [ ] b',
      '<ul class="contains-task-list">\n<li class="task-list-item">☑ a</li>\n<li class="task-list-item">☐ b</li>\n</ul>',
    ],
    ['```rust\nfn a() {}\n```', '<pre><code class="language-rust">fn a() {}\n</code></pre>'],
    ['a <b>b</b> <!-- c --> Vec<T><br>d', '<p>a b  Vec&#x3C;T><br>\nd</p>'],
    ['<div>a &amp; b</div>', '<p>a &#x26; b</p>'],
    ['<script>\nalert(1)\n</script>\n', ''],
    ['&#x202e;a&#27;[2Jb&#x200b;', '<p>a\ufffd[2Jb</p>'],
  ])('renders %j', (markdown, expected) => {
    expect(html(markdown)).toBe(expected)
  })

  it('names footnotes by their number and the prefix', () => {
    const result = html('a[^<b>"x]\n\n[^<b>"x]: Note')
    expect(result).toContain('<a href="#i1-fn-1" id="i1-fnref-1">1</a>')
    expect(result).toContain('<li id="i1-fn-1">')
    expect(complaints(result, 'i1-')).toEqual([])
  })

  it('makes no link within a link from a remote picture', () => {
    expect(html('[![a](https://b.example/c.png)](https://d.example)').match(/<a /g)).toHaveLength(1)
  })

  it('aligns table cells and fills missing ones', () => {
    const result = html('|a|b|\n|:-|-:|\n|1|')
    expect(result).toContain('<td align="left">1</td>\n<td align="right"></td>')
  })

  it('allows only the allowed for any text', () => {
    const piece = fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '`',
      '[',
      ']',
      '(',
      ')',
      '!',
      '\n',
      ' ',
      '&',
      '#',
      ';',
      'javascript:',
      'data:',
      '<img ',
      'onerror=',
      '<script>',
      '</',
      '-->',
      '<!--',
      'https://a.example',
      '[^1]',
      ': ',
      '|',
      '\n|-|\n',
      '- ',
      'a',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        expect(complaints(html(pieces.join('')), 'i1-')).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
