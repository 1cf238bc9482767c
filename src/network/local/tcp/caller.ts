import { connect, type Socket } from 'node:net'
import type { KeyPair } from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import type { Address } from '../../../config/config.ts'
import { short, type Logger } from '../../../logger.ts'
import { shakeHands } from './handshake.ts'

export interface CallerOptions {
  readonly keyPair: KeyPair
  readonly logger: Logger
  /** Whether there is a connection over TCP to a peer, by its key in hex. */
  readonly isConnected: (peer: string) => boolean
  readonly onConnection: (connection: Connection, socket: Socket) => void
  /** Milliseconds of a clock that does not go back. */
  readonly now?: () => number
}

/** To connect and to prove who is there: in one room it takes a few milliseconds. */
const DEADLINE_MS = 1_000

/** Calls that are under way or wait for one to the same peer; those beyond are not made. */
const MAX_CALLS = 32

/** An address that failed is not called again for so long: a firewall mostly stays. */
const AVOID_MS = 10 * 60_000

/** What ends sooner after it began does not work either. */
const LEAST_LIFE_MS = 10_000

/** Addresses that are remembered for that. */
const MAX_FAILED = 256

/** Calls peers in the same local network over TCP, and those that cannot be reached so not again and again. */
export class Caller {
  readonly #options: CallerOptions
  readonly #now: () => number
  readonly #calls = new Set<Socket>()
  /** Peer in hex → its last call. Of two at a time the two sides might each keep another one. */
  readonly #last = new Map<string, Promise<boolean>>()
  /** Peer and address → when that failed. */
  readonly #failed = new Map<string, number>()
  #count = 0
  #isClosed = false

  constructor(options: CallerOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /**
   * Connects to a peer if there is no connection over TCP to it. Gives whether there is one; never rejects.
   * @param onLost called when the connection that was made ends after it had been there for a while.
   */
  async call(publicKey: Uint8Array, address: Address, onLost: () => void): Promise<boolean> {
    const peer = Buffer.from(publicKey).toString('hex')
    if (this.#count >= MAX_CALLS) return this.#options.isConnected(peer)
    this.#count++
    const before = this.#last.get(peer)
    const call = (async () => {
      await before
      return this.#try(peer, address, onLost)
    })()
    this.#last.set(peer, call)
    const isConnected = await call
    this.#count--
    if (this.#last.get(peer) === call) this.#last.delete(peer)
    return isConnected
  }

  /** Ends what it connected, too. */
  close(): void {
    this.#isClosed = true
    for (const socket of this.#calls) socket.destroy()
  }

  async #try(peer: string, { host, port }: Address, onLost: () => void): Promise<boolean> {
    const { keyPair, logger, isConnected, onConnection } = this.#options
    const place = `${peer}@${host}:${port}`
    if (isConnected(peer)) return true
    if (this.#isClosed || this.#isAvoided(place)) return false
    const socket = connect({ host, port, noDelay: true })
    this.#calls.add(socket)
    socket.once('close', () => this.#calls.delete(socket))
    const remotePublicKey = Buffer.from(peer, 'hex')
    try {
      const options = { keyPair, remotePublicKey, deadlineMs: DEADLINE_MS }
      const connection = await shakeHands(socket, options)
      const begunAt = this.#now()
      const ended = () => {
        if (this.#isClosed || isConnected(peer)) return
        if (this.#now() - begunAt >= LEAST_LIFE_MS) onLost()
        else this.#avoid(place)
      }
      // After all others have heard of it, and one that takes its place is there.
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
    return this.#now() - (this.#failed.get(place) ?? -Infinity) < AVOID_MS
  }

  #avoid(place: string): void {
    this.#failed.delete(place)
    this.#failed.set(place, this.#now())
    const [oldest] = this.#failed.keys()
    if (oldest !== undefined && this.#failed.size > MAX_FAILED) this.#failed.delete(oldest)
  }
}
