import Hyperbee from 'hyperbee'
import { HyperletterError } from '../../errors.ts'
import type { LogPlace } from '../../log/store/named-core.ts'
import { onStore } from '../../storage-errors.ts'

/** Where in a Hyperbee to look; bounds as text. */
interface Range {
  readonly gte: string
  readonly lt: string
}

/**
 * The Hyperbee of a library. It is made with the first thing that is written: to make one takes a tenth of the time
 * in which a new reader has the newest issue.
 */
export class LibraryLog {
  readonly #place: LogPlace
  #bee: Promise<Hyperbee> | undefined
  #isClosed = false

  private constructor(place: LogPlace) {
    this.#place = place
  }

  static async open(place: LogPlace): Promise<LibraryLog> {
    const log = new LibraryLog(place)
    if (await place.isMade()) await log.forWriting()
    return log
  }

  /** The Hyperbee, made if there is none. */
  forWriting(): Promise<Hyperbee> {
    this.#bee ??= this.#open().catch((error: unknown) => {
      this.#bee = undefined
      throw error
    })
    return this.#bee
  }

  /** What is stored, by its keys in order. @throws ABORTED once it is closed */
  async *entries(range: Range): AsyncGenerator<{ key: string; value: unknown }> {
    if (this.#isClosed) throw new HyperletterError('ABORTED', 'The library was closed.')
    const bee = await this.#bee
    if (bee !== undefined && bee.core.length > 0) yield* bee.createReadStream(range)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const bee = await this.#bee?.catch(() => undefined)
    await bee?.close()
  }

  async #open(): Promise<Hyperbee> {
    const bee = new Hyperbee(this.#place.open(), { keyEncoding: 'utf-8', valueEncoding: 'json' })
    await onStore(() => bee.ready())
    return bee
  }
}
