import { createHash } from 'node:crypto'
import { MAX_ATTACHMENTS } from '../../format/records/bodies.ts'
import { withoutMetadata } from '../picture-location.ts'
import type { Draft, DraftAttachment } from '../source.ts'
import { getFromWeb, type WebOptions } from '../web.ts'

type FetchOptions = Pick<WebOptions, 'allowPrivateAddresses' | 'signal'>

const MAX_PICTURE_BYTES = 32 * 1024 * 1024
/** Of one issue: all of it is in memory until it is published. */
const MAX_ISSUE_BYTES = 64 * 1024 * 1024
/** Of one import. */
const MAX_PICTURES = 20_000
const MAX_IMPORT_BYTES = 8 * 1024 * 1024 * 1024
const AT_ONCE = 4

/** What browsers show, by its first bytes. */
const KINDS: readonly (readonly [start: RegExp, extension: string, mediaType: string])[] = [
  [/^\u0089PNG\r\n\u001a\n/, 'png', 'image/png'],
  [/^\u00ff\u00d8\u00ff/, 'jpg', 'image/jpeg'],
  [/^GIF8[79]a/, 'gif', 'image/gif'],
  [/^RIFF.{4}WEBP/s, 'webp', 'image/webp'],
  [/^.{4}ftypavi[fs]/s, 'avif', 'image/avif'],
  [
    /^(?:\u00ef\u00bb\u00bf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^>]*-->\s*)?<svg[\s>]/,
    'svg',
    'image/svg+xml',
  ],
]

/** Pictures that texts show from the web, fetched within the limits of one import. */
export class FetchedPictures {
  readonly #options: FetchOptions
  #pictures = 0
  #bytes = 0

  constructor(options: Pick<FetchOptions, 'allowPrivateAddresses'> = {}) {
    this.#options = options
  }

  /** What a text calls the picture at an address until it is known what kind of picture that is. */
  nameFor(url: string): string {
    const name = /([^/]*)$/.exec(new URL(url).pathname)?.[1] ?? ''
    const stem = name.replace(/\.[a-z0-9]{2,4}$/i, '').replaceAll(/[^\w-]+/g, '-')
    const digest = createHash('sha256').update(url).digest('hex').slice(0, 12)
    return `pictures/${digest}-${stem.slice(0, 60)}`
  }

  /** A draft with the pictures that could be had; the text shows the others from the web, as it did. */
  async attach(
    draft: Draft,
    remote: ReadonlyMap<string, string>,
    { signal }: Pick<FetchOptions, 'signal'>,
  ): Promise<Draft> {
    const attachments: DraftAttachment[] = [...draft.attachments]
    const warnings = [...draft.warnings]
    let { markdown } = draft
    let issueBytes = 0
    const waiting = [...remote]
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [name, url] = next
        try {
          if (attachments.length >= MAX_ATTACHMENTS) throw new Error('there are too many')
          const { bytes, extension, mediaType } = await this.#fetch(url, issueBytes, signal)
          issueBytes += bytes.byteLength
          const open = async () => bytes
          const named = `${name}.${extension}`
          attachments.push({ name: named, mediaType, sizeBytes: bytes.byteLength, open })
          markdown = markdown.replaceAll(`(${name}`, `(${named}`)
        } catch (error) {
          signal?.throwIfAborted()
          markdown = markdown.replaceAll(`(${name}`, `(${escaped(url)}`)
          const message = `A picture stays on the web: ${(error as Error).message}`
          warnings.push({ message })
        }
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return { ...draft, markdown, attachments, warnings }
  }

  async #fetch(url: string, issueBytes: number, signal: AbortSignal | undefined) {
    const left = Math.min(MAX_ISSUE_BYTES - issueBytes, MAX_IMPORT_BYTES - this.#bytes)
    if (++this.#pictures > MAX_PICTURES || left <= 0) throw new Error('the pictures are too many')
    const maxBytes = Math.min(MAX_PICTURE_BYTES, left)
    const { body } = await getFromWeb(url, { ...this.#options, signal, maxBytes })
    const start = body.subarray(0, 512).toString('latin1')
    const [, extension, mediaType] = KINDS.find(([it]) => it.test(start)) ?? []
    if (extension === undefined || mediaType === undefined) {
      throw new Error(`what ${new URL(url).host} answers is no picture.`)
    }
    this.#bytes += body.byteLength
    return { bytes: withoutMetadata(body), extension, mediaType }
  }
}

/** An address as the destination of a link in Markdown. */
function escaped(url: string): string {
  return url.replaceAll(/[()<>\s]/g, (it) => `%${it.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
