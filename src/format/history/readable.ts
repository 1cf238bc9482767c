import { HyperletterError, ifCode } from '../../errors.ts'
import { claimsToBeRecord, decodeRecord } from '../records/record.ts'
import type { BlockSource, ReadOptions } from '../log.ts'
import type { History } from './history.ts'
import { decodeZ32 } from '../keys/feed-key.ts'

/**
 * Whether a log can be read on this device. Decryption with a wrong key gives garbage and no error, so
 * the log is asked for its mark, until it was found once.
 */
export class Readability {
  readonly #log: BlockSource
  readonly #history: History
  #isKnown = false

  constructor(log: BlockSource, history: History) {
    this.#log = log
    this.#history = history
  }

  /** @throws NEEDS_KEY; NOT_AVAILABLE if it cannot be told yet. An empty log can be read. */
  async assert(options?: ReadOptions): Promise<void> {
    const { length } = this.#log
    if (this.#isKnown || length === 0) return
    const hasHead = await this.#history.hasHead(options)
    // The last block may be spoilt by a hostile author, or not be here yet; the first one then tells an
    // unreadable log from a damaged one.
    this.#isKnown =
      hasHead === true ||
      (hasHead === false &&
        (await this.#hasMark(length - 1, options).catch(ifCode(false, 'NOT_AVAILABLE')))) ||
      (await this.#hasMark(0, options))
    if (this.#isKnown) return
    throw needsKey()
  }

  async #hasMark(index: number, options?: ReadOptions): Promise<boolean> {
    return claimsToBeRecord(await this.#log.read(index, options))
  }
}

function needsKey(): HyperletterError {
  const message = 'The newsletter is private: this device has no key that reads it.'
  return new HyperletterError('NEEDS_KEY', message)
}

/**
 * The public half of the recovery key pair, 32 bytes, from block 0: no later record can change it.
 * @throws NEEDS_KEY, NOT_AVAILABLE, INVALID_RECORD
 */
export async function recoveryKeyOf(log: BlockSource, options?: ReadOptions): Promise<Uint8Array> {
  if (log.length === 0 && options?.wait === false) {
    throw new HyperletterError('NOT_AVAILABLE', 'Nothing of the newsletter has arrived yet.')
  }
  const block = await log.read(0, options)
  if (!claimsToBeRecord(block)) throw needsKey()
  const record = decodeRecord(block, 0)
  if (record.type === 'newsletter') return decodeZ32(record.recoveryKey)
  throw new HyperletterError('INVALID_RECORD', 'Block 0 names no recovery key.')
}
