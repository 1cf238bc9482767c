import { fold, eachPairIn, eachRun, eachWordIn, isUnspaced } from './text/words.ts'

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
