import crypto, { type KeyPair } from 'hypercore-crypto'
import { HyperletterError } from '../../errors.ts'
import type { Dht } from '../../peers/dht.ts'
import type { Network } from './network.ts'
import type { EarlyDht } from './early-dht.ts'

export interface NetworkSessionOptions {
  /** For the first network; closed with this. */
  readonly early: EarlyDht
  /** Opens the network, under the usual key of this device when none is given. */
  readonly goOnline: (dht: Dht | undefined, keyPair: KeyPair | undefined) => Promise<Network>
}

/** This device on the network: not before somebody needs it, and then until `close`. */
export class NetworkSession {
  readonly #goOnline: NetworkSessionOptions['goOnline']
  readonly #early: EarlyDht
  #network: Promise<Network> | undefined
  #isClosing = false

  constructor({ early, goOnline }: NetworkSessionOptions) {
    this.#early = early
    this.#goOnline = goOnline
  }

  /** The network, if it was needed already. */
  get network(): Promise<Network> | undefined {
    return this.#network
  }

  /** Goes online if that has not happened yet. Waits for nobody. @throws ABORTED while it closes */
  begin(): Promise<Network> {
    if (this.#isClosing) {
      return Promise.reject(new HyperletterError('ABORTED', 'The engine is closing.'))
    }
    this.#network ??= this.#open(undefined)
    return this.#network
  }

  /**
   * Runs work while this device is not on the network; whoever wants to be waits. After it the device is
   * online, under a key that no peer has turned away before.
   */
  async apart<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#network
    let release: ((network: Promise<Network>) => void) | undefined
    this.#network = new Promise((resolve) => (release = resolve))
    try {
      await (await before)?.close()
      return await work()
    } finally {
      release?.(this.#open(crypto.keyPair()))
    }
  }

  /** From now on nobody goes online. */
  end(): void {
    this.#isClosing = true
  }

  async close(): Promise<void> {
    this.end()
    try {
      await (await this.#network)?.close()
    } finally {
      await this.#early.close()
    }
  }

  async #open(keyPair: KeyPair | undefined): Promise<Network> {
    const dht = this.#early.take()
    try {
      return await this.#goOnline(dht, keyPair)
    } catch (error) {
      await dht?.destroy({ force: true })
      throw error
    }
  }
}
