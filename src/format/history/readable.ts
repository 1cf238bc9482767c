import type Hypercore from 'hypercore'
import { hasCode, HyperletterError } from '../../errors.ts'
import { claimsToBeRecord } from '../records/record.ts'
import { readBlock, type ReadOptions } from '../../log/blocks.ts'
import type { History } from './history.ts'

/**
 * Whether a log can be read on this device. Decryption with a wrong key gives garbage and no error, so
 * the log is asked for its mark, until it was found once.
 */
export class Readability {
  readonly #core: Hypercore
  readonly #history: History
  #isKnown = false

  constructor(core: Hypercore, history: History) {
    this.#core = core
    this.#history = history
  }

  /** @throws NEEDS_KEY; NOT_AVAILABLE if it cannot be told yet. An empty log can be read. */
  async assert(options?: ReadOptions): Promise<void> {
    const { length } = this.#core
    if (this.#isKnown || length === 0) return
    const hasHead = await this.#history.hasHead(options)
    // The last block may be spoilt by a hostile author, or not be here yet; the first one then tells an
    // unreadable log from a damaged one.
    this.#isKnown =
      hasHead === true ||
      (hasHead === false && (await this.#hasMark(length - 1, options).catch(ignoreMissing))) ||
      (await this.#hasMark(0, options))
    if (this.#isKnown) return
    throw new HyperletterError(
      'NEEDS_KEY',
      'The newsletter is private: this device has no key that reads it.',
    )
  }

  async #hasMark(index: number, options?: ReadOptions): Promise<boolean> {
    return claimsToBeRecord(await readBlock(this.#core, index, options))
  }
}

function ignoreMissing(error: unknown): false {
  if (hasCode(error, 'NOT_AVAILABLE')) return false
  throw error
}
