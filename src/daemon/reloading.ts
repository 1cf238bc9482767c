import type { Config } from '../config/config.ts'
import type { LiveConfig, Reloaded } from '../config/live.ts'
import { HyperletterError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { SerialQueue } from '../serial-queue.ts'

export interface ReloadingOptions {
  readonly live: LiveConfig
  /** Reads the configuration again, from wherever it came. */
  readonly load: () => Promise<Config>
  readonly logger: Logger
}

/** Reads the configuration again while the daemon runs; a wrong one leaves the old one in force. */
export class Reloading {
  readonly #options: ReloadingOptions
  readonly #queue = new SerialQueue()
  #told = ''

  constructor(options: ReloadingOptions) {
    this.#options = options
  }

  /** One after the other, however fast they are asked for. @throws INVALID_INPUT with the line that is wrong */
  reload(): Promise<Reloaded> {
    return this.#queue.run(() => this.#reload())
  }

  async #reload(): Promise<Reloaded> {
    const { live, load, logger } = this.#options
    let done: Reloaded
    try {
      done = await live.replace(await load())
    } catch (cause) {
      const error = HyperletterError.from(cause)
      const { code, message } = error
      logger.error({ code }, `the configuration was not read again: ${message}`)
      throw error
    }
    logger.info({ settings: done.applied }, 'the configuration was read again')
    this.#tellOnce(done.restart)
    return done
  }

  // Whoever reloads every hour need not hear of the same setting every hour.
  #tellOnce(restart: Reloaded['restart']): void {
    const names = restart.join(', ')
    if (names !== '' && names !== this.#told) {
      this.#options.logger.warn({ settings: restart }, `changes with the next start: ${names}`)
    }
    this.#told = names
  }
}
