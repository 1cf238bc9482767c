import { expect, it } from 'vitest'
import { lossesOf } from '../../../src/render/markdown/losses.ts'

const lines = (markdown: string) =>
  lossesOf(markdown).map((it) => `${it.line} ${it.kind} ${it.message}`)

it('names each kind of element that readers do not see, with its first line', () => {
  expect(
    lines(
      'a <b style="x">b</b>\nc <svg></svg>\n\n<div>\n<script>\nf()\n</script>\n<iframe src="https://x.example"></iframe>\n' +
        '<form><input name="q"></form>\n</div>\n\n<p style="y">d</p>',
    ),
  ).toEqual([
    '1 dropped-html HTML: style="…" is left out (2 times).',
    '2 dropped-html HTML: <svg> is left out.',
    '5 dropped-html HTML: <script> is left out.',
    '8 dropped-html HTML: <iframe> is shown as a link.',
    '9 dropped-html HTML: <form> is left out; the text in it stays.',
    '9 dropped-html HTML: <input> is left out; the text in it stays.',
  ])
})

it('names the host of a picture on the web, in Markdown and in HTML', () => {
  const why = 'is shown as a link: readers load nothing from the web. Save it beside the text'
  expect(lines('a\n![](https://a.example/1.png)\n\n<img src="https://a.example/2.png">')).toEqual([
    `2 remote-picture The picture at a.example ${why} (2 times).`,
  ])
})

it('finds cells of tables that no column has', () => {
  const table = (row: string) => `a\n\n> |a|b|\n> |-|-|\n> ${row}\n`
  expect(lines(table('|`c|d`|e|'))).toEqual([
    '5 dropped-cell A row of a table has more cells than its head: they are left out. Write | as \\|.',
  ])
  expect(lines(`${table('|`c\\|d`|e|')}\n${table('c')}\n${table('c|d')}\na|b|c|d`)).toEqual([])
})

it('finds footnotes that nothing refers to', () => {
  expect(lines('a[^b] and `[^e]:`\n\n[^b]: d\n\n> [^e]: f[^g]\n\n[^g]:\n\n[^h]: i')).toEqual([
    '5 dropped-footnote Nothing in the text refers to a footnote: pages leave it out (2 times).',
  ])
  expect(lines('`[^a]: b`\n\n    [^c]: d\n\n[e][^f]\n\n[^f]: g')).toEqual([])
})

it('finds nothing in code, in what has an equivalent, and in what is no element', () => {
  const kept =
    'a `<script>` Vec<T> Set<constructor> <b>c</b> <input type="checkbox"> <kbd>x</kbd> ![](a.png)'
  expect(lines(`${kept}\n\n    <script>\n\n\`\`\`\n<svg>\n\`\`\`\n`)).toEqual([])
})
