import { connect, createServer, type Socket, type Server } from 'node:net'
import type { Connection } from 'hyperswarm'
import type { Address } from '../../config/config.ts'
import { short, type Logger } from '../../logger.ts'
import type { KeyPair } from '../dht.ts'
import { LRUCache } from 'lru-cache'
import { handshake } from './handshake.ts'
import { codeOf } from '../../errors.ts'
import { isOnInterface, type NetworkInterface } from './multicast.ts'

/** What both ends of connections over TCP have. */
interface TcpOptions {
  readonly keyPair: KeyPair
  readonly logger: Logger
  /** A peer proved its key. */
  readonly onConnection: (connection: Connection, socket: Socket) => void
}

export interface DialerOptions extends TcpOptions {
  /** Whether there is a connection over TCP to a peer, by its key in hex. */
  readonly isConnected: (peer: string) => boolean
  /** Milliseconds of a clock that does not go back. */
  readonly now?: () => number
}

/** For the connection and the handshake: in a local network they take a few milliseconds. */
const DIAL_DEADLINE_MS = 1_000

/** Dials under way, or waiting for one of the same peer; those beyond are not made. */
const MAX_DIALS = 32

/** An impostor that claims a peer's key from several addresses delays it by this many deadlines at most. */
const MAX_DIALS_OF_PEER = 3

/** How long an address that failed is not dialed, then twice as long: a firewall mostly stays. */
const FIRST_AVOID_MS = 30_000
const LONGEST_AVOID_MS = 10 * 60_000

/** A connection that ends sooner counts as failed. */
const LEAST_LIFE_MS = 10_000

/** Addresses that are remembered for that. */
const MAX_AVOIDED = 256

/** Dials peers in the same local network over TCP, and avoids addresses where that fails. */
export class Dialer {
  readonly #options: DialerOptions
  readonly #now: () => number
  readonly #sockets = new Set<Socket>()
  /** Peer in hex → its dials by address, one after the other: of two at a time each side might keep another one. */
  readonly #dials = new Map<string, Map<string, Promise<boolean>>>()
  /** Peer and address → until when it is not dialed, and how long that is. */
  readonly #avoided = new LRUCache<string, { readonly until: number; readonly forMs: number }>({
    max: MAX_AVOIDED,
  })
  #isClosed = false

  constructor(options: DialerOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /**
   * Connects to a peer if there is no connection over TCP to it. Gives whether there is one; never rejects.
   * @param onLost called when the connection that was made ends after it had been there for a while.
   */
  async dial(publicKey: Uint8Array, address: Address, onLost: () => void): Promise<boolean> {
    const peer = Buffer.from(publicKey).toString('hex')
    const place = `${peer}@${address.host}:${address.port}`
    const dials = this.#dials.get(peer) ?? new Map<string, Promise<boolean>>()
    const same = dials.get(place)
    if (same !== undefined) return same
    if (dials.size >= MAX_DIALS_OF_PEER || this.#count >= MAX_DIALS) {
      return this.#options.isConnected(peer)
    }
    const before = [...dials.values()].at(-1)
    const dial = (async () => {
      await before
      return this.#try(peer, place, address, onLost)
    })()
    this.#dials.set(peer, dials.set(place, dial))
    try {
      return await dial
    } finally {
      dials.delete(place)
      if (dials.size === 0) this.#dials.delete(peer)
    }
  }

  /** Ends what it connected, too. */
  close(): void {
    this.#isClosed = true
    for (const socket of this.#sockets) socket.destroy()
  }

  get #count(): number {
    return [...this.#dials.values()].reduce((sum, it) => sum + it.size, 0)
  }

  async #try(peer: string, place: string, address: Address, onLost: () => void): Promise<boolean> {
    const { host, port } = address
    const { keyPair, logger, isConnected, onConnection } = this.#options
    if (isConnected(peer)) return true
    if (this.#isClosed || this.#isAvoided(place)) return false
    const socket = connect({ host, port, noDelay: true })
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const remotePublicKey = Buffer.from(peer, 'hex')
    try {
      const options = { keyPair, remotePublicKey, deadlineMs: DIAL_DEADLINE_MS }
      const connection = await handshake(socket, options)
      const begunAt = this.#now()
      const ended = () => {
        if (this.#isClosed || isConnected(peer)) return
        if (this.#now() - begunAt < LEAST_LIFE_MS) {
          this.#avoid(place)
          return
        }
        this.#avoided.delete(place)
        onLost()
      }
      // After all other listeners, and after the connection that replaces it.
      connection.once('close', () => queueMicrotask(ended))
      onConnection(connection, socket)
      return true
    } catch (error) {
      logger.debug({ peer: short(peer), err: String(error) }, 'not reached over TCP')
      this.#avoid(place)
      return false
    }
  }

  #isAvoided(place: string): boolean {
    return this.#now() < (this.#avoided.get(place)?.until ?? -Infinity)
  }

  #avoid(place: string): void {
    const before = this.#avoided.get(place)
    const forMs =
      before === undefined ? FIRST_AVOID_MS : Math.min(2 * before.forMs, LONGEST_AVOID_MS)
    this.#avoided.set(place, { until: this.#now() + forMs, forMs })
  }
}

