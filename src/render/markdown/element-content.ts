import type { Nodes, PhrasingContent, RootContent } from 'mdast'
import type { HtmlElement } from './elements.ts'
import { BLOCKS, isPhrasing, KEPT } from './known-elements.ts'

/** What may stand where blocks are wanted: runs of phrasing become paragraphs. */
export function flow(nodes: readonly Nodes[]): RootContent[] {
  const blocks: RootContent[] = []
  let run: PhrasingContent[] = []
  const flush = () => {
    const children = run
    run = []
    if (children.every((it) => it.type === 'text' && it.value.trim() === '')) return
    // Places that links lead to need no line of their own.
    if (children.every(isAnchor)) for (const it of children) blocks.push(it)
    else blocks.push({ type: 'paragraph', children: trimmed(children) })
  }
  for (const node of nodes) {
    if (isPhrasing(node)) run.push(node)
    else {
      flush()
      blocks.push(node as RootContent)
    }
  }
  flush()
  return blocks
}

function isAnchor(node: Nodes): boolean {
  if (node.type === 'text') return node.value.trim() === ''
  return node.type === 'element' && node.name === 'span' && node.children.length === 0
}

function trimmed(nodes: PhrasingContent[]): PhrasingContent[] {
  const [first, last] = [nodes[0], nodes.at(-1)]
  if (first?.type === 'text') first.value = first.value.trimStart()
  if (last?.type === 'text') last.value = last.value.trimEnd()
  return nodes
}

/** What may stand where only phrasing is wanted: of blocks, what they hold, with a space between. */
export function phrasing(nodes: readonly Nodes[]): PhrasingContent[] {
  if (nodes.every(isPhrasing)) return [...nodes]
  const found: PhrasingContent[] = []
  for (const it of nodes) {
    const isBlock = !isPhrasing(it)
    const inner = isBlock ? phrasingIn(it) : [it]
    if (isBlock && inner.length > 0 && found.length > 0) found.push({ type: 'text', value: ' ' })
    for (const node of inner) found.push(node)
  }
  return found
}

function phrasingIn(node: Nodes): PhrasingContent[] {
  if (node.type === 'code') return [{ type: 'inlineCode', value: node.value }]
  return 'children' in node ? phrasing(node.children) : []
}

/** The content that a kept element may hold, and the rest, which goes before it. */
export function contentOf(
  name: string,
  children: readonly Nodes[],
): { readonly inside: readonly Nodes[]; readonly outside: readonly Nodes[] } {
  const content = KEPT.get(name)
  if (content === 'phrasing') {
    const inside = BLOCKS.has(name) ? phrasing(children) : children
    return { inside, outside: [] }
  }
  if (content === 'flow') return { inside: flowIn(name, children), outside: [] }
  const inside: Nodes[] = []
  const outside: Nodes[] = []
  for (const it of children) {
    const isInside = it.type === 'element' && content?.includes(it.name) === true
    if (!isInside) outside.push(it)
    else if (name !== 'table' || it.name !== 'tr') inside.push(it)
    else bodyIn(inside).push(it)
  }
  return { inside, outside: flow(outside) }
}

/** The rows of the body that a table has last; a new one where it has none. */
function bodyIn(table: Nodes[]): Nodes[] {
  const last = table.at(-1)
  if (last?.type === 'element' && last.name === 'tbody') return last.children
  const body: HtmlElement = { type: 'element', name: 'tbody', attributes: new Map(), children: [] }
  table.push(body)
  return body.children
}

function flowIn(name: string, children: readonly Nodes[]): readonly Nodes[] {
  const isOneLine = name !== 'details' && children.every(isPhrasing)
  if (name !== 'figure') {
    const isSummary = (it: Nodes) => it.type === 'element' && it.name === 'summary'
    if (isOneLine) return children
    const blocks = flow(children)
    return [...blocks.filter(isSummary), ...blocks.filter((it) => !isSummary(it))]
  }
  // A picture is no paragraph in a figure.
  return flow(children).flatMap((it): Nodes[] =>
    it.type === 'paragraph' && !it.children.some(isWords) ? it.children : [it],
  )
}

function isWords(node: Nodes): boolean {
  if (node.type === 'link') return node.children.some(isWords)
  return node.type !== 'image' && (node.type !== 'text' || node.value.trim() !== '')
}

/** Something around phrasing, around that of the blocks where there are some. */
export function around(
  nodes: readonly Nodes[],
  wrap: (children: PhrasingContent[]) => PhrasingContent,
): Nodes[] {
  if (nodes.every(isPhrasing)) return [wrap([...nodes])]
  return flow(nodes).map((it) =>
    it.type === 'paragraph' || it.type === 'heading'
      ? { ...it, children: [wrap(it.children)] }
      : it,
  )
}
