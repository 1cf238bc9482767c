import type { Clause } from '../query.ts'
import { plainText } from './plain-text.ts'
import { eachTerm } from './words.ts'

/** A part of a text, and where in it what was searched for stands. */
export interface Excerpt {
  readonly text: string
  /** Start and end of each, in UTF-16 code units; in order, without overlaps. */
  readonly highlights: [number, number][]
}

/** About two lines of a terminal. */
const LENGTH = 200

/** What stands before the first match. */
const LEAD = 50

/** Matches that are looked at to find the best place. */
const MAX_MATCHES = 5_000

interface Match {
  readonly start: number
  readonly end: number
  readonly clause: number
}

/** Characters of Markdown that are looked at for its beginning. */
const MAX_BEGINNING = 4_096

/** The beginning of an issue's Markdown, for a list in which its title stands. */
export function beginningOf(markdown: string, title: string): string {
  const text = plainText(markdown.slice(0, MAX_BEGINNING))
  return excerptOf(text.startsWith(`${title} `) ? text.slice(title.length + 1) : text, []).text
}

/** The excerpt of an issue's Markdown that is shown below its title. */
export function issueExcerpt(markdown: string, title: string, clauses: readonly Clause[]): Excerpt {
  const text = plainText(markdown)
  // Most texts begin with their title, which stands above the excerpt already.
  const below = text.startsWith(`${title} `)
    ? excerptOf(text.slice(title.length + 1), clauses)
    : undefined
  return below !== undefined && below.highlights.length > 0 ? below : excerptOf(text, clauses)
}

/** The part of a plain text that has the most of the words of a query; its beginning if it has none. */
export function excerptOf(text: string, clauses: readonly Clause[]): Excerpt {
  const matches = matchesIn(text, clauses)
  const first = bestWindow(matches)
  const start = first === undefined ? 0 : startBefore(text, first.start)
  const end = endAfter(text, start, first?.end ?? 0)
  const before = start > 0 ? '… ' : ''
  const after = end < text.length ? ' …' : ''
  const highlights: [number, number][] = []
  for (const match of matches) {
    if (match.start < start || match.end > end) continue
    const from = match.start - start + before.length
    const to = match.end - start + before.length
    const last = highlights.at(-1)
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to)
    else highlights.push([from, to])
  }
  return { text: before + text.slice(start, end) + after, highlights }
}

function matchesIn(text: string, clauses: readonly Clause[]): Match[] {
  if (clauses.length === 0) return []
  const exact = new Map<string, number>()
  const prefixes: [string, number][] = []
  for (const [clause, { alternatives }] of clauses.entries()) {
    for (const { terms, prefix } of alternatives) {
      for (const term of terms) {
        exact.set(term, clause)
        if (prefix) prefixes.push([term, clause])
      }
    }
  }
  const matches: Match[] = []
  eachTerm(text, (term, start, end) => {
    if (matches.length >= MAX_MATCHES) return
    const clause = exact.get(term) ?? prefixes.find(([prefix]) => term.startsWith(prefix))?.[1]
    if (clause !== undefined) matches.push({ start, end, clause })
  })
  return matches.toSorted((a, b) => a.start - b.start || a.end - b.end)
}

// The first match of the window with the most different words, and among those with the most matches.
function bestWindow(matches: readonly Match[]): Match | undefined {
  const inWindow = new Map<number, number>()
  let best: Match | undefined
  let bestValue = 0
  let from = 0
  for (const [to, match] of matches.entries()) {
    inWindow.set(match.clause, (inWindow.get(match.clause) ?? 0) + 1)
    let first = matches[from] ?? match
    while (from < to && match.end - first.start > LENGTH - LEAD) {
      const left = (inWindow.get(first.clause) ?? 0) - 1
      if (left > 0) inWindow.set(first.clause, left)
      else inWindow.delete(first.clause)
      first = matches[++from] ?? match
    }
    const value = inWindow.size * MAX_MATCHES + (to - from)
    if (value > bestValue) {
      bestValue = value
      best = first
    }
  }
  return best
}

// At the beginning of a word where there is one nearby, else between two characters.
function startBefore(text: string, at: number): number {
  if (at <= LEAD) return 0
  const earliest = at - LEAD
  const space = text.indexOf(' ', earliest)
  if (space >= 0 && space < at) return space + 1
  return isLowSurrogate(text, earliest) ? earliest + 1 : earliest
}

function endAfter(text: string, start: number, least: number): number {
  const latest = Math.max(start + LENGTH, least)
  if (latest >= text.length) return text.length
  const space = text.lastIndexOf(' ', latest)
  if (space > Math.max(start + LENGTH / 2, least)) return space
  return isLowSurrogate(text, latest) ? latest - 1 : latest
}

function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff
}
