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
import type { Link, PhrasingContent } from 'mdast'
import { URL_MAX_LENGTH } from '../links.ts'

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

interface Tokens {
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
function strikethrough(md: MarkdownIt): void {
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
function math(md: MarkdownIt): void {
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

const COLON = 0x3a

// What comes first is bounded, so that no text is looked at again and again.
const SCHEME = /(?:^|[^a-z])(https?)$/i
const ADDRESS = new RegExp(`//[\\p{L}\\p{N}][^\\s<>[\\]]{0,${URL_MAX_LENGTH}}`, 'uy')
const WWW = new RegExp(
  `(?<=^|[^/\\p{L}\\p{N}])www\\.[\\p{L}\\p{N}][^\\s<>[\\]]{0,${URL_MAX_LENGTH}}`,
  'giu',
)
const LOCAL_PART = /[\w.+-]{1,64}$/
const MAIL_DOMAIN = /[a-z\d_-]{1,63}(?:\.[a-z\d_-]{1,63}){1,8}/iy

/** GFM's literal URLs, `https://…` within a text, before emphasis is looked for in them. */
function bareUrls(md: MarkdownIt): void {
  md.inline.ruler.before('linkify', 'bare_url', (state, silent) => readUrl(state, silent))
}

function readUrl(state: StateInline, silent: boolean): boolean {
  if (silent || state.linkLevel > 0 || state.src.charCodeAt(state.pos) !== COLON) return false
  // Looked for in the source, as a look into what is pending would copy all of it each time.
  const scheme = SCHEME.exec(state.src.slice(Math.max(0, state.pos - 6), state.pos))?.[1]
  if (scheme === undefined || state.pending.length < scheme.length) return false
  ADDRESS.lastIndex = state.pos + 1
  const found = ADDRESS.exec(state.src.slice(0, state.posMax))?.[0]
  if (found === undefined) return false
  const rest = withoutTrail(found)
  const url = `${scheme}:${rest}`
  state.pending = state.pending.slice(0, -scheme.length)
  state.push('link_open', 'a', 1).attrs = [['href', url]]
  state.push('text', '', 0).content = url
  state.push('link_close', 'a', -1)
  state.pos += 1 + rest.length
  return true
}

/** GFM's literal `www.` addresses and e-mail addresses in a text that is not part of a link. */
export function linksIn(text: string): PhrasingContent[] {
  if (!/www\.|@/i.test(text)) return [{ type: 'text', value: text }]
  const nodes: PhrasingContent[] = []
  let done = 0
  for (const { start, end, url } of addressesIn(text)) {
    if (start < done) continue
    if (start > done) nodes.push({ type: 'text', value: text.slice(done, start) })
    nodes.push(linkTo(url, text.slice(start, end)))
    done = end
  }
  if (done < text.length) nodes.push({ type: 'text', value: text.slice(done) })
  return nodes
}

interface Address {
  readonly start: number
  readonly end: number
  readonly url: string
}

function addressesIn(text: string): Address[] {
  const found: Address[] = []
  for (const { 0: whole, index } of text.matchAll(WWW)) {
    const address = withoutTrail(whole)
    found.push({ start: index, end: index + address.length, url: `http://${address}` })
  }
  for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
    const local = LOCAL_PART.exec(text.slice(Math.max(0, at - 65), at))?.[0]
    MAIL_DOMAIN.lastIndex = at + 1
    const domain = MAIL_DOMAIN.exec(text)?.[0]
    if (local === undefined || domain === undefined || /[-_]$/.test(domain)) continue
    if (local.length > 64 || text[at - local.length - 1] === '/') continue
    const end = at + 1 + domain.length
    found.push({ start: at - local.length, end, url: `mailto:${local}@${domain}` })
  }
  return found.toSorted((a, b) => a.start - b.start)
}

/** Without the punctuation that belongs to the sentence around an address. */
function withoutTrail(address: string): string {
  let end = address.length
  let unclosed = countOf(address, ')') - countOf(address, '(')
  for (; end > 0; end--) {
    const last = address.charAt(end - 1)
    if (last === ')' && unclosed > 0) unclosed--
    else if (last === ';') {
      const entity = /&[a-z\d]{1,31};$/i.exec(address.slice(Math.max(0, end - 34), end))
      end -= (entity?.[0].length ?? 1) - 1
    } else if (!'?!.,:*_~\'"'.includes(last)) break
  }
  return address.slice(0, end)
}

function countOf(text: string, character: string): number {
  return text.split(character).length - 1
}

function linkTo(url: string, text: string): Link {
  return { type: 'link', url, children: [{ type: 'text', value: text }] }
}
