import { parentPort } from 'node:worker_threads'
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

/** What the worker is asked; it answers with `{ result }`, without one if the job failed. */
export interface Request<Name extends keyof Jobs = keyof Jobs> {
  readonly job: Name
  readonly input: Parameters<Jobs[Name]>[0]
}

parentPort?.on('message', ({ job, input }: Request) => {
  let result: unknown
  try {
    result = (JOBS[job] as (given: typeof input) => unknown)(input)
  } catch {
    // Whoever asked shows the text in another way.
  }
  parentPort?.postMessage({ result })
})