export interface ListenerOptions extends TcpOptions {
  /** Address to listen at; all when absent. */
  readonly host: string | undefined
  /** Used if it is free; any other when absent. */
  readonly port: number | undefined
  /** The networks of this device, now: no other peer is answered. */
  readonly interfaces: () => readonly NetworkInterface[]
  readonly deadlineMs?: number
}

/** Enough for a mesh in one network; later peers connect over UDP. */
const MAX_SOCKETS = 128

/** Sockets from one address: several people on one machine, or some tries of one. */
const MAX_SOCKETS_OF_ADDRESS = 8

const CALL_DEADLINE_MS = 3_000

/** Listens for peers in the same local network. What strangers can take up is a few sockets for a few seconds. */
export class Listener {
  readonly #options: ListenerOptions
  readonly #server: Server
  /** By address; those in their handshake, too. */
  readonly #sockets = new Map<Socket, string>()
  #isOnAnyPort = false

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#isOnAnyPort = options.port === undefined
    this.#server = createServer((socket) => this.#onSocket(socket))
    this.#server.on('error', (error) => this.#onError(error))
    this.#listen(options.port)
  }

  /** Undefined while it does not listen. */
  get port(): number | undefined {
    const address = this.#server.address()
    return address === null || typeof address === 'string' ? undefined : address.port
  }

  /** Ends the connections that it accepted, too. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets.keys()) socket.destroy()
    await closed
  }

  #listen(port = 0): void {
    this.#server.listen({ host: this.#options.host ?? '0.0.0.0', port })
  }

  #onError(error: Error): void {
    if (codeOf(error) === 'EADDRINUSE' && !this.#isOnAnyPort) {
      this.#isOnAnyPort = true
      this.#listen()
      return
    }
    this.#options.logger.debug({ err: error.message }, 'no TCP in the local network')
  }

  #onSocket(socket: Socket): void {
    const address = socket.remoteAddress
    if (address === undefined || !this.#mayConnect(address)) {
      socket.destroy()
      return
    }
    this.#sockets.set(socket, address)
    socket.once('close', () => this.#sockets.delete(socket))
    void this.#answer(socket)
  }

  async #answer(socket: Socket): Promise<void> {
    const { keyPair, logger, onConnection, deadlineMs = CALL_DEADLINE_MS } = this.#options
    try {
      socket.setNoDelay(true)
      onConnection(await handshake(socket, { keyPair, deadlineMs }), socket)
    } catch (error) {
      logger.debug({ err: String(error) }, 'no handshake in the local network')
    }
  }

  #mayConnect(address: string): boolean {
    const all = [...this.#sockets.values()]
    const ofAddress = all.filter((it) => it === address)
    const isFull = all.length >= MAX_SOCKETS || ofAddress.length >= MAX_SOCKETS_OF_ADDRESS
    return !isFull && isOnInterface(address, this.#options.interfaces())
  }
}
