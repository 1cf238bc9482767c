import type { Blockquote, PhrasingContent } from 'mdast'

/** What makes a quote an alert on GitHub, or a callout in Obsidian. */
const ALERT = /^\[!([a-z][\w-]{0,29})(?:\|[^\]\n]{0,60})?\][+-]?[ \t]*/i

/** An alert as a quote whose first line is its title. */
export function withTitle(node: Blockquote): Blockquote {
  const [paragraph, ...blocks] = node.children
  const [first, ...others] = paragraph?.type === 'paragraph' ? paragraph.children : []
  const [mark, kind] = (first?.type === 'text' ? ALERT.exec(first.value) : null) ?? []
  if (first?.type !== 'text' || mark === undefined || kind === undefined) return node
  const title: PhrasingContent[] = []
  const text: PhrasingContent[] = []
  for (const it of [{ ...first, value: first.value.slice(mark.length) }, ...others]) {
    const end = text.length === 0 && it.type === 'text' ? it.value.indexOf('\n') : -1
    if (end < 0 || it.type !== 'text') (text.length === 0 ? title : text).push(it)
    else {
      title.push({ type: 'text', value: it.value.slice(0, end) })
      text.push({ type: 'text', value: it.value.slice(end + 1) })
    }
  }
  const isNamed = title.some((it) => it.type !== 'text' || it.value.trim() !== '')
  const name = kind.charAt(0).toUpperCase() + kind.slice(1).toLowerCase()
  const children = isNamed ? title : [{ type: 'text' as const, value: name }]
  return {
    type: 'blockquote',
    children: [
      { type: 'paragraph', children: [{ type: 'strong', children }] },
      ...(text.length > 0 ? [{ type: 'paragraph' as const, children: text }] : []),
      ...blocks,
    ],
  }
}
