import type { Output } from '../../api/contract/contract.ts'
import { singleLine } from '../../render/plain.ts'
import { formatDate, markedTitle, type Style } from '../terminal/format.ts'
import { truncate, type Measure } from '../terminal/table.ts'

/** An issue as a list shows it: of the inbox, or what a search found. */
export type Row = Pick<
  Output<'listInbox'>[number],
  'feedKey' | 'newsletter' | 'number' | 'title' | 'publishedAt' | 'read' | 'starred' | 'held'
> &
  Partial<Output<'listInbox'>[number]>

/** What is drawn with. */
export interface Canvas {
  readonly columns: number
  readonly rows: number
  readonly style: Style
  readonly measure: Measure
}

export interface ListView {
  readonly title: string
  /** Whether all are loaded: else there are more than `issues`. */
  readonly isWhole: boolean
  readonly issues: readonly Row[]
  readonly cursor: number
  /** Index of the issue in the first line. */
  readonly top: number
  readonly empty: string
}

/** A text from the line `top`. */
export interface TextView {
  readonly lines: readonly string[]
  readonly top: number
  /** Absent where the reader itself says something. */
  readonly issue?: unknown
}

/** Lines of a list that are no issues: a head, an excerpt, and the keys. */
const LIST_FRAME = 3
/** With fewer columns a list has room for titles and names alone. */
const NARROW_COLUMNS = 60
const MARK_COLUMNS = 4
const MAX_NAME_COLUMNS = 20
const GAP = '  '

export function listRows(rows: number): number {
  return Math.max(1, rows - LIST_FRAME)
}

export function textRows(rows: number): number {
  return Math.max(1, rows - 1)
}

/** The line that a key moves to from line `at`, with `lines` on the screen. @returns undefined for a key that does not move. */
export function placeAfter(key: string, at: number, lines: number): number | undefined {
  const [down, up] = [at + lines, at - lines]
  return {
    down: at + 1,
    j: at + 1,
    up: at - 1,
    k: at - 1,
    space: down,
    pagedown: down,
    b: up,
    pageup: up,
    g: 0,
    home: 0,
    G: Infinity,
    end: Infinity,
  }[key]
}

/** The words whose width decides how the others are measured. */
export function wordsIn({ title, issues, top }: ListView, rows: number): string[] {
  const shown = issues.slice(top, top + listRows(rows))
  return [title, ...shown.flatMap((it) => [it.newsletter, markedTitle(it), about(it)])]
}

/** A screen of a list. @param message is its last line; where it is empty, the keys are. */
export function drawList(view: ListView, message: string, canvas: Canvas): string[] {
  const { title, isWhole, issues, cursor, top, empty } = view
  const { columns, rows, style, measure } = canvas
  const count = `${issues.length}${isWhole ? '' : '+'}`
  const place = issues.length === 0 ? '' : `${cursor + 1}/${count}`
  const head = fit(title, columns - place.length - 2, measure) + ` ${place}`
  const height = listRows(rows)
  const shown = issues.slice(top, top + height)
  const names = shown.map((it) => measure(singleLine(it.newsletter)))
  const most = columns < NARROW_COLUMNS ? Math.floor(columns / 4) : MAX_NAME_COLUMNS
  const nameColumns = Math.min(Math.max(0, ...names), most)
  const lines = shown.map((it, i) => issueLine(it, top + i === cursor, nameColumns, canvas))
  if (issues.length === 0) lines.push('', fit(`  ${empty}`, columns, measure).trimEnd())
  while (lines.length < height) lines.push('')
  const selected = issues[cursor]
  const excerpt = selected === undefined ? '' : truncate(about(selected), columns - 1, measure)
  const foot = lastLine(message, LIST_HINTS, canvas)
  return [style.bold(head), ...lines, style.dim(excerpt), foot].slice(-rows)
}

/** What is said of the issue that was chosen: its author's words on it, or its beginning. */
function about({ note, summary, excerpt }: Row): string {
  return singleLine(note ?? summary ?? excerpt ?? '')
}

function issueLine(row: Row, isChosen: boolean, nameColumns: number, canvas: Canvas): string {
  const { columns, style, measure } = canvas
  const unread = row.read ? ' ' : '●'
  const marks = `${isChosen ? '>' : ' '}${row.held ? unread : '○'}${row.starred ? '★' : ' '} `
  const name = fit(singleLine(row.newsletter), nameColumns, measure)
  const date = columns < NARROW_COLUMNS ? '' : GAP + formatDate(row.publishedAt).padStart(12)
  const left = columns - MARK_COLUMNS - nameColumns - GAP.length - date.length - 1
  const title = fit(markedTitle(row), Math.max(1, left), measure)
  if (isChosen) return style.inverse(`${marks}${name}${GAP}${title}${date}`)
  const said = row.read ? title : style.bold(title)
  return `${style.green(marks)}${style.cyan(name)}${GAP}${said}${style.dim(date)}`
}

/** A screen of text. @param message is its last line; where it is empty, the keys are. */
export function drawText({ lines, top, issue }: TextView, message: string, canvas: Canvas) {
  const height = textRows(canvas.rows)
  const shown = lines.slice(top, top + height)
  const place = Math.round((Math.min(lines.length, top + height) / Math.max(1, lines.length)) * 100)
  while (shown.length < height) shown.push('')
  const keys = issue === undefined ? ['q back'] : [`${place} %`, ...TEXT_HINTS]
  return [...shown, lastLine(message, keys, canvas)].slice(-canvas.rows)
}

function lastLine(message: string, keys: readonly string[], canvas: Canvas): string {
  const { columns, style, measure } = canvas
  const text = message === '' ? hints(keys, columns) : message
  return style.inverse(fit(` ${text}`, columns - 1, measure))
}

/** A text, truncated or padded to exactly `columns`. */
function fit(text: string, columns: number, measure: Measure): string {
  const cut = truncate(text, Math.max(0, columns), measure)
  return cut + ' '.repeat(Math.max(0, columns - measure(cut)))
}

/** As many of these hints as fit, the most important first. */
function hints(all: readonly string[], columns: number): string {
  let line = ''
  for (const it of all) {
    const longer = line === '' ? it : `${line}${GAP}${it}`
    if (longer.length > columns - 2) break
    line = longer
  }
  return line
}

const LIST_HINTS = [
  'Enter read',
  'n next unread',
  '? keys',
  'q quit',
  's star',
  'm mark',
  '/ search',
  'Tab all/unread',
  'o browser',
]

const TEXT_HINTS = ['Space more', 'n next', 'q back', '? keys', 's star', 'o browser']

export const KEYS = [
  'Keys',
  '',
  'Enter      read the issue',
  'n          read the next unread issue',
  'p          read the issue above (N: below)',
  'Space, b   a screen down, or up',
  'j, k, ↓ ↑  a line down, or up',
  'g, G       the first, or the last',
  's          star, or take the star away',
  'm          mark as read, or as unread',
  '/          search saved issues',
  'o          open in the browser',
  'v          show the pictures',
  'Tab        unread, starred, all',
  'f          only this newsletter, or all',
  'A          mark all of the list as read',
  'z          undo that',
  'r          load the list again',
  'q, Esc     back; q in the list ends',
  '',
  '● unread  ○ not downloaded  ★ starred',
]
