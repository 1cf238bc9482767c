import type { Token } from 'markdown-it'
import type { PhrasingContent } from 'mdast'
import { linksIn } from './bare-urls.ts'
import { Builder } from './builder.ts'

/** The box that makes an item of a list a task. */
const TASK = /^\[([ xX])\]\s/

/** Adds the spans of one block of text to the innermost open node of `block`. */
export function addInline(block: Builder, { children }: Token): void {
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
