import type { Connection } from 'hyperswarm'
import { SUBPROTOCOL } from '../../peers/web/socket-stream.ts'
import { connect, onWrongBlock, type Shared } from './connection.ts'

/** Gateways that are connected at the same time. */
const AT_ONCE = 3

const LOOK_EVERY_MS = 500

const HANDSHAKE_MS = 10_000

/** After a connection that ended; doubled each time, until one lasted. */
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 60_000

/** After a block that the key did not sign; six times as long each time, as with mirrors. */
const WRONG_PAUSE_MS = 10 * 60_000
const WRONG_GROWTH = 6

interface Gateway {
  readonly address: string
  connection: Connection | undefined
  isDialed: boolean
  failures: number
  wrongs: number
  /** By `performance.now`. */
  notBefore: number
}

export interface GatewayEvents {
  /** A gateway has proved its key. @param address of its WebSocket. */
  readonly onOpen: (connection: Connection, address: string) => void
  readonly onChange: () => void
}

/** The connections of a tab to gateways, over which it replicates one log. */
export class Gateways {
  readonly #shared: Shared
  readonly #events: GatewayEvents
  readonly #known: readonly Gateway[]
  readonly #stop: () => void
  readonly #timer: ReturnType<typeof setInterval>

  /**
   * Begins to dial.
   * @param addresses of WebSockets, best first.
   */
  constructor(shared: Shared, addresses: readonly string[], events: GatewayEvents) {
    this.#shared = shared
    this.#events = events
    this.#known = addresses.map((address) => ({
      address,
      connection: undefined,
      isDialed: false,
      failures: 0,
      wrongs: 0,
      notBefore: 0,
    }))
    this.#stop = onWrongBlock(shared.log, (publicKey) => {
      const id = String(publicKey)
      const from = this.#known.find((it) => String(it.connection?.remotePublicKey) === id)
      if (from !== undefined) this.#refuse(from)
    })
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS)
    this.#look()
  }

  get connected(): number {
    return this.#known.filter((it) => it.connection !== undefined).length
  }

  /** Addresses of those that were put aside because of what they sent. */
  get refused(): readonly string[] {
    return this.#known.filter((it) => it.wrongs > 0).map((it) => it.address)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#stop()
    for (const it of this.#known) {
      it.notBefore = Infinity
      it.connection?.destroy()
    }
  }

  #look(): void {
    const now = performance.now()
    for (const it of this.#known) {
      if (this.#known.filter((other) => other.isDialed).length >= AT_ONCE) return
      if (!it.isDialed && it.notBefore <= now) this.#dial(it)
    }
  }

  #dial(gateway: Gateway): void {
    gateway.isDialed = true
    const socket = new WebSocket(gateway.address, SUBPROTOCOL)
    socket.binaryType = 'arraybuffer'
    connect(socket, {
      ...this.#shared,
      isInitiator: true,
      deadlineMs: HANDSHAKE_MS,
      onOpen: (connection) => {
        if (gateway.notBefore === Infinity) return false
        gateway.connection = connection
        gateway.failures = 0
        this.#events.onOpen(connection, gateway.address)
        this.#events.onChange()
        return true
      },
      onClose: () => {
        gateway.isDialed = false
        gateway.connection = undefined
        const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** gateway.failures, LONGEST_PAUSE_MS)
        gateway.failures++
        const soonest = performance.now() + pauseMs * (0.5 + Math.random())
        gateway.notBefore = Math.max(gateway.notBefore, soonest)
        this.#events.onChange()
      },
      onMisdeed: () => this.#refuse(gateway),
    })
  }

  #refuse(gateway: Gateway): void {
    gateway.notBefore = performance.now() + WRONG_PAUSE_MS * WRONG_GROWTH ** gateway.wrongs
    gateway.wrongs++
    gateway.connection?.destroy(new Error('It sent what the author did not sign.'))
  }
}
