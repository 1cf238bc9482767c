import { randomBytes } from 'node:crypto'
import type { Input, Operations, Output } from '../api/contract/contract.ts'
import { HyperletterError } from '../errors.ts'

/** A draft to show. */
export type PreviewRequest = Pick<Input<'previewDraft'>, 'draft' | 'newsletter'>

export type PreviewState = Output<'previewDraft'>

/** Drafts that may be shown at the same time; the oldest falls away. */
const MAX_PREVIEWS = 64

interface Shown {
  readonly request: PreviewRequest
  /** As somebody follows it now. */
  state?: PreviewState | undefined
  followers: number
}

/** Drafts that pages show, each under an address that nobody can guess: it leads to a file of this machine. */
export class Previews {
  readonly #operations: Operations
  readonly #shown = new Map<string, Shown>()

  constructor(operations: Operations) {
    this.#operations = operations
  }

  /** The path of the page of a draft. */
  add(request: PreviewRequest): string {
    const id = randomBytes(16).toString('hex')
    this.#shown.set(id, { request, followers: 0 })
    const [oldest] = this.#shown.keys()
    if (this.#shown.size > MAX_PREVIEWS && oldest !== undefined) this.#shown.delete(oldest)
    return `/preview/${id}`
  }

  /** A draft as it is now. @throws ISSUE_NOT_FOUND where none is shown */
  async state(id: string): Promise<PreviewState> {
    const { state, request } = this.#get(id)
    if (state !== undefined) return state
    try {
      for await (const it of this.#operations.previewDraft(request)) return it
    } catch (cause) {
      const { code, message, hint } = HyperletterError.from(cause)
      return { event: 'refused', code, message, hint }
    }
    throw new HyperletterError('INTERNAL', 'There was nothing to show.')
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
      hint: 'Run `hyperletter preview` again.',
    })
  }
}
