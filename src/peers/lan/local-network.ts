import type { Socket } from 'node:net'
import type { Connection } from 'hyperswarm'
import type { Logger } from '../../logger.ts'
import { hex } from '../../hex.ts'
import type { KeyPair } from '../dht.ts'
import type { Swarm } from '../swarm.ts'
import { LocalDiscovery, type FoundPeer } from './local-discovery.ts'
import { Dialer, Listener } from './tcp.ts'
import { endWhenSilent } from './handshake.ts'

export interface LocalNetworkOptions {
  readonly swarm: Pick<Swarm, 'localPort' | 'addPeer' | 'accept' | 'mayDial' | 'isConnectedOverTcp'>
  readonly keyPair: KeyPair
  /** Address that is bound; all when absent. */
  readonly host: string | undefined
  /** Used for TCP, too, if it is set and free. */
  readonly udpPort: number | undefined
  readonly logger: Logger
}

/** Least time between the loss of a connection over TCP and the next dial. */
const REDIAL_MS = 1_000

/** Peers that said goodbye and are remembered for that. */
const MAX_GONE = 256

/** Peers in the same local network: finds them, and connects over TCP where that works, else over UDX. */
export class LocalNetwork {
  readonly #options: LocalNetworkOptions
  readonly #listener: Listener
  readonly #dialer: Dialer
  readonly #discovery: LocalDiscovery
  readonly #timers = new Set<NodeJS.Timeout>()
  /** Peers in hex that said goodbye, and were not found since. */
  readonly #gone = new Set<string>()
  #isClosed = false

  constructor(options: LocalNetworkOptions) {
    const { swarm, keyPair, host, udpPort, logger } = options
    this.#options = options
    this.#listener = new Listener({
      keyPair,
      host,
      port: udpPort,
      interfaces: () => this.#discovery.interfaces,
      logger,
      onConnection: (connection, socket) => this.#accept(connection, socket),
    })
    this.#dialer = new Dialer({
      keyPair,
      logger,
      isConnected: (peer) => swarm.isConnectedOverTcp(peer),
      onConnection: (connection, socket) => this.#accept(connection, socket),
    })
    this.#discovery = new LocalDiscovery({
      publicKey: keyPair.publicKey,
      port: () => swarm.localPort,
      tcpPort: () => this.#listener.port,
      host,
      logger,
      onPeer: (found) => {
        this.#gone.delete(hex(found.publicKey))
        void this.#connect(found)
      },
      onGoodbye: (peer) => {
        if (this.#gone.size >= MAX_GONE) this.#gone.clear()
        this.#gone.add(peer)
      },
    })
  }

  /** Announces a topic, and connects to devices nearby that have it. */
  add(topic: Uint8Array): void {
    this.#discovery.add(topic)
  }

  delete(topic: Uint8Array): void {
    this.#discovery.delete(topic)
  }

  /** Ends its connections, too. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#dialer.close()
    await Promise.all([this.#listener.close(), this.#discovery.close()])
  }

  async #connect(found: FoundPeer): Promise<void> {
    const { swarm } = this.#options
    const { topic, publicKey, address, tcpPort } = found
    const mayDial = tcpPort !== undefined && swarm.mayDial(publicKey)
    const isConnected = mayDial && (await this.#dial(found, tcpPort))
    if (!isConnected && !this.#isClosed) swarm.addPeer(topic, publicKey, address)
  }

  #dial(found: FoundPeer, port: number): Promise<boolean> {
    const { host } = found.address
    return this.#dialer.dial(found.publicKey, { host, port }, () => this.#redial(found))
  }

  #redial(found: FoundPeer): void {
    if (this.#isClosed) return
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        // A dial that fails would keep us from dialing it when it is back.
        if (!this.#gone.has(hex(found.publicKey))) void this.#connect(found)
      },
      REDIAL_MS * (1 + Math.random()),
    )
    timer.unref()
    this.#timers.add(timer)
  }

  #accept(connection: Connection, socket: Socket): void {
    endWhenSilent(connection, socket)
    this.#options.swarm.accept(connection)
  }
}
