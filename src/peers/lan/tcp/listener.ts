import { createServer, type Server, type Socket } from 'node:net'
import type { KeyPair } from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import { codeOf } from '../../../errors.ts'
import type { Logger } from '../../../logger.ts'
import { isOnInterface, type NetworkInterface } from '../links.ts'
import { shakeHands } from './handshake.ts'

export interface ListenerOptions {
  readonly keyPair: KeyPair
  /** Address to listen at; all when absent. */
  readonly host: string | undefined
  /** Taken if it is free; any other when absent. */
  readonly port: number | undefined
  /** The networks of this device, now: nobody else is answered. */
  readonly links: () => readonly NetworkInterface[]
  readonly logger: Logger
  /** Somebody called, and proved its key. */
  readonly onConnection: (connection: Connection, socket: Socket) => void
  /** How long a caller may take to prove who it is. */
  readonly deadlineMs?: number
}

/** Enough for a mesh in one room; who comes later is met over UDP. */
const MAX_CALLERS = 128

/** Callers at one address: several people on one machine, or some tries of one. */
const MAX_CALLERS_OF_ADDRESS = 8

const DEADLINE_MS = 3_000

/** Listens for peers in the same local network. What strangers can take up is a few sockets for a few seconds. */
export class Listener {
  readonly #options: ListenerOptions
  readonly #server: Server
  /** Those that have not been answered yet, too. */
  readonly #callers = new Map<Socket, string>()
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

  /** Ends what it let in, too. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#callers.keys()) socket.destroy()
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
    if (address === undefined || !this.#mayCall(address)) {
      socket.destroy()
      return
    }
    this.#callers.set(socket, address)
    socket.once('close', () => this.#callers.delete(socket))
    void this.#answer(socket)
  }

  async #answer(socket: Socket): Promise<void> {
    const { keyPair, logger, onConnection, deadlineMs = DEADLINE_MS } = this.#options
    try {
      socket.setNoDelay(true)
      onConnection(await shakeHands(socket, { keyPair, deadlineMs }), socket)
    } catch (error) {
      logger.debug({ err: String(error) }, 'a caller in the local network is nobody')
    }
  }

  #mayCall(address: string): boolean {
    const callers = [...this.#callers.values()]
    const ofAddress = callers.filter((it) => it === address)
    const isFull = callers.length >= MAX_CALLERS || ofAddress.length >= MAX_CALLERS_OF_ADDRESS
    return !isFull && isOnInterface(address, this.#options.links())
  }
}
