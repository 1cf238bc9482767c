import type {
  BlockContent,
  DefinitionContent,
  FootnoteDefinition,
  Heading,
  List,
  Nodes,
  PhrasingContent,
  RootContent,
  Table,
  TableCell,
  TableRow,
} from 'mdast'
import type { HtmlElement } from '../markdown/elements.ts'
import { flow, phrasing } from '../markdown/element-content.ts'
import { parseMarkdown } from '../markdown/markdown.ts'
import {
  painter,
  columnsOf,
  plainText,
  renderInline,
  superscript,
  wrapLines,
  LinkList,
  type StyleName,
  type InlineContext,
} from './inline.ts'
import { renderTable } from './table.ts'

/** Longer lines tire the eye, however wide the window is. */
const MAX_MEASURE = 100
/** Where less than this remains, nested blocks are no longer indented. */
const MIN_MEASURE = 20

/** More characters beyond ASCII than this take seconds to measure, grapheme by grapheme. */
const MAX_MEASURED = 60_000

export interface TerminalOptions {
  /** Columns of the terminal. */
  readonly width: number
  /** False: not one escape sequence; marks stand in for styles. */
  readonly color: boolean
  /** Names of the attachments that travel with the issue, to mark the pictures that do not. */
  readonly attachments?: readonly string[]
  /** What is listed for a link to another issue; undefined where a link is only text. */
  readonly linkWords?: (url: string) => string | undefined
  /** What stands above the text already: a first heading that only repeats it is left out. */
  readonly title?: string
}

interface BlockContext extends InlineContext {
  readonly footnotes: FootnoteDefinition[]
}

type Block = RootContent | BlockContent | DefinitionContent

/**
 * Text for a terminal from an untrusted author's Markdown: wrapped to the width, links numbered and
 * listed at the end. Nothing in the Markdown can become an escape sequence. Ends with a line feed,
 * unless there is nothing to show.
 */
export function renderTerminal(markdown: string, options: TerminalOptions): string {
  const context: BlockContext = {
    paint: painter(options.color),
    color: options.color,
    links: new LinkList(),
    wraps: !isTooLongToMeasure(markdown),
    attachments: options.attachments === undefined ? undefined : new Set(options.attachments),
    linkWords: options.linkWords ?? (() => undefined),
    footnotes: [],
  }
  const measure = Math.max(MIN_MEASURE, Math.min(options.width, MAX_MEASURE))
  const blocks = withoutTitle(parseMarkdown(markdown).root.children, options.title)
  const lines = renderBlocks(blocks, measure, context)
  const footnotes = renderFootnotes(measure, context)
  const links = renderLinks(context)
  const between = footnotes.length > 0 && links.length > 0 ? [''] : []
  const ends = [...footnotes, ...between, ...links]
  if (ends.length > 0)
    lines.push('', context.paint('─'.repeat(Math.min(measure, 24)), 'dim'), ...ends)
  const first = lines.findIndex((line) => line !== '')
  return first === -1 ? '' : `${lines.slice(first).join('\n')}\n`
}

function withoutTitle(blocks: readonly RootContent[], title: string | undefined): RootContent[] {
  const [first, ...rest] = blocks
  if (title === undefined || first?.type !== 'heading' || first.depth !== 1) return [...blocks]
  // A link or picture in it says more than the title.
  const isPlain = first.children.every((it) => !['link', 'image'].includes(it.type))
  const repeats = oneSpaced(plainText(first.children)) === oneSpaced(title)
  return isPlain && repeats ? rest : [...blocks]
}

