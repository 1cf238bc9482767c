import type { Delimiter, MarkdownIt, StateInline } from 'markdown-it'

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
