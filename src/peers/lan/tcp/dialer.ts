import { connect, type Socket } from 'node:net'
import type { KeyPair } from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import type { Address } from '../../../config/config.ts'
import { short, type Logger } from '../../../logger.ts'
import { shakeHands } from './handshake.ts'

export interface DialerOptions {
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

/** Whoever says to be a peer, from several addresses, delays it by so many deadlines at most. */
const MAX_CALLS_OF_PEER = 3

/** An address that failed is not called again for so long, then twice as long: a firewall mostly stays. */
const FIRST_AVOID_MS = 30_000
const LONGEST_AVOID_MS = 10 * 60_000

/** What ends sooner after it began does not work either. */
const LEAST_LIFE_MS = 10_000

/** Addresses that are remembered for that. */
const MAX_AVOIDED = 256

/** Calls peers in the same local network over TCP, and those that cannot be reached so not again and again. */
export class Dialer {
  readonly #options: DialerOptions
  readonly #now: () => number
  readonly #sockets = new Set<Socket>()
  /** Peer in hex → its calls by address, which wait for each other: of two at a time each side might keep another. */
  readonly #calls = new Map<string, Map<string, Promise<boolean>>>()
  /** Peer and address → until when it is not called, and how long that is. */
  readonly #avoided = new Map<string, { readonly until: number; readonly forMs: number }>()
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
    const calls = this.#calls.get(peer) ?? new Map<string, Promise<boolean>>()
    const same = calls.get(place)
    if (same !== undefined) return same
    if (calls.size >= MAX_CALLS_OF_PEER || this.#count >= MAX_CALLS) {
      return this.#options.isConnected(peer)
    }
    const before = [...calls.values()].at(-1)
    const call = (async () => {
      await before
      return this.#try(peer, place, address, onLost)
    })()
    this.#calls.set(peer, calls.set(place, call))
    try {
      return await call
    } finally {
      calls.delete(place)
      if (calls.size === 0) this.#calls.delete(peer)
    }
  }

  /** Ends what it connected, too. */
  close(): void {
    this.#isClosed = true
    for (const socket of this.#sockets) socket.destroy()
  }

  get #count(): number {
    return [...this.#calls.values()].reduce((sum, it) => sum + it.size, 0)
  }

  async #try(
    peer: string,
    place: string,
    { host, port }: Address,
    onLost: () => void,
  ): Promise<boolean> {
    const { keyPair, logger, isConnected, onConnection } = this.#options
    if (isConnected(peer)) return true
    if (this.#isClosed || this.#isAvoided(place)) return false
    const socket = connect({ host, port, noDelay: true })
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const remotePublicKey = Buffer.from(peer, 'hex')
    try {
      const options = { keyPair, remotePublicKey, deadlineMs: DEADLINE_MS }
      const connection = await shakeHands(socket, options)
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
    return this.#now() < (this.#avoided.get(place)?.until ?? -Infinity)
  }

  #avoid(place: string): void {
    const before = this.#avoided.get(place)
    const forMs =
      before === undefined ? FIRST_AVOID_MS : Math.min(2 * before.forMs, LONGEST_AVOID_MS)
    // Moved to the end: the map is in the order of the last failures.
    this.#avoided.delete(place)
    this.#avoided.set(place, { until: this.#now() + forMs, forMs })
    const [oldest] = this.#avoided.keys()
    if (oldest !== undefined && this.#avoided.size > MAX_AVOIDED) this.#avoided.delete(oldest)
  }
}