function oneSpaced(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

function renderBlocks(
  blocks: readonly Block[],
  width: number,
  context: BlockContext,
  tight = false,
): string[] {
  const lines: string[] = []
  for (const block of blocks) {
    const rendered = renderBlock(block, width, context)
    if (rendered.length === 0) continue
    if (lines.length > 0 && !tight) lines.push('')
    for (const line of rendered) lines.push(line)
  }
  return lines
}

function renderBlock(block: Block, width: number, context: BlockContext): string[] {
  const { paint } = context
  switch (block.type) {
    case 'heading':
      return renderHeading(block, width, context)
    case 'paragraph':
      return wrapLines(renderInline(block.children, context), width, context)
    case 'blockquote': {
      const inner = renderBlocks(block.children, inside(width, 2), context)
      return prefixed(inner, width, 2, paint('│ ', 'dim'), paint('│ ', 'dim'))
    }
    case 'list':
      return renderList(block, width, context)
    case 'code':
      // Never wrapped: a broken line of code is wrong code.
      return block.value
        .split('\n')
        .map((line) => (line === '' ? '' : `    ${paint(line, 'green')}`))
    case 'table':
      return renderTable(block, width, context)
    case 'thematicBreak': {
      const rule = '─'.repeat(Math.min(width, 24))
      return [' '.repeat(Math.floor((width - rule.length) / 2)) + paint(rule, 'dim')]
    }
    case 'footnoteDefinition':
      context.footnotes.push(block)
      return []
    case 'element':
      return renderElement(block, width, context)
    default:
      return []
  }
}

/** Elements of HTML that stand on lines of their own. */
function renderElement(element: HtmlElement, width: number, context: BlockContext): string[] {
  const { name, children } = element
  switch (name) {
    case 'table':
      return renderTable(tableOf(children), width, context)
    case 'dt':
    case 'summary':
    case 'figcaption': {
      const style = name === 'figcaption' ? 'italic' : 'bold'
      const text = renderInline(children as PhrasingContent[], context, [style])
      return wrapLines(text, width, context)
    }
    case 'dd':
    case 'details': {
      const inner = renderBlocks(flow(children), inside(width, 2), context)
      const mark = name === 'details' ? context.paint('▾ ', 'cyan') : '  '
      return prefixed(inner, width, 2, mark, '  ')
    }
    default:
      return renderBlocks(flow(children), width, context, name === 'dl')
  }
}

/** The rows and cells of a table of HTML, without its sections. */
function tableOf(children: readonly Nodes[]): Table {
  const rows = children.flatMap((it): TableRow[] => {
    if (it.type !== 'element') return []
    if (it.name === 'tr') return [{ type: 'tableRow', children: it.children.map(cellOf) }]
    return it.name === 'caption' ? [] : tableOf(it.children).children
  })
  const columns = rows.reduce((most, row) => Math.max(most, row.children.length), 0)
  // A terminal sees the head of a table by its width.
  const head = rows[0]?.children ?? []
  for (let at = head.length; at < columns; at++) head.push({ type: 'tableCell', children: [] })
  return { type: 'table', align: [], children: rows }
}

function cellOf(node: Nodes): TableCell {
  return { type: 'tableCell', children: phrasing('children' in node ? node.children : []) }
}

function renderHeading(heading: Heading, width: number, context: BlockContext): string[] {
  const { paint, color } = context
  const styles: StyleName[] = heading.depth > 3 ? ['bold'] : ['bold', 'cyan']
  const hashes = heading.depth > 2 && !color ? `${'#'.repeat(heading.depth)} ` : ''
  const lines = wrapLines(hashes + renderInline(heading.children, context, styles), width, context)
  if (heading.depth > 2) return lines
  const length = context.wraps ? Math.min(width, widest(lines)) : width
  return [...lines, paint((heading.depth === 1 ? '═' : '─').repeat(length), 'cyan')]
}

// In a loop, as spreading very many into one call overflows the stack.
function widest(lines: readonly string[]): number {
  return lines.reduce((most, line) => Math.max(most, columnsOf(line)), 0)
}

function renderList(list: List, width: number, context: BlockContext): string[] {
  const lines: string[] = []
  const first = list.start ?? 1
  const markerWidth = list.ordered === true ? `${first + list.children.length - 1}. `.length : 2
  for (const [index, item] of list.children.entries()) {
    const number = `${first + index}. `.padStart(markerWidth)
    const bullet = typeof item.checked === 'boolean' ? (item.checked ? '☑ ' : '☐ ') : '• '
    const marker = context.paint(list.ordered === true ? number : bullet, 'cyan')
    const most = inside(width, markerWidth)
    const inner = renderBlocks(item.children, most, context, list.spread !== true)
    if (index > 0 && list.spread === true) lines.push('')
    const shown = inner.length === 0 ? [''] : inner
    for (const line of prefixed(shown, width, markerWidth, marker, ' '.repeat(markerWidth)))
      lines.push(line)
  }
  return lines
}

function renderFootnotes(width: number, context: BlockContext): string[] {
  const byNumber = context.footnotes.toSorted((a, b) => Number(a.identifier) - Number(b.identifier))
  return byNumber.flatMap((definition) => {
    const mark = `${superscript(definition.identifier)} `
    const inner = renderBlocks(definition.children, inside(width, mark.length), context)
    return prefixed(inner, width, mark.length, context.paint(mark, 'cyan'), ' '.repeat(mark.length))
  })
}

function renderLinks({ links, paint }: BlockContext): string[] {
  const markWidth = `[${links.urls.length}] `.length
  return links.urls.map((url, index) => paint(`[${index + 1}] `.padStart(markWidth), 'dim') + url)
}

/** What remains of `width` behind a prefix of `columns`; all of it where too little would remain. */
function inside(width: number, columns: number): number {
  return width - columns < MIN_MEASURE ? width : width - columns
}

function prefixed(
  lines: string[],
  width: number,
  columns: number,
  first: string,
  other: string,
): string[] {
  // In the narrow case of `inside`, the prefix stands on its own line or falls away.
  if (inside(width, columns) === width) return first.trim() === '' ? lines : [first, ...lines]
  return lines.map((line, index) => ((index === 0 ? first : other) + line).trimEnd())
}

function isTooLongToMeasure(markdown: string): boolean {
  if (markdown.length <= MAX_MEASURED) return false
  let count = 0
  for (let index = 0; index < markdown.length; index++)
    if (markdown.charCodeAt(index) > 127) count++
  return count > MAX_MEASURED
}
