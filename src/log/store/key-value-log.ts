import Hyperbee from 'hyperbee'
import type Hypercore from 'hypercore'
import { hasCode, HyperletterError } from '../../errors.ts'
import { translateStorageError } from '../../storage-errors.ts'

/** Where in a Hyperbee to look; bounds as text. */
interface Range {
  readonly gte: string
  readonly lt: string
}

/** Where the core of it is. */
interface CorePlace {
  /** Whether it was ever opened. */
  readonly isMade: () => Promise<boolean>
  /** A session of it, writable and not active; the core is made if there is none. */
  readonly open: () => Hypercore
}

/**
 * Values by text keys, in a Hyperbee. It is made with the first thing that is written: to make one takes a tenth of the time
 * in which a new reader has the newest issue.
 */
export class KeyValueLog {
  readonly #place: CorePlace
  #core: Hypercore | undefined
  #bee: Promise<Hyperbee> | undefined
  #isClosed = false

  private constructor(place: CorePlace) {
    this.#place = place
  }

  static async open(place: CorePlace): Promise<KeyValueLog> {
    const log = new KeyValueLog(place)
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
    if (bee === undefined || bee.core.length === 0) return
    try {
      yield* bee.createReadStream(range)
    } catch (error) {
      throw libraryError(error)
    }
  }

  /** Blocks of the log below, which only grows. */
  async length(): Promise<number> {
    return (await this.#bee)?.core.length ?? 0
  }

  /** Of the log that it lies in. */
  async size(): Promise<{ readonly bytes: number; readonly blocks: number }> {
    const core = (await this.#bee)?.core
    return { bytes: core?.byteLength ?? 0, blocks: core?.length ?? 0 }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const bee = await this.#bee?.catch(() => undefined)
    await bee?.close()
    await this.#core?.close()
  }

  async #open(): Promise<Hyperbee> {
    this.#core = this.#place.open()
    // Sessions that a Hyperbee makes of a weak one are as little active as that.
    const core = this.#core.session({ weak: true })
    const bee = new Hyperbee(core, { keyEncoding: 'utf-8', valueEncoding: 'json' })
    try {
      await bee.ready()
    } catch (error) {
      throw libraryError(error)
    }
    return bee
  }
}

// The newsletters themselves may be sound.
function libraryError(cause: unknown): unknown {
  const error = translateStorageError(cause)
  const isDamage = hasCode(error, 'STORE_DAMAGED') || !(error instanceof HyperletterError)
  if (!isDamage) return error
  const message = 'The list of your newsletters cannot be read from the store.'
  return new HyperletterError('LIBRARY_DAMAGED', message, { cause })
}
