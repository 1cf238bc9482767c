/** Stands before a term that is a pair of neighbouring characters, not a word. */
export const PAIR = '\u0001'

/** Called for every term of a text, with where in the text it lies (UTF-16 code units). */
export type TermVisitor = (term: string, start: number, end: number) => void

// Letters and digits, with the marks and joiners inside them. A mark alone begins no word.
const RUN = /[\p{L}\p{N}][\p{L}\p{N}\p{M}\u200c\u200d]*/uy

const UNSPACED_CHARACTERS =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Bopomofo}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}\u30fc\uff70'
const HAS_UNSPACED = new RegExp(`[${UNSPACED_CHARACTERS}]`, 'u')
const UNSPACED = new RegExp(`[${UNSPACED_CHARACTERS}][${UNSPACED_CHARACTERS}\\p{M}]*`, 'gu')

/** The segmenter gets no more than this at once: its time and memory grow with what it is given. */
const SEGMENT_LENGTH = 1_024

/** Terms of one text; what lies behind them is not found. Far more than an issue for people has. */
const MAX_TERMS = 300_000

let segmenter: Intl.Segmenter | undefined

/** Whether a run is of a script that puts no spaces between its words. */
export function isUnspaced(run: string): boolean {
  return HAS_UNSPACED.test(run)
}

/**
 * Called for each unbroken run of letters and digits; returns false to stop.
 * @param isAscii of such a run, the term is the run in lower case.
 */
export type RunVisitor = (run: string, start: number, isAscii: boolean) => boolean | void

/** Calls `visit` for each unbroken run of letters and digits. */
export function eachRun(text: string, visit: RunVisitor): void {
  const { length } = text
  let at = 0
  while (at < length) {
    const code = text.charCodeAt(at)
    if (code < 0x80 && !isAsciiWord(code)) {
      at++
      continue
    }
    // Most text is ASCII, where this is many times faster than a regular expression.
    let end = at
    while (end < length && isAsciiWord(text.charCodeAt(end))) end++
    const isAscii = end === length || text.charCodeAt(end) < 0x80
    if (!isAscii) {
      RUN.lastIndex = at
      const run = RUN.exec(text)?.[0]
      if (run === undefined) {
        at = end + 1
        continue
      }
      end = at + run.length
    }
    if (visit(text.slice(at, end), at, isAscii) === false) return
    at = end
  }
}

/**
 * Calls `visit` for the words of a text and, where words are not separated by spaces, for every pair
 * of neighbouring characters as well: where one word ends and the next begins is then a guess, which
 * may come out differently in a text and in a query.
 */
export function eachTerm(text: string, visit: TermVisitor): void {
  let left = MAX_TERMS
  const count: TermVisitor = (term, start, end) => {
    left--
    visit(term, start, end)
  }
  // Once for all is faster than word by word; one Turkish letter becomes two, and moves the rest.
  const lower = text.toLowerCase()
  eachRun(lower.length === text.length ? lower : text, (run, start, isAscii) => {
    if (isAscii) {
      const term = lower.length === text.length ? cut(run) : fold(run)
      count(term, start, start + term.length)
    } else if (isUnspaced(run)) {
      const begun = run.slice(0, left)
      eachWordIn(begun, (word, at) => count(fold(word), start + at, start + at + word.length))
      eachPairIn(begun, (pair, at, end) => count(pair, start + at, start + end))
    } else count(fold(run), start, start + Math.min(run.length, MAX_TERM_LENGTH))
    return left > 0
  })
}

/** Different terms of one text that are counted: ten times what a long issue has. */
export const MAX_DISTINCT_TERMS = 30_000

/** How often each term is in a text, in the order in which they come, and how many terms there are in all. */
export interface TermCounts {
  readonly length: number
  readonly counts: ReadonlyMap<string, number>
}

export function countTerms(text: string): TermCounts {
  const counts = new Map<string, number>()
  let length = 0
  eachTerm(text, (term) => {
    length++
    const before = counts.get(term)
    if (before !== undefined || counts.size < MAX_DISTINCT_TERMS)
      counts.set(term, (before ?? 0) + 1)
  })
  return { length, counts }
}

/** The words that a run of an unspaced script consists of, as dictionaries see it. */
export function eachWordIn(run: string, visit: (word: string, start: number) => void): void {
  if (run.length === 1) return visit(run, 0)
  segmenter ??= new Intl.Segmenter('en', { granularity: 'word' })
  for (let from = 0; from < run.length; from += SEGMENT_LENGTH) {
    const part = run.slice(from, from + SEGMENT_LENGTH).toWellFormed()
    for (const { segment, index, isWordLike } of segmenter.segment(part)) {
      if (isWordLike === true) visit(segment, from + index)
    }
  }
}

/** The pairs of neighbouring characters in the unspaced parts of a run; the last character alone. */
export function eachPairIn(run: string, visit: TermVisitor): void {
  for (const match of run.matchAll(UNSPACED)) {
    let last = ''
    let lastAt = match.index
    let at = match.index
    for (const character of match[0]) {
      if (last !== '') visit(PAIR + fold(last + character), lastAt, at + character.length)
      last = character
      lastAt = at
      at += character.length
    }
    visit(PAIR + fold(last), lastAt, at)
  }
}

function isAsciiWord(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39)
  )
}

/** Longest term, in UTF-16 code units; of longer words only the beginning counts. */
export const MAX_TERM_LENGTH = 64

/** Characters that are taken apart by nothing below, or put together again as they were: ASCII, kana, Han, Hangul. */
const PLAIN = /^[\u0000-\u007f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3]*$/

// Accents on Latin and Greek letters; on Cyrillic ones only the two dots: й is a letter of its own.
const ACCENTS =
  /(?<=[\p{Script=Latin}\p{Script=Greek}][\u0300-\u036f]*)[\u0300-\u036f]|(?<=[\p{Script=Cyrillic}])[\u0300\u0301\u0308]/gu

// What writers of Arabic and Hebrew may leave out, the Arabic stroke that only lengthens, and joiners
// that choose a shape. Vowel signs of Indic scripts stay: they are letters in all but name.
const OPTIONAL_MARKS =
  /[\u064b-\u065f\u0670\u0640\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u200c\u200d]/g

// Letters that Unicode does not take apart.
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ł: 'l',
  ı: 'i',
  ς: 'σ',
}
const SPECIAL = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g')

/** A word as the index knows it: without case, accents and other spellings of the same characters. */
export function fold(word: string): string {
  const begun = cut(word)
  if (PLAIN.test(begun)) return begun.toLowerCase()
  const folded = begun
    .normalize('NFKD')
    .toLowerCase()
    .replace(ACCENTS, '')
    .replace(OPTIONAL_MARKS, '')
    .replace(SPECIAL, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFC')
  return cut(folded)
}

/** What of a word counts. */
function cut(text: string): string {
  if (text.length <= MAX_TERM_LENGTH) return text
  const last = text.charCodeAt(MAX_TERM_LENGTH - 1)
  // Not in the middle of a surrogate pair.
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? MAX_TERM_LENGTH - 1 : MAX_TERM_LENGTH)
}
