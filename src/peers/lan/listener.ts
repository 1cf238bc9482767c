import { createServer, type Server, type Socket } from 'node:net'
import type { Connection } from 'hyperswarm'
import { codeOf } from '../../errors.ts'
import type { Logger } from '../../logger.ts'
import type { KeyPair } from '../reannouncing-dht.ts'
import { handshake } from './handshake.ts'
import { isOnInterface, type NetworkInterface } from './multicast.ts'

export interface ListenerOptions {
  readonly keyPair: KeyPair
  /** Address to listen at; all when absent. */
  readonly host: string | undefined
  /** Used if it is free; any other when absent. */
  readonly port: number | undefined
  /** The networks of this device, now: no other peer is answered. */
  readonly interfaces: () => readonly NetworkInterface[]
  readonly logger: Logger
  /** A peer dialed, and proved its key. */
  readonly onConnection: (connection: Connection, socket: Socket) => void
  /** How long a handshake may take. */
  readonly deadlineMs?: number
}

/** Enough for a mesh in one network; later peers connect over UDP. */
const MAX_SOCKETS = 128

/** Sockets from one address: several people on one machine, or some tries of one. */
const MAX_SOCKETS_OF_ADDRESS = 8

const DEADLINE_MS = 3_000

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
    const { keyPair, logger, onConnection, deadlineMs = DEADLINE_MS } = this.#options
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
