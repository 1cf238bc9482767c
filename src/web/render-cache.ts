import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { LRUCache } from 'lru-cache'
import type { IssueText } from '../site/pages/parts.ts'
import { renderIssue, type IssuePlace } from '../text-worker/text-worker.ts'

/** HTML that is kept, in characters: about thirty long issues. */
const MAX_CHARACTERS = 4_000_000

/** HTML of issues, the latest used kept. What is shown is verified anew each time all the same. */
export class RenderCache {
  readonly #kept = new LRUCache<string, string>({
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (html) => Math.max(1, html.length),
  })

  /** @param use which addresses there are; part of what HTML is kept by. */
  async render(issue: IssueText, use: string, place: IssuePlace): Promise<string> {
    const key = `${use}/${keyOf(issue)}`
    const html = this.#kept.get(key) ?? (await renderIssue(issue, place))
    this.#kept.set(key, html)
    return html
  }
}

/** Compressed texts that are kept, in bytes: those of about 1,500 long issues. */
const MAX_BYTES = 8 * 1_024 * 1_024

/**
 * HTML of issues for feeds. Making that of a whole archive takes seconds, more than some apps wait:
 * what was made for one that gave up is there when it asks again, and when an issue was added.
 */
export class KeptTexts {
  readonly #kept = new Map<string, Uint8Array>()
  #sizeBytes = 0

  /** @param use which addresses there are; part of what HTML is kept by. */
  async render(issue: IssueText, use: string, place: IssuePlace): Promise<string> {
    const key = `${use}/${keyOf(issue)}`
    const known = this.#kept.get(key)
    if (known !== undefined) return inflateRawSync(known).toString('utf8')
    const html = await renderIssue(issue, place)
    this.#keep(key, deflateRawSync(html, { level: 1 }))
    return html
  }

  // Nothing falls away for another: an archive is read from one end to the other each time, and one that
  // does not fit would never find again what it has put there.
  #keep(key: string, bytes: Uint8Array): void {
    if (this.#kept.has(key) || this.#sizeBytes + bytes.byteLength > MAX_BYTES) return
    this.#kept.set(key, bytes)
    this.#sizeBytes += bytes.byteLength
  }
}

// By nothing that the author claims: two editions may have one date.
function keyOf({ feedKey, number, editionBlock, retracted }: IssueText): string {
  return [feedKey, number, editionBlock, retracted?.at].join('/')
}
