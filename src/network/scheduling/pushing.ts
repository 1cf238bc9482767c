import type Hypercore from 'hypercore'
import { isKnownVersion, pusherOf } from './hypercore-internals.ts'

/** What is longer is asked for, and so divided among those who want it. */
const MOST_BYTES = 16 * 1024

/** Who appends again so soon imports an archive, which readers divide among them. */
const REST_MS = 1_000

/**
 * Sends what is appended here to connected readers at once, unasked: they have it after half a round trip, not
 * after one and a half. Readers say that they take it; plain Hypercore peers do not, and ask.
 */
export class Pushing {
  readonly #core: Hypercore
  #length: number
  #byteLength: number
  #appendedMs = -Infinity

  /** Begins at once. Does nothing with a Hypercore whose inside is not known. */
  constructor(core: Hypercore) {
    this.#core = core
    this.#length = core.length
    this.#byteLength = core.byteLength
    if (!isKnownVersion()) return
    pusherOf(core).setAllowPush(!core.writable)
    core.on('append', this.#onAppend)
  }

  close(): void {
    this.#core.off('append', this.#onAppend)
    if (isKnownVersion()) pusherOf(this.#core).setAllowPush(false)
  }

  readonly #onAppend = (): void => {
    const core = this.#core
    const begin = this.#length
    const sizeBytes = core.byteLength - this.#byteLength
    this.#length = core.length
    this.#byteLength = core.byteLength
    const sinceMs = performance.now() - this.#appendedMs
    this.#appendedMs = performance.now()
    if (!core.writable || sinceMs < REST_MS) return
    // The record comes last and tells what the others are.
    const first = sizeBytes > MOST_BYTES ? core.length - 1 : begin
    this.#push(first).catch(() => undefined)
  }

  async #push(first: number): Promise<void> {
    const { length } = this.#core
    for (let index = length - 1; index >= first; index--) await pusherOf(this.#core).push(index)
  }
}
