import type { Nodes } from 'mdast'
import { describe, expect, it } from 'vitest'
import { treeOf } from '../../../src/render/parsing/tree.ts'

/** A tree as short text: `paragraph(text:a strong(text:b))`. */
function outline(node: Nodes): string {
  const details = [
    ...('depth' in node ? [node.depth] : []),
    ...('ordered' in node && node.ordered === true ? [node.start] : []),
    ...('spread' in node && node.spread === true ? ['loose'] : []),
    ...('checked' in node && typeof node.checked === 'boolean' ? [node.checked] : []),
    ...('align' in node ? (node.align ?? []) : []),
    ...('lang' in node && node.lang != null ? [node.lang] : []),
    ...('url' in node ? [node.url] : []),
    ...('identifier' in node ? [node.identifier] : []),
    ...('title' in node && node.title != null ? [`"${node.title}"`] : []),
    ...('alt' in node && node.alt != null ? [`/${node.alt}/`] : []),
    ...('value' in node ? [JSON.stringify(node.value)] : []),
  ]
  const named = [node.type, ...details].join(':')
  return 'children' in node ? `${named}(${node.children.map(outline).join(' ')})` : named
}

const treeAs = (markdown: string) => treeOf(markdown).children.map(outline).join(' ')

describe('the tree of', () => {
  it.each([
    ['text over two  \nlines\nof it', 'paragraph(text:"text over two" break text:"lines\\nof it")'],
    ['# A\n\nB\n---', 'heading:1(text:"A") heading:2(text:"B")'],
    [
      '*a* **b** `c`',
      'paragraph(emphasis(text:"a") text:" " strong(text:"b") text:" " inlineCode:"c")',
    ],
    ['~~a~~ ~b~', 'paragraph(delete(text:"a") text:" " delete(text:"b"))'],
    ['~~a~ ~~~b~~~', 'paragraph(text:"~~a~ ~~~b~~~")'],
    ['[a ~b](c) d~', 'paragraph(link:c(text:"a ~b") text:" d~")'],
    ['- a\n- b', 'list(listItem(paragraph(text:"a")) listItem(paragraph(text:"b")))'],
    [
      '3. a\n\n4. b',
      'list:3(listItem:loose(paragraph(text:"a")) listItem:loose(paragraph(text:"b")))',
    ],
    [
      '- [x] a\n- [ ] b\n- [y] c',
      'list(listItem:true(paragraph(text:"a")) listItem:false(paragraph(text:"b")) listItem(paragraph(text:"[y] c")))',
    ],
    ['- a\n\n  [x] b', 'list(listItem:loose(paragraph(text:"a") paragraph(text:"[x] b")))'],
    ['> a\n\n---', 'blockquote(paragraph(text:"a")) thematicBreak'],
    [
      '|a|b|\n|:-|-:|\n|1|2|',
      'table:left:right(tableRow(tableCell(text:"a") tableCell(text:"b")) tableRow(tableCell(text:"1") tableCell(text:"2")))',
    ],
    ['```js x\na\n```\n\n    b', 'code:js:"a" code:"b"'],
    ['<div>\n\na <b>', 'html:"<div>" paragraph(text:"a " html:"<b>")'],
    ['[a](b "c") ![d *e* ![f](g)](h)', 'paragraph(link:b:"c"(text:"a") text:" " image:h:/d e f/)'],
    [
      '[a] ![B][A]\n\n[a]: b "c"',
      'paragraph(linkReference:A(text:"a") text:" " imageReference:A:/B/) definition:b:A:"c"',
    ],
    [
      'a[^1]\n\n[^1]: b\n\n    c',
      'paragraph(text:"a" footnoteReference:1) footnoteDefinition:1(paragraph(text:"b") paragraph(text:"c"))',
    ],
    [
      '> - [^1]: b\n\na[^1]',
      'blockquote(list(listItem())) footnoteDefinition:1(paragraph(text:"b")) paragraph(text:"a" footnoteReference:1)',
    ],
    ['[^2] ^[a]', 'paragraph(text:"[^2] ^[a]")'],
    ['&amp; \\* &#0;', 'paragraph(text:"& * \ufffd")'],
  ])('%j', (markdown, expected) => {
    expect(treeAs(markdown)).toBe(expected)
  })

  it.each(['__proto__', 'constructor', 'toString'])('a label %j is that of nothing', (label) => {
    expect(treeAs(`[${label}] [a][${label}] [^${label}]`)).not.toMatch(/Reference|link/)
  })
})

describe('a bare address', () => {
  const link = (url: string, text = url) => `link:${url}(text:"${text}")`

  it.each([
    ['see https://a.example/b_c_d.', `text:"see " ${link('https://a.example/b_c_d')} text:"."`],
    ['https://a.example/_b_/*c*d', link('https://a.example/_b_/*c*d')],
    ['(HTTP://a.example/b_(c)!)', `text:"(" ${link('HTTP://a.example/b_(c)')} text:"!)"`],
    ['**https://a.example**', `strong(${link('https://a.example')})`],
    ['https://a.example/?b&amp;', `${link('https://a.example/?b')} text:"&"`],
    ['<https://a.example/*>', link('https://a.example/*')],
    ['www.a.example, b', `${link('http://www.a.example', 'www.a.example')} text:", b"`],
    ['a.b+c@d.example.', `${link('mailto:a.b+c@d.example', 'a.b+c@d.example')} text:"."`],
  ])('in %j is a link', (markdown, expected) => {
    expect(treeAs(markdown)).toBe(`paragraph(${expected})`)
  })

  it.each([
    'xhttps://a.example',
    'https:// a',
    'https://',
    'a/b@c.example',
    'b@c',
    'xwww.a.example',
    'ftp://a.example',
  ])('is not seen in %j', (markdown) => {
    expect(treeAs(markdown)).toBe(`paragraph(text:"${markdown}")`)
  })

  it('is not seen within a link, code or HTML', () => {
    const tree = treeAs(
      '[https://a.example www.b.example](c) `https://d.example` <b title="www.e.example">',
    )
    expect(tree.match(/link:/g)).toHaveLength(1)
  })
})
