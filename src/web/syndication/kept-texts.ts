import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { renderHtml } from '../../render/html/html.ts'
import type { Issue } from '../../site/pages/parts.ts'
import type { Render } from '../../site/syndication/entries.ts'

/** Compressed texts that are kept, in bytes: those of about 1,500 long issues. */
const MAX_BYTES = 8 * 1_024 * 1_024

/**
 * HTML of issues for feeds. Making that of a whole archive takes seconds, more than some apps wait:
 * what was made for one that gave up is there when it asks again, and when an issue was added.
 */
export class KeptTexts {
  readonly #kept = new Map<string, Uint8Array>()
  readonly #maxBytes: number
  #sizeBytes = 0

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** The addresses of the pictures of an issue must be the same at each call. */
  readonly render: Render = (issue, attachmentUrl) => {
    const key = keyOf(issue)
    const known = this.#kept.get(key)
    if (known !== undefined) return inflateRawSync(known).toString('utf8')
    const html = renderHtml(issue.markdown, { attachmentUrl })
    this.#keep(key, deflateRawSync(html, { level: 1 }))
    return html
  }

  // Nothing falls away for another: an archive is read from one end to the other each time, and one that
  // does not fit would never find again what it has put there.
  #keep(key: string, bytes: Uint8Array): void {
    if (this.#sizeBytes + bytes.byteLength > this.#maxBytes) return
    this.#kept.set(key, bytes)
    this.#sizeBytes += bytes.byteLength
  }
}

function keyOf({ feedKey, number, amendedAt, retracted }: Issue): string {
  return [feedKey, number, amendedAt, retracted?.at].join('/')
}
