import { fold, eachPairIn, eachRun, eachWordIn, isUnspaced } from './text/words.ts'
import { eachTermWith, frequencyOf, type IndexedIssue, type SearchDocument } from './document.ts'

/** Terms that all have to be in an issue; with `prefix`, terms that begin so do too. */
export interface Alternative {
  readonly terms: readonly string[]
  readonly prefix: boolean
  /** What this way of matching counts against an exact one. */
  readonly weight: number
}

/** One word of a query: the ways in which an issue can have it. */
export interface Clause {
  readonly alternatives: readonly Alternative[]
  /** The word, where spelling mistakes in it are forgiven when it is nowhere to be found. */
  readonly similarTo?: string
}

/** Words of a query that count; what comes after them is left out. */
const MAX_CLAUSES = 16

const PREFIX_WEIGHT = 0.4
const PAIRS_WEIGHT = 0.5

/** A single letter begins too much. */
const MIN_PREFIX_LENGTH = 2

/** Shorter words have too many that look like them. */
const MIN_SIMILAR_LENGTH = 5

/** The words of a query. Empty if there are none in it. */
export function parseQuery(query: string): Clause[] {
  const clauses = new Map<string, Clause>()
  eachRun(query, (run) => {
    const word = fold(run)
    if (word !== '') clauses.set(word, isUnspaced(run) ? unspacedClause(run) : wordClause(word))
    return clauses.size < MAX_CLAUSES
  })
  return [...clauses.values()]
}

function wordClause(word: string): Clause {
  const alternatives = [{ terms: [word], prefix: false, weight: 1 }]
  if (word.length >= MIN_PREFIX_LENGTH) {
    alternatives.push({ terms: [word], prefix: true, weight: PREFIX_WEIGHT })
  }
  return word.length < MIN_SIMILAR_LENGTH ? { alternatives } : { alternatives, similarTo: word }
}

// Either all of its words, or the same characters side by side, wherever words are thought to end.
function unspacedClause(run: string): Clause {
  const words: string[] = []
  eachWordIn(run, (word) => words.push(fold(word)))
  const pairs: string[] = []
  eachPairIn(run, (pair) => pairs.push(pair))
  // The last one is of one character: the run need not end in the text where it ends here.
  const single = pairs.length === 1
  const joined = single ? pairs : pairs.filter((_, i) => i < pairs.length - 1)
  return {
    alternatives: [
      { terms: words, prefix: false, weight: 1 },
      { terms: joined, prefix: single, weight: PAIRS_WEIGHT },
    ].filter(({ terms }) => terms.length > 0),
  }
}

interface Hit extends IndexedIssue {
  readonly score: number
}

export interface Ranked {
  /** Best first. */
  readonly found: readonly Hit[]
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
 */
export function rank(documents: readonly SearchDocument[], query: readonly Clause[]): Ranked {
  const scored = query.map((clause) => forgiving(documents, clause))
  const scores = scored.map((it) => it.scores)
  const some: (Hit & { readonly share: number })[] = []
  for (const [i, { feedKey, number, edition }] of documents.entries()) {
    const own = scores.map((it) => it[i] ?? 0).filter((it) => it > 0)
    if (own.length === 0) continue
    const share = own.length / scores.length
    const score = own.reduce((sum, it) => sum + it, 0) * share * share
    some.push({ feedKey, number, edition, score, share })
  }
  const all = some.filter((it) => it.share === 1)
  return {
    found: (all.length > 0 ? all : some).toSorted((a, b) => b.score - a.score),
    clauses: scored.map((it) => it.clause),
  }
}

function scoreClause(documents: readonly SearchDocument[], clause: Clause): readonly number[] {
  const { alternatives } = clause
  const terms = documents.reduce((sum, { length }) => sum + length, 0)
  const averageLength = Math.max(1, terms / documents.length)
  const wanted = [...new Set(alternatives.flatMap((it) => it.terms))]
  const encoded = wanted.map((it) => Buffer.from(it))
  const ways = alternatives.map(({ terms: all, ...it }) => ({
    ...it,
    places: all.map((term) => wanted.indexOf(term)),
  }))
  const scores = documents.map((document) => {
    // Each term is looked up once: a word counts by itself and as a beginning.
    const frequencies = encoded.map((term) => frequencyOf(document, term))
    const damp = SATURATION * (1 - LENGTH_SHARE + (LENGTH_SHARE * document.length) / averageLength)
    let best = 0
    for (const { places, prefix, weight } of ways) {
      // Of several terms, the rarest counts.
      let frequency = Infinity
      for (const place of places) {
        const found = frequencies[place]
        frequency = Math.min(frequency, (prefix ? found?.begun : found?.exact) ?? 0)
      }
      best = Math.max(best, (weight * frequency * (SATURATION + 1)) / (frequency + damp))
    }
    return best
  })
  const found = scores.filter((it) => it > 0).length
  const rarity = Math.log(1 + (documents.length - found + 0.5) / (found + 0.5))
  return scores.map((it) => it * rarity)
}

/** A clause as it was understood, and what each document has of it. */
interface Scored {
  readonly clause: Clause
  readonly scores: readonly number[]
}

// A word that is nowhere, not even as a beginning, was perhaps meant to be one that looks like it.
function forgiving(documents: readonly SearchDocument[], clause: Clause): Scored {
  const scores = scoreClause(documents, clause)
  const { similarTo: word, alternatives } = clause
  if (word === undefined || scores.some((it) => it > 0)) return { clause, scores }
  const similar = [...similarWords(documents, word)].slice(0, MAX_SIMILAR)
  if (similar.length === 0) return { clause, scores }
  const more = similar.map((it) => ({ terms: [it], prefix: false, weight: SIMILAR_WEIGHT }))
  const wider = { alternatives: [...alternatives, ...more] }
  return { clause: wider, scores: scoreClause(documents, wider) }
}

// The first letter is seldom wrong; to look at all terms would take ten times as long.
function similarWords(documents: readonly SearchDocument[], word: string): ReadonlySet<string> {
  const mistakes = allowedMistakes(word)
  // Letters are up to four bytes; decoding is what takes the time.
  const size = { sizeBytes: Buffer.byteLength(word), tolerance: mistakes * 4 }
  const first = String.fromCodePoint(word.codePointAt(0) ?? 0)
  const seen = new Set<string>()
  const similar = new Set<string>()
  for (const document of documents) {
    eachTermWith(document, first, size, (term) => {
      if (seen.has(term)) return
      seen.add(term)
      if (isSimilar(word, term, mistakes)) similar.add(term)
    })
  }
  return similar
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
