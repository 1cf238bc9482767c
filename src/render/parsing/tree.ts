import type { AlignType, Nodes, Parents, Root, PhrasingContent } from 'mdast'
import type { Token } from 'markdown-it'
import { tokensOf, linksIn } from './parser.ts'

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
  math_block: ({ content }) => ({ type: 'code', lang: 'math', value: content }),
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

/** The box that makes an item of a list a task. */
const TASK = /^\[([ xX])\]\s/

/** Adds the spans of one block of text to the innermost open node of `block`. */
function addInline(block: Builder, { children }: Token): void {
  const { parent } = block
  if (parent === undefined || children === null) return
  const builder = new Builder(parent)
  let text = ''
  let links = 0
  const flush = () => {
    if (text === '') return
    if (parent.children.length === 0 && parent.type === 'paragraph') text = takeTask(block, text)
    for (const node of links > 0 ? [textOf(text)] : linksIn(text)) builder.add(node)
    text = ''
  }
  for (const token of children) {
    if (token.type === 'text') text += token.content
    else if (token.type === 'softbreak') text += '\n'
    else {
      flush()
      if (token.type === 'link_open') links++
      else if (token.type === 'link_close') links--
      addSpan(builder, token)
    }
  }
  flush()
}

/** Notes that an item of a list is a task, if its text begins with a box; gives the text without it. */
function takeTask(block: Builder, text: string): string {
  const [box, mark] = TASK.exec(text) ?? []
  const item = block.above
  if (box === undefined || item?.type !== 'listItem' || item.children.length !== 1) return text
  item.checked = mark !== ' '
  return text.slice(box.length)
}

function addSpan(builder: Builder, token: Token): void {
  const label = token.meta?.['label']
  const title = attribute(token, 'title')
  switch (token.type) {
    case 'math_inline':
      return builder.add(textOf(token.content))
    case 'code_inline':
      return builder.add({ type: 'inlineCode', value: token.content })
    case 'em_open':
      return builder.begin({ type: 'emphasis', children: [] })
    case 'strong_open':
      return builder.begin({ type: 'strong', children: [] })
    case 's_open':
      return builder.begin({ type: 'delete', children: [] })
    case 'hardbreak':
      return builder.add({ type: 'break' })
    case 'html_inline':
      return builder.add({ type: 'html', value: token.content })
    case 'footnote_ref':
      return builder.add({ type: 'footnoteReference', identifier: String(label) })
    case 'link_open':
      return builder.begin(
        typeof label === 'string'
          ? { type: 'linkReference', referenceType: 'full', identifier: label, children: [] }
          : { type: 'link', url: attribute(token, 'href') ?? '', title, children: [] },
      )
    case 'image': {
      const alt = wordsOf(token.children ?? [])
      return builder.add(
        typeof label === 'string'
          ? { type: 'imageReference', referenceType: 'full', identifier: label, alt }
          : { type: 'image', url: attribute(token, 'src') ?? '', title, alt },
      )
    }
    default:
      if (token.nesting === -1) builder.end()
  }
}

function attribute(token: Token, name: string): string | null {
  const value = token.attrGet(name)
  return value === null ? null : String(value)
}

function wordsOf(tokens: readonly Token[]): string {
  return tokens
    .map((it) => {
      if (it.type === 'image') return wordsOf(it.children ?? [])
      if (it.type === 'softbreak' || it.type === 'hardbreak') return '\n'
      return it.type === 'text' || it.type === 'code_inline' ? it.content : ''
    })
    .join('')
}

function textOf(value: string): PhrasingContent {
  return { type: 'text', value }
}

/** Builds a tree from a flat list of beginnings and ends, without recursion. */
class Builder {
  readonly #open: Parents[]

  constructor(parent: Parents) {
    this.#open = [parent]
  }

  /** The innermost open node. */
  get parent(): Parents | undefined {
    return this.#open.at(-1)
  }

  /** The innermost open node of a type. */
  within<T extends Parents['type']>(type: T): Extract<Parents, { type: T }> | undefined {
    return this.#open.findLast((it): it is Extract<Parents, { type: T }> => it.type === type)
  }

  /** What the innermost open node lies in. */
  get above(): Parents | undefined {
    return this.#open.at(-2)
  }

  /** Appends a node to the innermost open one. */
  add(node: Nodes): void {
    ;(this.parent as { children: Nodes[] } | undefined)?.children.push(node)
  }

  /** Appends a node and opens it. */
  begin(node: Parents): void {
    this.add(node)
    this.#open.push(node)
  }

  /** Opens a node that is appended to the outermost one. */
  beginApart(node: Parents): void {
    ;(this.#open[0] as { children: Nodes[] } | undefined)?.children.push(node)
    this.#open.push(node)
  }

  /** Closes the innermost open node, unless it is the one that all is built in. */
  end(): void {
    if (this.#open.length > 1) this.#open.pop()
  }
}
