import type HyperDHT from 'hyperdht'
import { codeOf } from '../../errors.ts'

/** How attempts to connect to peers ended so far. */
export interface AttemptCounts {
  readonly tried: number
  readonly connected: number
  /** By the code of the failure. */
  readonly failed: Readonly<Record<string, number>>
}

/** Codes of the stack are few; whatever a peer may cause beyond that counts together. */
const MAX_CODES = 32

/** Counts how the attempts of a DHT to connect to peers end: the swarm on it does not tell. */
export class DialAttempts {
  readonly #failed = new Map<string, number>()
  #tried = 0
  #connected = 0

  /** @param dht its `connect` is replaced by one that counts. */
  constructor(dht: HyperDHT) {
    const connect = dht.connect.bind(dht)
    dht.connect = (key, options) => {
      const connection = connect(key, options)
      this.#tried++
      let isOpen = false
      connection.once('open', () => {
        isOpen = true
        this.#connected++
      })
      connection.on('error', (error: Error) => {
        if (!isOpen) this.#count(codeOf(error) ?? error.message)
      })
      return connection
    }
  }

  counts(): AttemptCounts {
    return {
      tried: this.#tried,
      connected: this.#connected,
      failed: Object.fromEntries(this.#failed),
    }
  }

  #count(code: string): void {
    const name = this.#failed.has(code) || this.#failed.size < MAX_CODES ? code : 'OTHER'
    this.#failed.set(name, (this.#failed.get(name) ?? 0) + 1)
  }
}
