import { singleLine } from '../../render/plain.ts'

/** One field: plain text, cleaned before it is shown, and a style put on after the layout. */
export interface Cell {
  readonly text: string
  readonly style?: (text: string) => string
}

export interface Column {
  readonly header?: string | undefined
  readonly align?: 'right'
  readonly shrink?: boolean
  /** Of cells without one of their own. */
  readonly style?: Cell['style']
}

/** A column that may be cut short where the terminal is too narrow. */
export const shrinking = (header?: string): Column => ({ header, shrink: true })

export const right = (header?: string): Column => ({ header, align: 'right' })

interface TableOptions {
  /** Characters a line may take; longer rows lose the end of their shrinkable cells. */
  readonly width?: number
  readonly style?: { readonly dim: (text: string) => string }
}

const GAP = 2
const MIN_SHRUNK_WIDTH = 8

/**
 * Rows as aligned columns, one line a row. Every cell becomes a single line without control
 * characters, whoever wrote it.
 * @param described the columns; a text is the header of one.
 */
export async function formatTable(
  described: readonly (Column | string)[],
  rows: readonly (readonly (Cell | string)[])[],
  { width = Infinity, style }: TableOptions = {},
): Promise<string> {
  const columns = described.map((it) => (typeof it === 'string' ? { header: it } : it))
  const cells = rows.map((row) => columns.map((_, i) => toCell(row[i] ?? '')))
  const measure = await measureFor(cells.flat().map(({ text }) => text))
  const widths = columns.map((column, i) =>
    cells.reduce(
      (most, row) => Math.max(most, measure(row[i]?.text ?? '')),
      measure(column.header ?? ''),
    ),
  )
  shrink(columns, widths, width)
  const line = (row: readonly Cell[]) =>
    row
      .map((cell, i) => layOut(cell, columns[i] ?? {}, widths[i] ?? 0, measure))
      .join(' '.repeat(GAP))
      .trimEnd()
  const lines = cells.map(line)
  if (columns.some((column) => column.header !== undefined)) {
    const dim = style?.dim ?? ((text: string) => text)
    lines.unshift(line(columns.map(({ header = '' }) => ({ text: header, style: dim }))))
  }
  return lines.map((text) => `${text}\n`).join('')
}

/** The start of a text that fits into `width` characters of a terminal, with `…` where it was cut. */
export function truncate(text: string, width: number, measure: Measure): string {
  if (measure(text) <= width) return text
  if (measure === lengthOf) return `${text.slice(0, Math.max(0, width - 1)).trimEnd()}…`
  let kept = ''
  let used = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += measure(segment)
    if (used > width - 1) break
    kept += segment
  }
  return `${kept.trimEnd()}…`
}

function toCell(cell: Cell | string): Cell {
  return typeof cell === 'string'
    ? { text: singleLine(cell) }
    : { ...cell, text: singleLine(cell.text) }
}

function layOut(cell: Cell, column: Column, width: number, measure: Measure): string {
  const text = truncate(cell.text, width, measure)
  const styled = (cell.style ?? column.style)?.(text) ?? text
  const padding = ' '.repeat(Math.max(0, width - measure(text)))
  return column.align === 'right' ? padding + styled : styled + padding
}

// Takes one character at a time from the widest column that may shrink.
function shrink(columns: readonly Column[], widths: number[], width: number): void {
  let excess = widths.reduce((sum, it) => sum + it, GAP * (columns.length - 1)) - width
  while (excess > 0) {
    const candidates = widths
      .map((it, i) => ({ it, i }))
      .filter(({ it, i }) => columns[i]?.shrink === true && it > MIN_SHRUNK_WIDTH)
    const widest = candidates.toSorted((a, b) => b.it - a.it)[0]
    if (widest === undefined) return
    widths[widest.i] = widest.it - 1
    excess--
  }
}

/** Columns that a text takes in a terminal. */
export type Measure = (text: string) => number

// Latin letters and the signs that this program draws: one column each. U+00AD takes none.
const NARROW = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff–—‘’“”…·█░●○★✓]*$/

const lengthOf: Measure = (text) => text.length

/**
 * How to measure these texts. Most need no more than their length; the tables of Unicode, which take
 * as long to load as all the rest of a command, are loaded only for those that do.
 */
export async function measureFor(texts: readonly string[]): Promise<Measure> {
  if (texts.every((text) => NARROW.test(text))) return lengthOf
  const { default: stringWidth } = await import('string-width')
  return stringWidth
}
