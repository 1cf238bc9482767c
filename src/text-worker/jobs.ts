import type { Clause } from '../engine/search/query.ts'
import { issueExcerpt, type Excerpt } from '../engine/search/text/excerpt.ts'
import { plainText } from '../engine/search/text/plain-text.ts'
import { countTerms, type TermCounts } from '../engine/search/text/words.ts'
import { renderHtml, type HtmlOptions } from '../render/html/html.ts'
import { issueAt, type Origins } from '../render/links.ts'

/** A text with the addresses of what it refers to. */
export interface HtmlInput {
  readonly text: string
  /** Of attachments, by name. */
  readonly addresses: ReadonlyMap<string, string>
  /** Of the newsletter: that of an issue is this, `/` and its number. */
  readonly home?: string | undefined
  /** Where the text was imported from, and the other issues. */
  readonly importedFrom?: string | undefined
  readonly origins?: Origins | undefined
  /** Of the page that shows what a link to a newsletter leads to; the link is appended. */
  readonly preview?: string | undefined
}

/** What `renderHtml` needs to know to lead links to issues and newsletters. */
export function optionsOf({
  addresses,
  home = '',
  importedFrom,
  origins = new Map(),
  preview,
}: HtmlInput): HtmlOptions {
  return {
    attachmentUrl: (name) => addresses.get(name),
    linkUrl: (url) => {
      if (url.startsWith('hyperletter:'))
        return preview === undefined ? undefined : preview + encodeURIComponent(url)
      const found = issueAt(url, importedFrom, origins)
      if (found === undefined) return undefined
      return `${home}/${found.number}${found.fragment.replace(/^#/, '#issue-')}`
    },
  }
}

/** What is done with a text in the worker. Input and output are cloned on their way. */
export const JOBS = {
  html: (input: HtmlInput): string => renderHtml(input.text, optionsOf(input)),
  terms: ({ text }: { text: string }): TermCounts => countTerms(plainText(text)),
  excerpt: (input: { text: string; title: string; clauses: readonly Clause[] }): Excerpt =>
    issueExcerpt(input.text, input.title, input.clauses),
}

export type Jobs = typeof JOBS
