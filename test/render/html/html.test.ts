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
    ['# A *b*', '<h1 id="i1-a-b">A <em>b</em></h1>'],
    ['~~a~~ `b`', '<p><del>a</del> <code>b</code></p>'],
    [
      '[a](https://b.example)',
      '<p><a href="https://b.example" rel="noopener noreferrer nofollow">a</a></p>',
    ],
    [
      '[a][x]\n\n[x]: mailto:a@b.example',
      '<p><a href="mailto:a@b.example" rel="noopener noreferrer nofollow">a</a></p>',
    ],
    ['[a](other.md) [b](#top) [c](javascript:d) [e](#)', '<p>a b c e</p>'],
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
    [
      '```rust\nfn a() {}\n```',
      '<pre tabindex="0"><code class="language-rust">fn a() {}\n</code></pre>',
    ],
    ['a <b>b</b> <!-- c --> Vec<T><br>d', '<p>a <strong>b</strong>  Vec&#x3C;T><br>\nd</p>'],
    ['<div>a &amp; b</div>', '<p>a &#x26; b</p>'],
    ['<script>\nalert(1)\n</script>\n', ''],
    ['&#x202e;a&#27;[2Jb&#x200b;', '<p>a\ufffd[2Jb</p>'],
  ])('renders %j', (markdown, expected) => {
    expect(html(markdown)).toBe(expected)
  })

  it.each([
    ['これは**「重要」**です。', '<p>これは<strong>「重要」</strong>です。</p>'],
    ['这是**我想做的事。**所以', '<p>这是<strong>我想做的事。</strong>所以</p>'],
    ['**마크다운(Markdown)**을', '<p><strong>마크다운(Markdown)</strong>을</p>'],
    ['~~取消。~~新しい', '<p><del>取消。</del>新しい</p>'],
    ['a**"b"**c', '<p>a**"b"**c</p>'],
  ])('emphasises %j as its writer means it', (markdown, expected) => {
    expect(html(markdown)).toBe(expected)
  })

  it.each([
    ['$a_1 * b_2 * c_3$ *d*', '<p>$a_1 * b_2 * c_3$ <em>d</em></p>'],
    ['\\(a_1*b*\\) \\(no\\)', '<p>\\(a_1*b*\\) (no)</p>'],
    ['$5 *a* $6, 5$ *b* 6$', '<p>$5 <em>a</em> $6, 5$ <em>b</em> 6$</p>'],
    ['a $$b*c*d$$', '<p>a $$b*c*d$$</p>'],
    [
      '$$\na &= b_{2} \\\\\nc *d*\n$$',
      '<pre tabindex="0"><code class="language-math">$$\na &#x26;= b_{2} \\\\\nc *d*\n$$\n</code></pre>',
    ],
    [
      '> \\[\n> a*b*\n> \\]',
      '<blockquote>\n<pre tabindex="0"><code class="language-math">\\[\na*b*\n\\]\n</code></pre>\n</blockquote>',
    ],
    ['\\[a\\](b)', '<p>[a](b)</p>'],
    ['$$\nno end *a*', '<p>$$\nno end <em>a</em></p>'],
  ])('leaves the formulas of %j as they are', (markdown, expected) => {
    expect(html(markdown)).toBe(expected)
  })

  it.each([
    ['> [!NOTE]\n> a *b*', '<p><strong>Note</strong></p>\n<p>a <em>b</em></p>'],
    ['> [!warning]- Take *care*\n> a', '<p><strong>Take <em>care</em></strong></p>\n<p>a</p>'],
    ['> [!tip]\n>\n> a', '<p><strong>Tip</strong></p>\n<p>a</p>'],
    ['> [!low-tide|wide] A\n> b', '<p><strong>A</strong></p>\n<p>b</p>'],
    ['> [note]\n> a', '<p>[note]\na</p>'],
  ])('shows the alert %j as a quote with a title', (markdown, expected) => {
    expect(html(markdown)).toBe(`<blockquote>\n${expected}\n</blockquote>`)
  })

  const LINK = 'rel="noopener noreferrer nofollow"'

  it.each([
    // What formats text stays, whatever the case and the spacing of its tags.
    ['10<sup>6</sup> H<SUB>2</SUB>O', '<p>10<sup>6</sup> H<sub>2</sub>O</p>'],
    ['<del>a</del> <ins>b</ins> <i>c</i>', '<p><del>a</del> <ins>b</ins> <em>c</em></p>'],
    ['<kbd onclick="x" style="color:red">C</kbd>', '<p><kbd>C</kbd></p>'],
    [
      '<abbr title="Tide &amp; Level">TL</abbr>',
      '<p><abbr title="Tide &#x26; Level">TL</abbr></p>',
    ],
    ['<font color=red>a</font> <span>b</span>', '<p>a b</p>'],
    [
      '<A HREF="https://b.example" class=x>a</A>',
      `<p><a href="https://b.example" ${LINK}>a</a></p>`,
    ],
    [
      '<a title="x > y" href=https://b.example>a</a>',
      `<p><a href="https://b.example" ${LINK} title="x > y">a</a></p>`,
    ],
    [
      '<img alt="a -> b" src = "tide.png">',
      '<p><img src="/attachments/tide.png" alt="a -> b" loading="lazy"></p>',
    ],
    [
      '<picture><source srcset="tide.webp"><img srcset="tide.png 2x"></picture>',
      '<p><img src="/attachments/tide.png" alt="" loading="lazy"></p>',
    ],
    // References that only HTML has.
    ['<p>It&rsquo;s &eacute;t&eacute; &NotEqualTilde;</p>', '<p>It’s été ≂̸</p>'],
    // Blocks become those of Markdown, also with Markdown in them.
    ['<ul><li>a <b>b</b><li>c</ul>', '<ul>\n<li>a <strong>b</strong></li>\n<li>c</li>\n</ul>'],
    ['<blockquote>a<p>b</blockquote>', '<blockquote>\n<p>a</p>\n<p>b</p>\n</blockquote>'],
    [
      '<pre><code class="language-js">a\n  b</code></pre>',
      '<pre tabindex="0"><code class="language-js">a\n  b\n</code></pre>',
    ],
    ['<center>a</center>\n\nb', '<p>a</p>\n<p>b</p>'],
    ['<div>\n\n*a*\n\n</div>', '<p><em>a</em></p>'],
    ['<p align="center">\n\n*a*\n\n</p>', '<p><em>a</em></p>'],
    [
      '<details>\n<summary>A <i>b</i></summary>\n\n*c*\n\n</details>\n\nd',
      '<details><summary>A <em>b</em></summary><p><em>c</em></p></details>\n<p>d</p>',
    ],
    [
      '<figure><img src="tide.png" alt="a"><figcaption>b</figcaption></figure>',
      '<figure><img src="/attachments/tide.png" alt="a" loading="lazy"><figcaption>b</figcaption></figure>',
    ],
    ['<dl><dt>a<dd>b</dl>', '<dl><dt>a</dt><dd>b</dd></dl>'],
    [
      '<table><tr><th colspan=2 align=center>a<tr><td>b<td rowspan=x>c</table>',
      '<table tabindex="0"><tbody><tr><th colspan="2" align="center">a</th></tr><tr><td>b</td><td>c</td></tr></tbody></table>',
    ],
    [
      '<table>a<tr><td>b</td></tr></table>',
      '<p>a</p>\n<table tabindex="0"><tbody><tr><td>b</td></tr></tbody></table>',
    ],
    ['<b>\n\na\n\n- b\n\n</b>', '<p><strong>a</strong></p>\n<ul>\n<li>b</li>\n</ul>'],
    // What may not stand where it is leaves what it holds.
    ['a <td>b</td> <li>c</li>', '<p>a</p>\n<p>b</p>\n<p>c</p>'],
    ['# a <table><tr><td>b</table>', '<h1 id="i1-a--b">a  b</h1>'],
    // What would be loaded, run or filled in is a link, or gone.
    [
      '<iframe src="https://v.example/1" title="A talk"></iframe>',
      `<p><a href="https://v.example/1" ${LINK}>A talk (v.example)</a></p>`,
    ],
    [
      '<video><source src="//v.example/1.mp4">Old</video>',
      `<p><a href="https://v.example/1.mp4" ${LINK}>Video at v.example</a></p>`,
    ],
    [
      '<audio src="tide.png"></audio>',
      `<p><a href="/attachments/tide.png" ${LINK}>Audio: tide.png</a></p>`,
    ],
    ['<iframe src="javascript:alert(1)"></iframe>', '<p>Embedded page: javascript:alert(1)</p>'],
    ['a <svg><text>b</text></svg> <style>c</style> d', '<p>a   d</p>'],
    ['<iframe src="x">\n\nstays', '<p>Embedded page: x</p>\n<p>stays</p>'],
    // A capital is a tag where another one ends it.
    ['Map<A> <B>b</B>', '<p>Map&#x3C;A> <strong>b</strong></p>'],
  ])('keeps what %j means', (markdown, expected) => {
    expect(html(markdown)).toBe(expected)
    expect(complaints(html(markdown), 'i1-')).toEqual([])
  })

  it.each([
    ['[a](//b.example/c)', 'https://b.example/c'],
    ['[a](MAILTO:b@c.example)', 'mailto:b@c.example'],
    ['[a](tel:+49-123)', 'tel:+49-123'],
    [`[a](hyperletter://${'y'.repeat(52)})`, `hyperletter://${'y'.repeat(52)}`],
    ['[a](./tide.png)', '/attachments/tide.png'],
    ['[a](#b)\n\n## B', '#i1-b'],
    ['[a](#%C3%BCmlaut--co)\n\n## Ümlaut & Co.', '#i1-ümlaut--co'],
    ['[a](#b-1)\n\n## B\n\n## B', '#i1-b-1'],
    ['[a](#own)\n\n## B {#own}', '#i1-own'],
    ['[a](#own)\n\n<h3 id=own>B</h3>', '#i1-own'],
    ['[a](#own)\n\n<ol><li id=own>B</ol>', '#i1-own'],
    ['[a](#old)\n\n<a name="old"></a>\n## B', '#i1-old'],
    ['[a](#Section_2)\n\n## Section 2', '#i1-section-2'],
  ])('leads %j to %s', (markdown, href) => {
    expect(html(markdown)).toContain(`<a href="${href}"`)
    const place = href.startsWith('#') ? ` id="${href.slice(1)}"` : href
    expect(html(markdown)).toContain(place)
    expect(complaints(html(markdown), 'i1-')).toEqual([])
  })

  it.each([
    ['### A\n\n##### B\n\n##### C\n\n#### D\n\n## E', '2 3 3 3 2'],
    ['# A\n\n### B\n\n## C\n\n<h4>D</h4>\n\n# E', '1 2 2 3 1'],
    ['## A\n\n### B\n\n#### C\n\n### D', '2 3 4 3'],
  ])('skips no level of headings in %j', (markdown, levels) => {
    const found = html(markdown).matchAll(/<h(\d)/g)
    expect([...found].map(([, level]) => level).join(' ')).toBe(levels)
  })

  it('asks where links to other issues and newsletters lead', () => {
    const linkUrl = (url: string) => (url === 'other.md#part' ? '/n/y/2#issue-part' : undefined)
    expect(renderHtml('[a](other.md#part) [b](about.md)', { linkUrl })).toBe(
      `<p><a href="/n/y/2#issue-part" ${LINK}>a</a> b</p>`,
    )
  })

  it('gives no id that names something else', () => {
    const result = html('<p id="x y">a</p>\n\n## fn-1\n\na[^1]\n\n[^1]: b\n\n<a id="fnref-1">c</a>')
    expect(result.match(/ id="i1-fn-1"/g)).toHaveLength(1)
    expect(result.match(/ id="i1-fnref-1"/g)).toHaveLength(1)
    expect(result).not.toContain('id="i1-x')
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
      '<div>',
      '</div>',
      '<p>',
      '<b>',
      '</b>',
      '<table>',
      '<tr>',
      '<td>',
      '</table>',
      '<ul>',
      '<li>',
      '<details><summary>',
      '</summary>',
      '<a href="#a" id=a>',
      '</a>',
      '<h2 id="attributes">',
      '<dl><dd>',
      '<figure>',
      '<ruby><rt>',
      '\n\n',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        expect(complaints(html(pieces.join('')), 'i1-')).toEqual([])
      }),
      { numRuns: 500 },
    )
  })
})
