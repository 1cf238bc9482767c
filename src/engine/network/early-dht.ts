import type { Config } from '../../config/config.ts'
import { openDht, type Dht } from '../../peers/dht.ts'

/** A node of the DHT that finds its way before there is a network for it. */
export class EarlyDht {
  readonly #config: Config
  #dht: Dht | undefined
  #isClosed = false

  constructor(config: Config) {
    this.#config = config
  }

  /** Opens it, unless it is too late for that. What fails here fails again, and is told, when the network opens one. */
  begin(): void {
    if (this.#isClosed) return
    try {
      this.#dht ??= openDht(this.#config)
    } catch {
      this.#dht = undefined
    }
  }

  /** Hands it over, once; whoever gets it destroys it. */
  take(): Dht | undefined {
    const dht = this.#dht
    this.#dht = undefined
    return dht
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.take()?.destroy({ force: true })
  }
}
