import { eachTerm, MAX_DISTINCT_TERMS, type TermCounts } from './text/words.ts'

/** What of an issue can be found. */
export interface Searchable {
  readonly title: string
  /** Plain words, see `plainText`, or their terms. */
  readonly text: string | TermCounts
  /** What readers wrote about it. */
  readonly letters?: readonly string[]
  readonly summary?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly authors?: readonly string[] | undefined
}

/** One document of the index: an edition of an issue. */
export interface IndexedIssue {
  readonly feedKey: string
  readonly number: number
  /** Tells its text from others: the block of its newest edition, or a number above all blocks where there are letters. */
  readonly edition: number
}

/** The terms of one issue, as they lie in memory and in files. */
export interface SearchDocument extends IndexedIssue {
  /** Of the text, in terms. */
  readonly length: number
  /** A line for each term, in the order of their UTF-8: the term, a space, and how often it counts. */
  readonly terms: Buffer
}

// How many times a word in the text each of these counts.
const TITLE_WEIGHT = 8
const TAG_WEIGHT = 6
const AUTHOR_WEIGHT = 4
const SUMMARY_WEIGHT = 2

export function documentOf(
  issue: IndexedIssue,
  { title, text, letters = [], summary = '', tags = [], authors = [] }: Searchable,
): SearchDocument {
  const counts = new Map<string, number>()
  const count = (term: string, weight: number) => {
    const before = counts.get(term)
    if (before !== undefined || counts.size < MAX_DISTINCT_TERMS)
      counts.set(term, (before ?? 0) + weight)
  }
  const add = (words: string, weight: number) => {
    let length = 0
    eachTerm(words, (term) => {
      length++
      count(term, weight)
    })
    return length
  }
  add(title, TITLE_WEIGHT)
  for (const tag of tags) add(tag, TAG_WEIGHT)
  for (const author of authors) add(author, AUTHOR_WEIGHT)
  add(summary, SUMMARY_WEIGHT)
  if (typeof text !== 'string') for (const [term, times] of text.counts) count(term, times)
  for (const letter of letters) add(letter, 1)
  const length = typeof text === 'string' ? add(text, 1) : text.length
  // As bytes, in whose order they are looked up; all at once, as there are a thousand of them.
  const terms = Buffer.from([...counts.keys()].join('\n'))
    .toString('latin1')
    .split('\n')
  const lines = [...counts.values()].map((times, at) => `${terms[at]} ${times}\n`).toSorted()
  return { ...issue, length, terms: Buffer.from(lines.join(''), 'latin1') }
}

const LINE_FEED = 0x0a
/** Below all that a term has behind its first character. */
const SPACE = 0x20

/** How often a document has a term, and how often it and those that begin with it. */
export interface Frequency {
  readonly exact: number
  readonly begun: number
}

const NOT_THERE: Frequency = { exact: 0, begun: 0 }

/** @param term in UTF-8 */
export function frequencyOf(document: SearchDocument, term: Buffer): Frequency {
  const { terms } = document
  let exact = 0
  let begun = 0
  for (let at = firstLine(terms, term); at < terms.length && compare(terms, at, term) === 0; at++) {
    const isExact = terms[(at += term.length)] === SPACE
    while (terms[at] !== SPACE) at++
    let times = 0
    for (at++; terms[at] !== LINE_FEED; at++) times = times * 10 + ((terms[at] ?? 0) & 0x0f)
    begun += times
    if (isExact) exact = times
  }
  return begun === 0 ? NOT_THERE : { exact, begun }
}

/** Calls `visit` for each term with a beginning, if it has about as many bytes in UTF-8 as are wanted. */
export function eachTermWith(
  { terms }: SearchDocument,
  beginning: string,
  { sizeBytes, tolerance }: { readonly sizeBytes: number; readonly tolerance: number },
  visit: (term: string) => void,
): void {
  const wanted = Buffer.from(beginning)
  for (let at = firstLine(terms, wanted); at < terms.length && compare(terms, at, wanted) === 0;) {
    const space = terms.indexOf(SPACE, at)
    if (Math.abs(space - at - sizeBytes) <= tolerance) visit(terms.toString('utf8', at, space))
    at = terms.indexOf(LINE_FEED, space) + 1
  }
}

/** Where the first line starts that has a beginning, or would stand if one had it. */
function firstLine(terms: Buffer, beginning: Buffer): number {
  let low = 0
  let high = terms.length
  while (low < high) {
    let start = (low + high) >>> 1
    while (start > low && terms[start - 1] !== LINE_FEED) start--
    if (compare(terms, start, beginning) < 0) low = terms.indexOf(LINE_FEED, start) + 1
    else high = start
  }
  return low
}

/** Below 0 if the line at `start` comes before lines with a beginning, 0 if it has it. */
function compare(terms: Buffer, start: number, beginning: Buffer): number {
  for (let i = 0; i < beginning.length; i++) {
    const difference = (terms[start + i] ?? 0) - (beginning[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
