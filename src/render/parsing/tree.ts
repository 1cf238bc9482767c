import type { AlignType, Nodes, Parents, Root } from 'mdast'
import type { Token } from 'markdown-it'
import { Builder } from './builder.ts'
import { tokensOf } from './parser.ts'
import { addInline } from './spans.ts'

/**
 * The syntax tree of a Markdown text, as it was written: nothing in it is safe to show yet. All
 * definitions, also of footnotes, are children of the root.
 */
export function treeOf(markdown: string): Root {
  const { tokens, references } = tokensOf(markdown)
  const root: Root = { type: 'root', children: [] }
  addBlocks(root, tokens)
  for (const [identifier, { href, title }] of references) {
    root.children.push({ type: 'definition', identifier, url: href, title })
  }
  return root
}

function addBlocks(root: Root, tokens: readonly Token[]): void {
  const builder = new Builder(root)
  for (const token of tokens) {
    const block = BLOCKS[token.type]
    if (token.type === 'inline') addInline(builder, token)
    else if (token.type === 'paragraph_open') {
      // The paragraphs of a list without blank lines between its items are hidden ones.
      if (!token.hidden) loosen(builder.parent)
      builder.begin({ type: 'paragraph', children: [] })
    } else if (block !== undefined) {
      const node = block(token)
      if (node.type === 'footnoteDefinition') builder.beginApart(node)
      else if (token.nesting === 1) builder.begin(node as Parents)
      else builder.add(node)
    } else if (token.nesting === -1 && !IGNORED.has(token.tag)) builder.end()
    if (token.type === 'th_open') align(builder, token)
  }
}

// A table's head and body are no nodes of their own.
const IGNORED: ReadonlySet<string> = new Set(['thead', 'tbody'])

const BLOCKS: Readonly<Record<string, ((token: Token) => Nodes) | undefined>> = {
  blockquote_open: () => ({ type: 'blockquote', children: [] }),
  bullet_list_open: () => ({ type: 'list', ordered: false, spread: false, children: [] }),
  code_block: ({ content }) => ({ type: 'code', value: content.replace(/\n$/, '') }),
  fence: ({ content, info }) => ({
    type: 'code',
    lang: info.trim().split(/\s/, 1)[0] || null,
    value: content.replace(/\n$/, ''),
  }),
  footnote_reference_open: ({ meta }) => ({
    type: 'footnoteDefinition',
    identifier: String(meta?.['label']),
    children: [],
  }),
  heading_open: ({ tag }) => ({
    type: 'heading',
    depth: Number(tag.slice(1)) as 1 | 2 | 3 | 4 | 5 | 6,
    children: [],
  }),
  hr: () => ({ type: 'thematicBreak' }),
  html_block: ({ content }) => ({ type: 'html', value: content.replace(/\n$/, '') }),
  list_item_open: () => ({ type: 'listItem', spread: false, children: [] }),
  ordered_list_open: (token) => ({
    type: 'list',
    ordered: true,
    start: Number(token.attrGet('start') ?? 1),
    spread: false,
    children: [],
  }),
  table_open: () => ({ type: 'table', align: [], children: [] }),
  td_open: () => ({ type: 'tableCell', children: [] }),
  th_open: () => ({ type: 'tableCell', children: [] }),
  tr_open: () => ({ type: 'tableRow', children: [] }),
}

function loosen(parent: Parents | undefined): void {
  if (parent?.type === 'listItem') parent.spread = true
}

function align(builder: Builder, token: Token): void {
  const [, side] = /(left|center|right)$/.exec(String(token.attrGet('style') ?? '')) ?? []
  builder.within('table')?.align?.push((side as AlignType | undefined) ?? null)
}
