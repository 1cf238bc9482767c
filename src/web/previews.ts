import { createHash, randomBytes } from 'node:crypto'
import type { Input, Operations, Output } from '../api/contract/contract.ts'
import { HyperletterError } from '../errors.ts'
import type { Uploads } from './uploads.ts'

export type PreviewRequest = Pick<Input<'previewDraft'>, 'draft' | 'newsletter' | 'amends'>

export type PreviewState = Output<'previewDraft'>

export interface DraftOutcome {
  /** The page to go on to. */
  readonly path: string
  /** The id under which it waits to be published. */
  readonly scheduled?: string
}

/** Drafts that may be shown at the same time; the oldest falls away. */
const MAX_PREVIEWS = 64

interface Shown {
  request: PreviewRequest
  /** Path of the text of a draft that a browser sent. */
  upload: string | undefined
  /** As somebody follows it now. */
  state?: PreviewState | undefined
  followers: number
  outcome?: Promise<DraftOutcome> | undefined
}

/** Drafts that pages show, each under an address that nobody can guess: it leads to a file of this machine. */
export class Previews {
  readonly uploads: Uploads
  readonly #operations: Operations
  readonly #shown = new Map<string, Shown>()

  constructor(operations: Operations, uploads: Uploads) {
    this.#operations = operations
    this.uploads = uploads
  }

  /** The path of the page of a draft. */
  add(request: PreviewRequest, upload?: string): string {
    const id = randomBytes(16).toString('hex')
    this.#shown.set(id, { request, upload, followers: 0 })
    const [oldest] = this.#shown.keys()
    if (this.#shown.size > MAX_PREVIEWS && oldest !== undefined) this.#forget(oldest)
    return `/preview/${id}`
  }

  /** A draft as it is now. @throws ISSUE_NOT_FOUND where none is shown */
  async state(id: string, isFresh = false): Promise<PreviewState> {
    const { state, request } = this.#get(id)
    if (state !== undefined && !isFresh) return state
    try {
      for await (const it of this.#operations.previewDraft(request)) return it
    } catch (cause) {
      const { code, message, hint } = HyperletterError.from(cause)
      return { event: 'refused', code, message, hint }
    }
    throw new HyperletterError('INTERNAL', 'There was nothing to show.')
  }

  /** What is shown. @throws ISSUE_NOT_FOUND where none is */
  request(id: string): PreviewRequest {
    return this.#get(id).request
  }

  /** Path of the text, if a browser sent it. @throws ISSUE_NOT_FOUND where none is shown */
  upload(id: string): string | undefined {
    return this.#get(id).upload
  }

  /** The text of a draft that a browser sent lies in another file from now on. */
  moved(id: string, upload: string): void {
    const shown = this.#get(id)
    if (upload === shown.upload) return
    shown.upload = upload
    shown.request = { ...shown.request, draft: { file: upload } }
    shown.state = undefined
  }

  /** What became of it, if it is published or waits for that. @throws ISSUE_NOT_FOUND where none is shown */
  outcome(id: string): Promise<DraftOutcome> | undefined {
    return this.#get(id).outcome
  }

  /** Publishes a draft once, however often its form is sent. After a failure it may be tried again. */
  async settle(
    id: string,
    publish: (request: PreviewRequest) => Promise<DraftOutcome>,
  ): Promise<DraftOutcome> {
    const shown = this.#get(id)
    shown.outcome ??= publish(shown.request)
    try {
      return await shown.outcome
    } catch (error) {
      shown.outcome = undefined
      throw error
    }
  }

  /** A draft does not wait any more. @returns the path of its page, if it is still shown */
  async cancelled(scheduled: string): Promise<string | undefined> {
    for (const [id, shown] of this.#shown) {
      if ((await shown.outcome)?.scheduled !== scheduled) continue
      shown.outcome = undefined
      return `/preview/${id}`
    }
    return undefined
  }

  /** A draft as it is now, and again whenever it changes. */
  async *follow(id: string, signal: AbortSignal): AsyncGenerator<PreviewState> {
    const shown = this.#get(id)
    shown.followers++
    try {
      for await (const it of this.#operations.previewDraft(
        { ...shown.request, follow: true },
        { signal },
      )) {
        shown.state = it
        yield it
      }
    } finally {
      shown.followers--
      if (shown.followers === 0) shown.state = undefined
    }
  }

  /** The bytes of a file beside the draft. */
  file(id: string, name: string): AsyncIterable<Uint8Array> {
    const { draft } = this.#get(id).request
    return this.#operations.readDraftFile({ draft, name })
  }

  #get(id: string): Shown {
    const found = this.#shown.get(id)
    if (found !== undefined) return found
    throw new HyperletterError('ISSUE_NOT_FOUND', 'This draft is not shown any more.', {
      hint: 'Choose the file again, or run `hyperletter preview` again.',
    })
  }

  #forget(id: string): void {
    const upload = this.#shown.get(id)?.upload
    this.#shown.delete(id)
    // What stays is removed with the next start.
    if (upload !== undefined) void this.uploads.remove(upload).catch(() => undefined)
  }
}

/** What somebody saw of a draft, in short; its place among the issues and the time of its file do not count. */
export function fingerprint(state: PreviewState): string {
  if (state.event !== 'preview') return ''
  const { issue, dateFrom, sizeBytes, publishAt, findings } = state
  const isDated = dateFrom === 'head' || dateFrom === 'name'
  const shown = { ...issue, number: 0, ...(isDated ? {} : { publishedAt: '' }) }
  const seen = JSON.stringify([shown, sizeBytes, publishAt, findings])
  return createHash('sha256').update(seen).digest('hex').slice(0, 32)
}
