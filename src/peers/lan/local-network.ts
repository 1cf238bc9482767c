import type { Socket } from 'node:net'
import type { KeyPair } from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import type { Address } from '../../config/config.ts'
import type { Logger } from '../../logger.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { LocalDiscovery, type FoundPeer } from './local-discovery.ts'
import { Dialer } from './tcp/dialer.ts'
import { Listener } from './tcp/listener.ts'
import { endWhenSilent } from './tcp/keep-alive.ts'

/** What the swarm does for a room. */
export interface LocalNetworkSwarm {
  /** UDP port; undefined until it is bound. */
  readonly localPort: number | undefined
  /** Connects over UDX, unless there is a connection. */
  addPeer(topic: Uint8Array, publicKey: Uint8Array, address: Address): void
  /** Takes in a connection over TCP, if the peer may be talked to. */
  accept(connection: Connection): void
  /** Whether a peer is to be called over TCP. */
  mayDial(publicKey: Uint8Array): boolean
  isConnectedOverTcp(peer: string): boolean
}

export interface LocalNetworkOptions {
  readonly swarm: LocalNetworkSwarm
  /** Who this device is to its peers. */
  readonly keyPair: KeyPair
  /** Address that is bound; all when absent. */
  readonly host: string | undefined
  /** Taken for TCP, too, if it is set and free. */
  readonly udpPort: number | undefined
  readonly logger: Logger
}

/** A peer that we called over TCP is called again so long after that connection was lost, and a little more. */
const CALL_AGAIN_MS = 1_000

/** Peers in the same local network: finds them, and connects over TCP where that works, else over UDX. */
export class LocalNetwork {
  readonly #options: LocalNetworkOptions
  readonly #listener: Listener
  readonly #caller: Dialer
  readonly #discovery: LocalDiscovery
  readonly #timers = new Set<NodeJS.Timeout>()
  #isClosed = false

  constructor(options: LocalNetworkOptions) {
    const { swarm, keyPair, host, udpPort, logger } = options
    this.#options = options
    this.#listener = new Listener({
      keyPair,
      host,
      port: udpPort,
      links: () => this.#discovery.links,
      logger,
      onConnection: (connection, socket) => this.#takeIn(connection, socket),
    })
    this.#caller = new Dialer({
      keyPair,
      logger,
      isConnected: (peer) => swarm.isConnectedOverTcp(peer),
      onConnection: (connection, socket) => this.#takeIn(connection, socket),
    })
    this.#discovery = new LocalDiscovery({
      publicKey: keyPair.publicKey,
      port: () => swarm.localPort,
      tcpPort: () => this.#listener.port,
      host,
      logger,
      onPeer: (found) => void this.#meet(found),
    })
  }

  /** Tells others near of a newsletter, by its discovery key, and connects to those who have it. */
  add(feedKey: FeedKey, topic: Uint8Array): void {
    this.#discovery.add(feedKey, topic)
  }

  delete(feedKey: FeedKey): void {
    this.#discovery.delete(feedKey)
  }

  /** Ends its connections, too. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#caller.close()
    await Promise.all([this.#listener.close(), this.#discovery.close()])
  }

  async #meet(found: FoundPeer): Promise<void> {
    const { swarm } = this.#options
    const { topic, publicKey, address, tcpPort } = found
    const mayCall = tcpPort !== undefined && swarm.mayDial(publicKey)
    const isConnected = mayCall && (await this.#call(found, tcpPort))
    if (!isConnected && !this.#isClosed) swarm.addPeer(topic, publicKey, address)
  }

  #call(found: FoundPeer, port: number): Promise<boolean> {
    const { host } = found.address
    return this.#caller.dial(found.publicKey, { host, port }, () => this.#callAgain(found))
  }

  #callAgain(found: FoundPeer): void {
    if (this.#isClosed) return
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        void this.#meet(found)
      },
      CALL_AGAIN_MS * (1 + Math.random()),
    )
    timer.unref()
    this.#timers.add(timer)
  }

  #takeIn(connection: Connection, socket: Socket): void {
    endWhenSilent(connection, socket)
    this.#options.swarm.accept(connection)
  }
}
