import type { IncomingMessage } from 'node:http'
import { isIPv6 } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Connection } from 'hyperswarm'
import Protomux from 'protomux'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Logger } from '../../logger.ts'
import type { KeyPair } from '../dht.ts'
import { handshake } from '../lan/handshake.ts'
import { isReplicating } from '../peer-protocol.ts'
import { SocketStream, SUBPROTOCOL } from './socket-stream.ts'

export interface TabListenerOptions {
  /** By which tabs know this device: Noise XX shows it to everybody, so it is another one than peers know. */
  readonly keyPair: KeyPair
  readonly maxTabs: number
  readonly logger: Logger
  /** A tab proved its key. Gives whether it is let in; the connection ends if not. */
  readonly onTab: (connection: Connection) => Promise<boolean>
  /** For handshakes, and then until a tab opens a newsletter; in milliseconds. */
  readonly deadlines?: { readonly handshakeMs: number; readonly useMs: number }
}

const DEADLINES = { handshakeMs: 3_000, useMs: 10_000 }

/** Handshakes at a time; the oldest makes room for a new one. */
const MAX_HANDSHAKES = 128

/** Connections of one address: some tabs of several people behind one router. */
const MAX_OF_ADDRESS = 8

/** Longest message of a WebSocket. It is collected in memory; ours have 64 KiB. */
const MAX_MESSAGE_BYTES = 1_024 * 1_024

/** How often tabs are asked whether they are there. Browsers answer by themselves. */
const PING_EVERY_MS = 30_000

interface Guest {
  readonly address: string
  /** Undefined while it has not proved its key. */
  connection?: Connection
  hasAnswered: boolean
}

/**
 * Lets browser tabs in over WebSockets. What a stranger can take up is a few sockets for a few seconds, and a tab that
 * opens no newsletter is shown out.
 */
export class TabListener {
  readonly #options: TabListenerOptions
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  readonly #guests = new Map<WebSocket, Guest>()
  readonly #timer: NodeJS.Timeout
  #sentBytes = 0

  constructor(options: TabListenerOptions) {
    this.#options = options
    this.#server.on('wsClientError', (_, socket) => socket.destroy())
    this.#timer = setInterval(() => this.#ping(), PING_EVERY_MS).unref()
  }

  /** Tabs that have proved their keys. */
  get tabs(): number {
    return this.#connections.length
  }

  /** Bytes sent to tabs since the start. */
  get sentBytes(): number {
    return this.#connections.reduce((sum, it) => sum + it.rawBytesWritten, this.#sentBytes)
  }

  /**
   * Takes a request for a WebSocket over, or turns it away.
   * @param address of whoever asks, for the limit of one address.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, address: string): void {
    socket.on('error', () => socket.destroy())
    const network = networkOf(address)
    const ofNetwork = [...this.#guests.values()].filter((it) => it.address === network).length
    const offered = request.headers['sec-websocket-protocol'] ?? ''
    if (ofNetwork >= MAX_OF_ADDRESS) refuseUpgrade(socket, '429 Too Many Requests')
    else if (this.tabs >= this.#options.maxTabs) refuseUpgrade(socket, '503 Service Unavailable')
    else if (!offered.split(/\s*,\s*/).includes(SUBPROTOCOL))
      refuseUpgrade(socket, '400 Bad Request')
    else {
      this.#server.handleUpgrade(request, socket, head, (it) => void this.#answer(it, network))
    }
  }

  close(): void {
    clearInterval(this.#timer)
    for (const socket of this.#guests.keys()) socket.terminate()
    this.#server.close()
  }

  get #connections(): Connection[] {
    return [...this.#guests.values()].flatMap(({ connection }) => connection ?? [])
  }

  async #answer(socket: WebSocket, address: string): Promise<void> {
    const { keyPair, logger, onTab, maxTabs, deadlines = DEADLINES } = this.#options
    this.#makeRoom()
    const guest: Guest = { address, hasAnswered: true }
    this.#guests.set(socket, guest)
    socket.once('close', () => this.#left(socket, guest))
    socket.on('pong', () => (guest.hasAnswered = true))
    const stream = new SocketStream(socket)
    try {
      const connection = await handshake(stream as unknown as Duplex, {
        keyPair,
        pattern: 'XX',
        deadlineMs: deadlines.handshakeMs,
      })
      if (this.tabs >= maxTabs || !this.#guests.has(socket)) {
        connection.on('error', () => undefined)
        connection.destroy()
        return
      }
      guest.connection = connection
      if (!(await onTab(connection)) || connection.destroying) return
      const timer = setTimeout(() => {
        if (!isReplicating(Protomux.from(connection))) connection.destroy()
      }, deadlines.useMs)
      connection.once('close', () => clearTimeout(timer))
    } catch (error) {
      stream.destroy()
      logger.debug({ err: String(error) }, 'no handshake with a tab')
    }
  }

  #left(socket: WebSocket, { connection }: Guest): void {
    this.#guests.delete(socket)
    this.#sentBytes += connection?.rawBytesWritten ?? 0
  }

  #makeRoom(): void {
    const strangers = [...this.#guests].filter(([, { connection }]) => connection === undefined)
    const [oldest] = strangers
    if (strangers.length >= MAX_HANDSHAKES && oldest !== undefined) oldest[0].terminate()
  }

  #ping(): void {
    for (const [socket, guest] of this.#guests) {
      // What is not read has no answers either.
      if (socket.isPaused) continue
      if (!guest.hasAnswered) socket.terminate()
      guest.hasAnswered = false
      socket.ping()
    }
  }
}

/** The part of an address that a person or household has: of IPv6 the first 64 bits. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:/i, '')
  if (!isIPv6(plain)) return plain
  const [before = '', after] = plain.replace(/%.*$/, '').split('::')
  const parts = (text: string | undefined) => (text ? text.split(':') : [])
  const [head, tail] = [parts(before), parts(after)]
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length
  const all = [...head, ...Array.from({ length: Math.max(0, zeros) }, () => '0'), ...tail]
  return all
    .slice(0, 4)
    .map((it) => Number.parseInt(it, 16).toString(16))
    .join(':')
}

/** Answers a request for a WebSocket that is turned away, and does not wait for the other side to hang up. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
