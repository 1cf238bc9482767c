import type { MarkdownIt, StateBlock, StateInline } from 'markdown-it'

const DOLLAR = 0x24
const BACKSLASH = 0x5c

/** Longest formula within a text, and most lines of one by itself: nobody looks for an end for ever. */
const MAX_LENGTH = 1_000
const MAX_LINES = 500

/** What is in a formula, and hardly in a remark in brackets that somebody escaped. */
const SIGNS = /[\\^_=*{}<>+|]/

/** Formulas in TeX, `$…$`, `$$…$$`, `\(…\)` and `\[…\]`, stay as they are written: no sign in them formats anything. */
export function math(md: MarkdownIt): void {
  md.inline.ruler.before('escape', 'math_inline', readInline)
  md.block.ruler.before('fence', 'math_block', readBlock, {
    alt: ['paragraph', 'blockquote', 'list'],
  })
}

function readInline(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state
  const code = src.charCodeAt(pos)
  if (code !== DOLLAR && code !== BACKSLASH) return false
  const end = code === DOLLAR ? endOfDollars(src, pos) : endOfBrackets(src, pos)
  if (end === undefined || end > state.posMax) return false
  if (!silent) state.push('math_inline', '', 0).content = src.slice(pos, end)
  state.pos = end
  return true
}

// As Pandoc has it: no space inside of the dollars, and no digit behind, as behind a price.
function endOfDollars(text: string, start: number): number | undefined {
  const mark = text.startsWith('$$', start) ? '$$' : '$'
  const from = start + mark.length
  const close = text.indexOf(mark, from)
  if (close <= from || close - from > MAX_LENGTH) return undefined
  const inner = text.slice(from, close)
  const after = close + mark.length
  if (/\n[ \t]*\n|\\$/.test(inner)) return undefined
  if (mark === '$' && (/^\s|\s$/.test(inner) || /\d/.test(text.charAt(after)))) return undefined
  return after
}

/** Up to the next end; never beyond the next beginning, so that no text is looked at twice. */
const BRACKETS = /\\\(((?:(?!\\[()])[^]){1,1000})\\\)/y

function endOfBrackets(text: string, start: number): number | undefined {
  BRACKETS.lastIndex = start
  const [whole, inner = ''] = BRACKETS.exec(text) ?? []
  return whole !== undefined && SIGNS.test(inner) ? start + whole.length : undefined
}

function readBlock(state: StateBlock, first: number, last: number, silent: boolean): boolean {
  const opening = lineOf(state, first)
  const close = opening.startsWith('$$') ? '$$' : opening.trim() === '\\[' ? '\\]' : undefined
  if (close === undefined || (state.sCount[first] ?? 0) - state.blkIndent >= 4) return false
  const isWhole = opening.trim().length >= 4 && opening.trim().endsWith(close)
  let end = first
  if (!isWhole) {
    do end++
    while (end < last && end - first < MAX_LINES && !lineOf(state, end).trim().endsWith(close))
    if (end >= last || end - first >= MAX_LINES) return false
  }
  if (silent) return true
  const token = state.push('math_block', '', 0)
  token.content = state.getLines(first, end + 1, state.blkIndent, false)
  token.map = [first, end + 1]
  state.line = end + 1
  return true
}

function lineOf(state: StateBlock, line: number): string {
  return state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line])
}
