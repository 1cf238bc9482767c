import stringWidth from 'string-width'
import wrapAnsi, { type Options } from 'wrap-ansi'

const LONG_WORD = /\S{1000,}/g
// eslint-disable-next-line no-control-regex
const ASCII = /^[\u0000-\u007f]*$/
// An escape sequence counts as one character.
// eslint-disable-next-line no-control-regex
const PIECE = /(?:\u001b\[\d+m|[^\s\u001b]){1000}/gu

/**
 * Lines of at most `width` columns, styles ending at each break and resuming behind it. Measuring a word takes time that
 * grows with the square of its length if any character of it is not ASCII, so an absurd one is split.
 */
export function wrap(text: string, width: number, options?: Options): string {
  const split = (word: string) => (ASCII.test(word) ? word : word.replace(PIECE, '$&\n'))
  return wrapAnsi(text.replace(LONG_WORD, split), Math.max(1, width), options)
}

// eslint-disable-next-line no-control-regex
const STYLE = /\u001b\[\d+m/g
/** Longest line that keeps its styles, in characters. */
const MAX_STYLED = 4_096

/** The same text with no line wider than `width` columns: those that are end at a space where there is one. */
export function fit(text: string, width: number): string {
  const columns = Math.max(1, width)
  return text
    .split('\n')
    .map((line) => {
      if (line.length * 2 <= columns) return line
      if (line.includes('\u001b') && line.length <= MAX_STYLED)
        return wrap(line, columns, { hard: true, trim: false })
      return rowsOf(line.replace(STYLE, ''), columns).join('\n')
    })
    .join('\n')
}

// Character by character: finding out which of them belong together would take 10 µs each.
function rowsOf(line: string, columns: number): string[] {
  const rows: string[] = []
  // Where the row begins, and where it may end; the columns up to here, and up to there.
  let [start, end, used, usedAtEnd] = [0, 0, 0, 0]
  let at = 0
  for (const character of line) {
    const needed = columnsOf(character)
    if (used + needed > columns && at > start) {
      if (end <= start) [end, usedAtEnd] = [at, used]
      rows.push(line.slice(start, end))
      start = end
      used -= usedAtEnd
    }
    at += character.length
    used += needed
    if (character === ' ') [end, usedAtEnd] = [at, used]
  }
  return [...rows, line.slice(start)]
}

const measured = new Map<string, number>()
const MAX_MEASURED = 10_000

function columnsOf(character: string): number {
  if (character >= ' ' && character <= '~') return 1
  let columns = measured.get(character)
  if (columns === undefined) {
    columns = stringWidth(character)
    if (measured.size < MAX_MEASURED) measured.set(character, columns)
  }
  return columns
}
