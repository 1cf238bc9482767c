import type { Clause } from '../engine/search/query.ts'
import { issueExcerpt, type Excerpt } from '../engine/search/text/excerpt.ts'
import { plainText } from '../engine/search/text/plain-text.ts'
import { countTerms, type TermCounts } from '../engine/search/text/words.ts'
import { renderHtml } from '../render/html/html.ts'
import { optionsOf, type HtmlInput } from '../render/html/placed.ts'

/** What is done with a text in the worker. Input and output are cloned on their way. */
export const JOBS = {
  html: (input: HtmlInput): string => renderHtml(input.text, optionsOf(input)),
  terms: ({ text }: { text: string }): TermCounts => countTerms(plainText(text)),
  excerpt: (input: { text: string; title: string; clauses: readonly Clause[] }): Excerpt =>
    issueExcerpt(input.text, input.title, input.clauses),
}

export type Jobs = typeof JOBS
