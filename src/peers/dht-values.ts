import type HyperDHT from 'hyperdht'
import { withinMs } from '../async.ts'
import type { Logger } from '../logger.ts'
import type { KeyPair } from './dht.ts'

const DEADLINE_MS = 10_000

/** What the DHT holds under a public key; its nodes keep the value of the highest `seq`. */
export interface DhtValue {
  readonly value: Uint8Array
  readonly seq: number
}

/** Small signed values in the DHT. */
export class DhtValues {
  readonly #dht: HyperDHT
  readonly #logger: Logger

  constructor(dht: HyperDHT, logger: Logger) {
    this.#dht = dht
    this.#logger = logger
  }

  /**
   * Puts a value under a public key. A later one has a higher `seq`.
   * @returns whether nodes took it in time.
   */
  async put(keyPair: KeyPair, value: Uint8Array, seq: number): Promise<boolean> {
    // The DHT keeps what it is given until it has sent it, and signs with buffers only.
    const pair = {
      publicKey: Buffer.from(keyPair.publicKey),
      secretKey: Buffer.from(keyPair.secretKey),
    }
    let isStored = false
    const put = this.#dht.mutablePut(pair, Buffer.from(value), { seq }).then(
      ({ closestNodes }) => (isStored = closestNodes.length > 0),
      (error: unknown) => this.#logger.debug({ err: String(error) }, 'no node took a value'),
    )
    await withinMs(DEADLINE_MS, put)
    return isStored
  }

  /** The newest value under a public key, if one is found in time; it is put again, so that it lasts. */
  async get(publicKey: Uint8Array): Promise<DhtValue | undefined> {
    const key = Buffer.from(publicKey)
    let found: DhtValue | undefined
    const get = this.#dht.mutableGet(key).then(
      (it) => (found = it ?? undefined),
      (error: unknown) => this.#logger.debug({ err: String(error) }, 'no value found'),
    )
    await withinMs(DEADLINE_MS, get)
    if (found !== undefined)
      this.#dht.mutableGet(key, { refresh: () => true }).catch(() => undefined)
    return found
  }
}
