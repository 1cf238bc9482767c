import { renderHtml } from '../render/html/html.ts'
import type { Issue } from '../site/pages/parts.ts'

/** HTML that is kept, in characters: about thirty long issues. */
const MAX_CHARACTERS = 4_000_000

/** HTML of issues, the latest used kept. What is shown is verified anew each time all the same. */
export class RenderCache {
  readonly #kept = new Map<string, string>()
  #characters = 0

  /** @param use which addresses pictures get; part of what HTML is kept by. */
  render(issue: Issue, use: string, attachmentUrl: (name: string) => string | undefined): string {
    const key = [use, issue.feedKey, issue.number, issue.amendedAt, issue.retracted?.at].join('/')
    const known = this.#kept.get(key)
    if (known !== undefined) {
      this.#kept.delete(key)
      this.#kept.set(key, known)
      return known
    }
    const html = renderHtml(issue.markdown, { attachmentUrl })
    this.#kept.set(key, html)
    this.#characters += html.length
    for (const [oldest, text] of this.#kept) {
      if (this.#characters <= MAX_CHARACTERS) break
      this.#kept.delete(oldest)
      this.#characters -= text.length
    }
    return html
  }
}
