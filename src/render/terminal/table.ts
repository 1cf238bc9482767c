import type { AlignType, Table } from 'mdast'
import { columnsOf, renderInline, wrapLines, type InlineContext } from './inline.ts'

/** Narrower than this, a column of wrapped words is not readable. */
const MIN_COLUMN = 8
const GAP = 3

/** A table fitted to `width` columns; if it cannot be, each row as a list of "header: cell". */
export function renderTable(table: Table, width: number, context: InlineContext): string[] {
  const rows = table.children.map((row, index) =>
    row.children.map((cell) =>
      renderInline(cell.children, context, index === 0 ? ['bold'] : []).replace(/\n/g, ' '),
    ),
  )
  if (!context.wraps) return rows.map((row) => row.join(' │ '))
  const count = Math.max(0, ...(rows[0] === undefined ? [] : [rows[0].length]))
  const widths = fitColumns(rows, count, width - GAP * (count - 1))
  if (widths === undefined) return asLists(rows, width, context)
  return asGrid(rows, widths, table.align ?? [], context)
}

/** Widths of the columns, the widest ones cut to a common cap; undefined if the cap gets too small. */
function fitColumns(rows: string[][], count: number, available: number): number[] | undefined {
  if (count === 0 || count > available) return undefined
  const widths = Array.from({ length: count }, () => 1)
  for (const row of rows) {
    for (let column = 0; column < count; column++) {
      widths[column] = Math.max(widths[column] ?? 1, columnsOf(row[column] ?? ''))
    }
  }
  let cap = Math.max(...widths)
  const total = (limit: number) => widths.reduce((sum, width) => sum + Math.min(width, limit), 0)
  if (total(cap) <= available) return widths
  cap = Math.min(cap, available)
  while (cap >= MIN_COLUMN && total(cap) > available) cap--
  if (cap < MIN_COLUMN) return undefined
  return widths.map((width) => Math.min(width, cap))
}

function asGrid(
  rows: string[][],
  widths: number[],
  align: readonly AlignType[],
  context: InlineContext,
): string[] {
  const { paint } = context
  const bar = paint(' │ ', 'dim')
  const rule = (cross: string) => paint(widths.map((width) => '─'.repeat(width)).join(cross), 'dim')
  const lines: string[] = []
  const cellLines = rows.map((row) =>
    widths.map((width, column) => wrapCell(row[column] ?? '', width, context)),
  )
  // Where cells take several lines, a thin rule shows where each row ends.
  const needsRules = cellLines.slice(1).some((row) => row.some((cell) => cell.length > 1))
  for (const [index, row] of cellLines.entries()) {
    const height = Math.max(...row.map((cell) => cell.length))
    for (let line = 0; line < height; line++) {
      const cells = row.map((cell, column) =>
        pad(cell[line] ?? '', widths[column] ?? 1, align[column]),
      )
      lines.push(cells.join(bar).trimEnd())
    }
    if (index === 0) lines.push(rule('─┼─'))
    else if (needsRules && index < cellLines.length - 1) lines.push(rule('─┼─'))
  }
  return lines
}

function asLists(rows: string[][], width: number, context: InlineContext): string[] {
  const [header = [], ...body] = rows
  if (body.length === 0) return wrapLines(header.join(', '), width, context)
  return body.flatMap((row, index) => [
    ...(index === 0 ? [] : ['']),
    ...row.flatMap((cell, column) => wrapLines(`${header[column] ?? ''}: ${cell}`, width, context)),
  ])
}

function wrapCell(cell: string, width: number, context: InlineContext): string[] {
  const lines = wrapLines(cell, width, context)
  // A word wider than its column would push the others aside, so here it is cut.
  return lines.every((line) => columnsOf(line) <= width)
    ? lines
    : wrapLines(cell, width, context, true)
}

function pad(cell: string, width: number, align: AlignType | undefined): string {
  const space = Math.max(0, width - columnsOf(cell))
  if (align === 'right') return ' '.repeat(space) + cell
  if (align !== 'center') return cell + ' '.repeat(space)
  const left = Math.floor(space / 2)
  return ' '.repeat(left) + cell + ' '.repeat(space - left)
}
