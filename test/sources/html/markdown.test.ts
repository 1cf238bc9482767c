import fc from 'fast-check'
import type { PhrasingContent } from 'mdast'
import { gfmToMarkdown } from 'mdast-util-gfm'
import { defaultHandlers, toMarkdown } from 'mdast-util-to-markdown'
import { describe, expect, it } from 'vitest'
import {
  htmlToMarkdown,
  textWriter,
  type ConversionRules,
} from '../../../src/sources/html/markdown.ts'

async function markdown(html: string, rules?: ConversionRules): Promise<string> {
  return (await htmlToMarkdown(html, rules)).markdown.trimEnd()
}

describe('htmlToMarkdown', () => {
  it.each([
    ['<p>One<b> bold </b>word and <i></i><em>x</em></p>', 'One **bold** word and *x*'],
    ['H<sub>2</sub>O &copy; ~~x~~ [y]', 'H<sub>2</sub>O © \\~\\~x\\~\\~ \\[y]'],
    ['<h2><b>Low</b> tide</h2>', '## Low tide'],
    ['<h2> <br></h2><h3><img src=a.png></h3>', '### ![](a.png)'],
    [
      '<p>潮<b>（高）</b>ト<em>“a”</em>海 a<b>(b)</b>c',
      '潮**（高）**ト*“a”*海 &#x61;**(b)**&#x63;',
    ],
    ['a<br>b<br><br>c<p>d<br/> <br/>e</p>', 'a\\\nb\n\nc\n\nd\n\ne'],
    ['<pre>a\n  b</pre>', '```\na\n  b\n```'],
    ['<pre><code class="language-js">x</code></pre>', '```js\nx\n```'],
    ['<ul><li><input type=checkbox checked> a</li><li>b<ul><li>c</ul></ul>', '- [x] a\n- b\n  - c'],
    ['<img src="a b.png" alt="A\n tide"><img src=x width=1 height=1>', '![A tide](<a b.png>)'],
    ['<img src="data:," data-src="late.png">', '![](late.png)'],
    [
      '<p>a<sup id=r:1><a href="#f:1">1</a></sup> b<a href="https://e.org/p#f:1" id=r:2><sup>[1:1]</sup></a></p><div><hr><ol><li id=f:1><p>N <a href="#r:1">↩</a> <a href="#r:2">↩</a></p></ol></div>',
      'a[^1] b[^1]\n\n[^1]: N',
    ],
    [
      '<p>a<sup><a href="#f" id=r>1</a></sup></p><p id=f><sup>1</sup> N <a href="#r">back</a></p><p>b',
      'a[^1]\n\nb\n\n[^1]: N',
    ],
    [
      '<p><a href="#f" id=r>Part one</a></p><div id=f>b <a href="#r">up</a></div>',
      '[Part one](#f)\n\nb [up](#r)',
    ],
    ['<img data-srcset="late.png 1x, b.png 2x">', '![](late.png)'],
    [
      '<figure><img src=a.png><figcaption>By <em>M</em></figcaption></figure>',
      '![](a.png)\n\n*By M*',
    ],
    [
      '<iframe src="https://www.youtube.com/embed/a_b?rel=0"></iframe>',
      '<https://www.youtube.com/watch?v=a_b>',
    ],
    ['<audio src="https://e.org/a/s.mp3"></audio>', '[s.mp3](https://e.org/a/s.mp3)'],
    ['<details><summary>S</summary>in</details>', '**S**\n\nin'],
    ['<table><tr><td>1<td>2<tr><td>3<td>4</table>', '| | |\n| - | - |\n| 1 | 2 |\n| 3 | 4 |'],
    [
      '<table><tr><td><table><tr><td>in<td>side</table><td>out</table>',
      '| | |\n| - | - |\n| in | side |\n\nout',
    ],
    ['<i>a <em>b <b>c <strong>d</strong></b></em></i>', '*a b __c d__*'],
    ['<a href="">plain</a> <a href="https://e.org"> blank </a>', 'plain [blank](https://e.org)'],
  ])('converts %s', async (html, expected) => {
    expect(await markdown(html)).toBe(expected)
  })

  it('leaves out what is never text', async () => {
    const html = `<style>x</style><script>x</script><form>x</form><svg><text>x</text></svg><p hidden>x</p>
      <div style="display: none">x</div><template>x</template><!-- x --><title>x</title><p>kept</p>`
    expect(await markdown(html)).toBe('kept')
  })

  it('hides what its rules hide, before anybody sees the pictures in it', async () => {
    const seen: unknown[] = []
    const rules: ConversionRules = {
      comment: (text) => (text === 'cut' ? 'cut' : text === 'in' ? 'hide' : 'show'),
      picture: ({ properties: { src } }) => void seen.push(src),
    }
    const html = '<p>a<!--in--><img src=1><b>x<!--out--></b>b<!--cut-->c</p><img src=2><p>d'
    expect(await htmlToMarkdown(html, rules)).toMatchObject({ markdown: 'ab\n', isCut: true })
    expect(seen).toEqual([])
  })

  it.each([
    ['nested too deeply', '<div>'.repeat(100_000)],
    ['of too many elements', '<b>x</b>'.repeat(100_000)],
    [
      'that multiplies',
      `<p>${Array.from({ length: 300 }, (_, i) => `<font color=c${i}>`).join('')}${'<p>x'.repeat(1_000)}`,
    ],
  ])('refuses HTML %s', async (_, html) => {
    await expect(htmlToMarkdown(html)).rejects.toMatchObject({ code: 'INVALID_DRAFT' })
  })

  it('does not fill up a table that has one long row', async () => {
    const html = `<table>${'<tr><td>x'.repeat(5_000)}<tr>${'<td>y'.repeat(5_000)}</table>`
    expect((await markdown(html)).length).toBeLessThan(100_000)
  })

  it('refuses HTML longer than any post', async () => {
    const html = 'x'.repeat(5 * 1024 * 1024)
    await expect(htmlToMarkdown(html)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })
})

describe('textWriter', () => {
  const words = fc.constantFrom(
    'a',
    'www',
    'W',
    '1',
    '潮',
    ' ',
    '.',
    ',',
    '-',
    '(',
    ')',
    '& ',
    '&',
    '*',
    '_',
    '#',
    '\n',
    '!',
  )
  const text = fc.array(words, { minLength: 1, maxLength: 6 }).map((all) => all.join(''))
  const note = { type: 'footnoteReference', identifier: 'n' } as const
  const node: fc.Arbitrary<PhrasingContent> = fc.oneof(
    text.map((value) => ({ type: 'text' as const, value })),
    text.map((value) => ({
      type: 'emphasis' as const,
      children: [{ type: 'text' as const, value }],
    })),
    text.map((value) => ({
      type: 'link' as const,
      url: 'a.md',
      children: [{ type: 'text' as const, value }],
    })),
    fc.constant({ type: 'break' as const }),
    fc.constant(note),
  )
  const paragraph = fc.array(node, { minLength: 1, maxLength: 4 })
  const block = fc.oneof(
    paragraph.map((children) => ({ type: 'paragraph' as const, children })),
    paragraph.map((children) => ({ type: 'heading' as const, depth: 2 as const, children })),
  )

  it('writes what the library writes', () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 3 }), (children) => {
        const write = (handlers: object) =>
          toMarkdown({ type: 'root', children }, { extensions: [gfmToMarkdown()], handlers })
        expect(write({ text: textWriter(defaultHandlers.text) })).toBe(write({}))
      }),
      { numRuns: 2_000 },
    )
  })
})
