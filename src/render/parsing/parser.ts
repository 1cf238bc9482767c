import Parser, {
  type MarkdownIt,
  type Env,
  type Token,
  type Delimiter,
  type StateInline,
  type StateBlock,
} from 'markdown-it'
import cjkFriendly from 'markdown-it-cjk-friendly'
import footnotes from 'markdown-it-footnote'
import { bareUrls } from './bare-urls.ts'

/**
 * Containers within containers that are followed. Every list takes two; no text that is given to the
 * parser has as many, see `affordableLength`.
 */
const MAX_NESTING = 400

const parser = new Parser({ html: true, maxNesting: MAX_NESTING })
  .use(footnotes)
  .use(strikethrough)
  .use(bareUrls)
  .use(math)
  // Emphasis beside Chinese, Japanese and Korean punctuation, which CommonMark takes for literal asterisks.
  .use(cjkFriendly)
  // Not in GFM; and footnotes stay where they are defined, for whoever renders them to place.
  .disable(['footnote_inline', 'footnote_tail'])

// URLs are judged when the tree is cleaned; until then they stay as they were written.
parser.validateLink = () => true
parser.normalizeLink = (url) => url
parser.normalizeLinkText = (url) => url

/** Where a short reference, `[label]`, leads. */
export interface Reference {
  readonly href: string
  readonly title: string
}

export interface Tokens {
  readonly tokens: readonly Token[]
  /** By label, as the tokens that refer to them spell it. */
  readonly references: ReadonlyMap<string, Reference>
}

/** The tokens of CommonMark with all of GFM. Raw HTML is among them as it was written. */
export function tokensOf(markdown: string): Tokens {
  // Without a prototype, so that no label means something of the language's.
  const references = Object.create(null) as Record<string, Reference>
  const env: Env = { references }
  const tokens = parser.parse(markdown, env)
  return { tokens, references: new Map(Object.entries(references)) }
}

const TILDE = 0x7e

// Runs of one and of two are told apart, for they must not end each other. No character has these.
const MARKER_OF_RUN = [0, 0x110_001, 0x110_002]

/** GFM's strikethrough, of one or two tildes; the parser's own knows only two. */
export function strikethrough(md: MarkdownIt): void {
  md.inline.ruler.at('strikethrough', readRun)
  md.inline.ruler2.at('strikethrough', (state) => {
    pair(state, state.delimiters)
    for (const meta of state.tokens_meta) if (meta?.delimiters) pair(state, meta.delimiters)
  })
}

function readRun(state: StateInline, silent: boolean): boolean {
  if (silent || state.src.charCodeAt(state.pos) !== TILDE) return false
  const { length, can_open: open, can_close: close } = state.scanDelims(state.pos, true)
  const token = state.push('text', '', 0)
  token.content = '~'.repeat(length)
  const marker = MARKER_OF_RUN[length]
  if (marker !== undefined) {
    // Length 0: the rule of three that emphasis has does not apply.
    state.delimiters.push({
      marker,
      length: 0,
      token: state.tokens.length - 1,
      end: -1,
      open,
      close,
    })
  }
  state.pos += length
  return true
}

function pair(state: StateInline, delimiters: readonly Delimiter[]): void {
  for (const { marker, end, token } of delimiters) {
    const closing = delimiters[end]
    if (closing === undefined || !MARKER_OF_RUN.includes(marker)) continue
    for (const [index, type, nesting] of [
      [token, 's_open', 1],
      [closing.token, 's_close', -1],
    ] as const) {
      Object.assign(state.tokens[index] ?? {}, { type, tag: 's', nesting, content: '' })
    }
  }
}

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
