/** The links of one text: numbered in order of appearance, one number for each URL. */
export class LinkList {
  readonly #numbers = new Map<string, number>()

  /** The number that stands behind the link's text. */
  numberOf(url: string): number {
    const known = this.#numbers.get(url)
    if (known !== undefined) return known
    this.#numbers.set(url, this.#numbers.size + 1)
    return this.#numbers.size
  }

  /** The URLs in the order of their numbers, from 1. */
  get urls(): string[] {
    return [...this.#numbers.keys()]
  }
}

/** True if `text` already says all that `url` does, so that listing the URL would repeat it. */
export function repeatsUrl(text: string, url: string): boolean {
  return bare(text) === bare(url)
}

function bare(text: string): string {
  return text
    .trim()
    .replace(/^(?:https?:\/\/|mailto:)/i, '')
    .replace(/\/$/, '')
}
