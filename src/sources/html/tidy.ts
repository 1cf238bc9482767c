import type { Element, ElementContent, Root } from 'hast'
import { attribute } from './tree.ts'

const INLINE = /^(?:a|b|em|i|strong|del|s|strike|u|mark|ins|sub|sup)$/
const HEADING = /^h[1-6]$/
/** Blocks in which two line breaks end a paragraph. */
const TEXT_BLOCKS = /^(?:p|div|td|blockquote)$/
const BLOCKS =
  /^(?:address|article|aside|blockquote|center|details|div|dl|fieldset|figure|figcaption|footer|h[1-6]|header|hr|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul|x-note)$/

/**
 * Makes a tree say what a page shows, in the ways that Markdown can: blanks stand outside of emphasis, two line breaks
 * end a paragraph, a table that only places things is no table.
 */
export function tidy(node: Root | Element, styles: readonly string[] = []): void {
  const children = withoutRepeated(node.children as ElementContent[], styles)
  for (const child of children) {
    if (child.type !== 'element') continue
    const style = STYLES.get(child.tagName)
    tidy(child, style === undefined ? styles : [...styles, style])
  }
  let tidied = children
    .filter((it) => !isEmptyHeading(it))
    .flatMap((it) => (it.type === 'element' && INLINE.test(it.tagName) ? blanksOutside(it) : [it]))
  if (node.type === 'element') {
    if (HEADING.test(node.tagName)) tidied = tidied.flatMap((it) => withoutStrong(it))
    if (node.tagName === 'input' && 'checked' in node.properties) node.properties['checked'] = true
    if (node.tagName === 'table' && isLayout(node)) placeOnly(node)
  }
  if (node.type === 'root' || TEXT_BLOCKS.test(node.tagName)) tidied = paragraphs(tidied)
  node.children = tidied.flatMap((it) => splitParagraph(it))
}

/** Emphasis within emphasis says nothing, and takes the writer of Markdown time that grows faster than its depth. */
const STYLES = new Map([
  ...['a', 'em', 'strong', 'del'].map((it) => [it, it] as const),
  ...([
    ['i', 'em'],
    ['b', 'strong'],
    ['s', 'del'],
    ['strike', 'del'],
  ] as const),
])

function withoutRepeated(
  nodes: readonly ElementContent[],
  styles: readonly string[],
): ElementContent[] {
  return nodes.flatMap((it) => {
    const isRepeated = it.type === 'element' && styles.includes(STYLES.get(it.tagName) ?? '')
    return isRepeated ? withoutRepeated(it.children, styles) : [it]
  })
}

/** A card may have room for a heading that nobody wrote. */
function isEmptyHeading(node: ElementContent): boolean {
  return (
    node.type === 'element' &&
    HEADING.test(node.tagName) &&
    node.children.every((it) => isBlank(it) || isBreak(it))
  )
}

function blanksOutside(element: Element): ElementContent[] {
  const first = element.children[0]
  const before = first?.type === 'text' ? (/^\s+/.exec(first.value)?.[0] ?? '') : ''
  if (first?.type === 'text') first.value = first.value.slice(before.length)
  const last = element.children.at(-1)
  const after = last?.type === 'text' ? (/\s+$/.exec(last.value)?.[0] ?? '') : ''
  if (last?.type === 'text') last.value = last.value.slice(0, last.value.length - after.length)
  element.children = element.children.filter((it) => it.type !== 'text' || it.value !== '')
  const kept: ElementContent[] = element.children.length === 0 ? [] : [element]
  if (before !== '') kept.unshift({ type: 'text', value: before })
  if (after !== '') kept.push({ type: 'text', value: after })
  return kept
}

function withoutStrong(node: ElementContent): ElementContent[] {
  return node.type === 'element' && /^(?:b|strong)$/.test(node.tagName) ? node.children : [node]
}

const isBreak = (node: ElementContent) => node.type === 'element' && node.tagName === 'br'
const isBlank = (node: ElementContent) => node.type === 'text' && node.value.trim() === ''
const isBlock = (node: ElementContent) => node.type === 'element' && BLOCKS.test(node.tagName)

/** Splits where two line breaks follow each other; each part is a paragraph. */
function paragraphs(nodes: ElementContent[]): ElementContent[] {
  const gaps = gapsIn(nodes)
  if (gaps.length === 0) return nodes
  const parts: ElementContent[] = []
  let current: Element | undefined
  for (const [at, node] of nodes.entries()) {
    if (isBlock(node)) {
      parts.push(node)
      current = undefined
    } else if (gaps.some(([start, end]) => at >= start && at < end)) current = undefined
    else {
      if (current === undefined) {
        current = { type: 'element', tagName: 'p', properties: {}, children: [] }
        parts.push(current)
      }
      current.children.push(node)
    }
  }
  return parts
}

/** From the first of some line breaks to behind the last one. */
function gapsIn(nodes: readonly ElementContent[]): (readonly [number, number])[] {
  const gaps: [number, number][] = []
  let start = -1
  let breaks = 0
  for (const [at, node] of [...nodes, undefined].entries()) {
    if (node !== undefined && isBreak(node)) {
      if (start < 0) start = at
      breaks++
    } else if (node === undefined || !isBlank(node)) {
      if (breaks > 1) gaps.push([start, at])
      start = -1
      breaks = 0
    }
  }
  return gaps
}

/** A paragraph of paragraphs, as `paragraphs` leaves one, is these. */
function splitParagraph(node: ElementContent): ElementContent[] {
  if (node.type !== 'element' || node.tagName !== 'p') return [node]
  return node.children.some(isBlock) ? node.children : [node]
}

/** The converter fills up all rows to the longest one. */
const MAX_CELLS = 20_000

function isLayout(table: Element): boolean {
  if (/^(?:presentation|none)$/.test(attribute(table, 'role'))) return true
  let columns = 0
  let rows = 0
  for (const cells of rowsOf(table)) {
    rows++
    columns = Math.max(
      columns,
      cells.reduce((sum, it) => sum + Number(it.properties['colSpan'] ?? 1), 0),
    )
    if (cells.some(hasBlocks)) return true
  }
  return columns < 2 || rows * columns > MAX_CELLS
}

function* rowsOf(node: Element): Generator<Element[]> {
  for (const child of node.children) {
    if (child.type !== 'element') continue
    if (/^t(?:body|head|foot)$/.test(child.tagName)) yield* rowsOf(child)
    else if (child.tagName === 'tr') {
      yield child.children.filter(
        (it) => it.type === 'element' && /^t[dh]$/.test(it.tagName),
      ) as Element[]
    }
  }
}

function hasBlocks(node: Element): boolean {
  return node.children.some(
    (it) =>
      it.type === 'element' &&
      (/^(?:table|figure|h[1-6]|blockquote|pre)$/.test(it.tagName) || hasBlocks(it)),
  )
}

function placeOnly(table: Element): void {
  for (const child of table.children) {
    if (child.type !== 'element' || !/^t(?:body|head|foot|r|d|h)$/.test(child.tagName)) continue
    if (!/^t[dh]$/.test(child.tagName)) placeOnly(child)
    child.tagName = 'div'
  }
  table.tagName = 'div'
}
