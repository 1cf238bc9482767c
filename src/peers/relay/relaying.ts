import HyperDHT from 'hyperdht'
import type { Connection } from 'hyperswarm'
import Protomux from 'protomux'
import { short, type Logger } from '../../logger.ts'
import { hex } from '../../hex.ts'
import type { ConnectionSet } from '../connection-set.ts'
import type { Dht, KeyPair } from '../dht.ts'
import type { PatchedHyperswarm } from '../patched-hyperswarm.ts'
import { isReplicating, type OnMisdeed } from '../peer-protocol.ts'
import { HandshakeForwarding } from './handshake-forwarding.ts'
import { RelayServer, type RelayFacts } from './relay-server.ts'
import { Relays, type RelayOffer } from './relays.ts'

export interface RelaySettings {
  readonly relayOffer?: boolean | undefined
  /** Devices, by their public keys in hex, whose relays serve for all newsletters. */
  readonly relayUse?: readonly string[] | undefined
  /** No peer learns the address of this device, except those of `relayUse`. */
  readonly hideAddress?: boolean | undefined
  readonly onRelayOffer?: (() => void) | undefined
}

export interface RelayingOptions extends RelaySettings {
  readonly swarm: PatchedHyperswarm
  readonly dht: Dht
  /** Of this device. */
  readonly keyPair: KeyPair
  readonly connections: Pick<ConnectionSet, 'connectionTo' | 'uploadLimit'>
  readonly onMisdeed: OnMisdeed
  readonly logger: Logger
}

export interface RelayingFacts {
  /** What was relayed for others; absent where this device relays nothing. */
  readonly given?: RelayFacts
  /** Whether peers are told of the relay now. */
  readonly isOffered: boolean
  readonly isHidden: boolean
  /** Whether there is a relay to use. */
  readonly isReady: boolean
  /** Public keys in hex of the devices through whose relays connections run, one for each. */
  readonly through: readonly string[]
}

/** Its relay has a key of its own: under the key of the device calls are for its newsletters. */
const KEY_DOMAIN = Buffer.from('hyperletter/1/relay')

/** Both sides of relaying: the relays that this device uses, and what it does for others. */
export class Relaying {
  readonly #options: RelayingOptions
  readonly relays: Relays
  readonly #server: RelayServer | undefined
  readonly #forwarding: HandshakeForwarding

  constructor(options: RelayingOptions) {
    const { swarm, dht, keyPair, onMisdeed, logger } = options
    const { relayOffer = false, relayUse: use = [], hideAddress: isHidden = false } = options
    this.#options = options
    this.relays = new Relays(swarm, dht, { use, isHidden })
    dht.paths = this.relays
    this.#forwarding = new HandshakeForwarding({
      dht,
      onMisdeed,
      mayForward: (from, to) =>
        this.#server?.offer !== undefined && this.#isMember(from) && this.#isMember(to),
    })
    this.relays.forward = (...dial) => this.#forwarding.forward(...dial)
    // Who hides cannot be called.
    if (!relayOffer || isHidden) return
    const seed = HyperDHT.hash(Buffer.concat([KEY_DOMAIN, keyPair.secretKey.subarray(0, 32)]))
    this.#server = new RelayServer({
      dht,
      keyPair: HyperDHT.keyPair(seed),
      isMember: (peer) => this.#isMember(peer),
      uploadLimit: () => options.connections.uploadLimit,
      onMisdeed,
      onChange: () => options.onRelayOffer?.(),
      logger,
    })
    this.#server.listen().catch((err: unknown) => {
      logger.warn({ err: String(err) }, 'the relay is not announced')
    })
  }

  /** What peers are told; undefined where this device relays nothing now. */
  get offer(): RelayOffer | undefined {
    return this.#server?.offer
  }

  /** The device through whose relay a connected peer is reached, both by their public keys in hex. */
  throughFor(peer: Uint8Array): string | undefined {
    const connection = this.#options.connections.connectionTo(hex(peer))
    return connection && this.relays.relayOf(connection)
  }

  attach(connection: Connection): void {
    this.#forwarding.attach(Protomux.from(connection))
    const by = this.relays.relayOf(connection)
    if (by === undefined) return
    const peer = short(hex(connection.remotePublicKey))
    this.#options.logger.debug({ peer, by: short(by) }, 'connected through a relay')
  }

  facts(): RelayingFacts {
    const given = this.#server?.facts()
    return {
      ...(given && { given }),
      isOffered: this.offer !== undefined,
      isHidden: this.relays.isHidden,
      isReady: this.relays.isReady,
      through: [...this.#options.swarm.connections].flatMap((it) => this.relays.relayOf(it) ?? []),
    }
  }

  async close(): Promise<void> {
    this.relays.close()
    this.#forwarding.close()
    await this.#server?.close()
  }

  #isMember(peer: Uint8Array): boolean {
    const connection = this.#options.connections.connectionTo(hex(peer))
    return connection !== undefined && isReplicating(Protomux.from(connection))
  }
}
