import type { Alternative, Clause } from './query.ts'
import type { Segment } from './segment.ts'

/** A document of a segment, and how well it fits. */
export interface Hit {
  readonly segment: number
  readonly document: number
  readonly score: number
}

export interface Ranked {
  /** Best first. */
  readonly hits: readonly Hit[]
  /** The query, with words that are like those of the query where these are nowhere. */
  readonly clauses: readonly Clause[]
}

// The usual constants of BM25: how soon repetition stops to count, and how much length does.
const SATURATION = 1.2
const LENGTH_SHARE = 0.6

const SIMILAR_WEIGHT = 0.3

/** Words from this length on may differ in two places instead of one. */
const LONG = 9

/** Words that are taken for one that is nowhere. */
const MAX_SIMILAR = 16

/**
 * Ranks documents by BM25, each word of the query counting by the best way in which it is matched.
 * Documents have to have every word; if none has, those that have some are ranked instead.
 * @param isAlive whether a document still counts.
 */
export function rank(
  segments: readonly Segment[],
  query: readonly Clause[],
  isAlive: (segment: number, document: number) => boolean,
): Ranked {
  const starts: number[] = []
  let size = 0
  let terms = 0
  for (const { lengths } of segments) {
    starts.push(size)
    size += lengths.length
    for (const length of lengths) terms += length
  }
  const collection = { segments, starts, size, averageLength: Math.max(1, terms / size) }
  const clauses = query.map((clause) => forgiving(segments, clause))
  const scores = clauses.map((clause) => scoreClause(collection, clause))
  const hits = gather(collection, scores, isAlive)
  return { hits: hits.toSorted((a, b) => b.score - a.score), clauses }
}

interface Collection {
  readonly segments: readonly Segment[]
  /** The place of the first document of each segment among all. */
  readonly starts: readonly number[]
  readonly size: number
  readonly averageLength: number
}

function gather(
  { segments, starts, size }: Collection,
  scores: readonly Float64Array[],
  isAlive: (segment: number, document: number) => boolean,
): Hit[] {
  const matched = new Uint8Array(size)
  const total = new Float64Array(size)
  for (const score of scores) {
    for (let i = 0; i < size; i++) {
      const value = score[i] ?? 0
      if (value === 0) continue
      matched[i] = (matched[i] ?? 0) + 1
      total[i] = (total[i] ?? 0) + value
    }
  }
  const some: Hit[] = []
  const all: Hit[] = []
  for (const [segment, { documentCount }] of segments.entries()) {
    for (let document = 0; document < documentCount; document++) {
      const at = (starts[segment] ?? 0) + document
      const words = matched[at] ?? 0
      if (words === 0 || !isAlive(segment, document)) continue
      const share = words / scores.length
      const hit = { segment, document, score: (total[at] ?? 0) * share * share }
      some.push(hit)
      if (words === scores.length) all.push(hit)
    }
  }
  return all.length > 0 ? all : some
}

function scoreClause(collection: Collection, { alternatives }: Clause): Float64Array {
  const { size, averageLength, segments, starts } = collection
  const best = new Float64Array(size)
  let found = 0
  for (const alternative of alternatives) {
    const frequencies = frequenciesOf(collection, alternative)
    for (const [i, { lengths }] of segments.entries()) {
      const start = starts[i] ?? 0
      for (let document = 0; document < lengths.length; document++) {
        const frequency = frequencies[start + document] ?? 0
        if (frequency === 0) continue
        const length = (lengths[document] ?? 0) / averageLength
        const damp = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * length)
        const score = (alternative.weight * frequency * (SATURATION + 1)) / (frequency + damp)
        const before = best[start + document] ?? 0
        if (before === 0) found++
        if (score > before) best[start + document] = score
      }
    }
  }
  const rarity = Math.log(1 + (size - found + 0.5) / (found + 0.5))
  return best.map((it) => it * rarity)
}

// How often each document has what an alternative asks for: of several terms, the rarest counts.
function frequenciesOf(collection: Collection, { terms, prefix }: Alternative): Float64Array {
  let result: Float64Array | undefined
  for (const term of terms) {
    const frequencies = frequenciesOfTerm(collection, term, prefix)
    result = result?.map((it, i) => Math.min(it, frequencies[i] ?? 0)) ?? frequencies
  }
  return result ?? new Float64Array(collection.size)
}

function frequenciesOfTerm(
  { segments, starts, size }: Collection,
  term: string,
  prefix: boolean,
): Float64Array {
  const frequencies = new Float64Array(size)
  for (const [i, segment] of segments.entries()) {
    const start = starts[i] ?? 0
    const exact = segment.find(term)
    const [from, to] = prefix
      ? segment.range(term)
      : [exact ?? 0, exact === undefined ? 0 : exact + 1]
    for (let number = from; number < to; number++) {
      segment.eachPosting(number, (document, frequency) => {
        const at = start + document
        frequencies[at] = (frequencies[at] ?? 0) + frequency
      })
    }
  }
  return frequencies
}

// A word that is nowhere, not even as a beginning, was perhaps meant to be one that looks like it.
function forgiving(segments: readonly Segment[], clause: Clause): Clause {
  const { similarTo: word, alternatives } = clause
  if (word === undefined) return clause
  const isKnown = segments.some((segment) => {
    const [from, to] = segment.range(word)
    return from < to
  })
  if (isKnown) return clause
  const similar = new Set<string>()
  for (const segment of segments) addSimilar(segment, word, similar)
  if (similar.size === 0) return clause
  return {
    alternatives: [
      ...alternatives,
      ...[...similar].map((it) => ({ terms: [it], prefix: false, weight: SIMILAR_WEIGHT })),
    ],
  }
}

// The first letter is seldom wrong; to look at all terms would take a hundred times as long.
function addSimilar(segment: Segment, word: string, similar: Set<string>): void {
  const mistakes = allowedMistakes(word)
  const wordBytes = Buffer.byteLength(word)
  const [from, to] = segment.range(String.fromCodePoint(word.codePointAt(0) ?? 0))
  for (let number = from; number < to && similar.size < MAX_SIMILAR; number++) {
    // Letters are up to four bytes; decoding is what takes the time.
    if (Math.abs(segment.termBytes(number) - wordBytes) > mistakes * 4) continue
    const term = segment.term(number)
    if (isSimilar(word, term, mistakes)) similar.add(term)
  }
}

/** How many letters may be wrong, missing, too many or swapped with their neighbour. */
export function allowedMistakes(word: string): number {
  return word.length < LONG ? 1 : 2
}

/** Whether two words differ in at most `most` letters (optimal string alignment). */
export function isSimilar(a: string, b: string, most: number): boolean {
  if (Math.abs(a.length - b.length) > most) return false
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + (same ? 0 : 1),
      )
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      }
      row.push(cost)
      least = Math.min(least, cost)
    }
    if (least > most) return false
    before = last
    last = row
  }
  return (last[b.length] ?? Infinity) <= most
}
