import SecretStream from '@hyperswarm/secret-stream'
import type { Connection } from 'hyperswarm'
import { codeOf } from '../../errors.ts'
import type { SigningKeyPair } from '../../format/crypto.ts'
import type { HypercoreLog } from '../../log/hypercore-log.ts'
import { keyPairOf } from '../../log/keys.ts'
import { SocketStream, SUBPROTOCOL } from '../../peers/web/socket-stream.ts'
import type { RateLimiter } from '../../rate-limiter.ts'

/** Gateways that are connected at the same time. */
const AT_ONCE = 3

const LOOK_EVERY_MS = 500

/** Until the gateway has proved its key. */
const HANDSHAKE_MS = 10_000

const KEEP_ALIVE_MS = 5_000
const SILENCE_MS = 20_000

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

/** What a stream sends, no faster than a limiter allows. */
class LimitedStream extends SocketStream {
  readonly #limiter: RateLimiter

  constructor(socket: WebSocket, limiter: RateLimiter) {
    super(socket)
    this.#limiter = limiter
  }

  override _write(data: unknown, done: (error: Error | null) => void): void {
    const waitMs = this.#limiter.reserve((data as Uint8Array).byteLength)
    if (waitMs === 0) super._write(data, done)
    else
      setTimeout(() => {
        if (this.destroying) done(new Error('The socket is closed.'))
        else super._write(data, done)
      }, waitMs)
  }
}

/** The connections of a tab to gateways, over which it replicates one log. */
export class Gateways {
  readonly #log: HypercoreLog
  readonly #limiter: RateLimiter
  readonly #onChange: () => void
  readonly #keyPair: SigningKeyPair = keyPairOf()
  readonly #known: readonly Gateway[]
  readonly #stop: () => void
  readonly #timer: ReturnType<typeof setInterval>

  /**
   * Begins to dial.
   * @param addresses of WebSockets, best first.
   * @param limiter of what is sent to all of them, in bytes.
   * @param onChange called when there are more or fewer connections.
   */
  constructor(
    log: HypercoreLog,
    addresses: readonly string[],
    limiter: RateLimiter,
    onChange: () => void,
  ) {
    this.#log = log
    this.#limiter = limiter
    this.#onChange = onChange
    this.#known = addresses.map((address) => ({
      address,
      connection: undefined,
      isDialed: false,
      failures: 0,
      wrongs: 0,
      notBefore: 0,
    }))
    this.#stop = log.events.on('watchers', 'bad-block', (error, peer) => {
      // Not its fault.
      if (codeOf(error) === 'DISK_FULL' || codeOf(error) === 'ABORTED') return
      const id = String(peer.publicKey)
      const from = this.#known.find((it) => String(it.connection?.remotePublicKey) === id)
      if (from === undefined) return
      from.notBefore = performance.now() + WRONG_PAUSE_MS * WRONG_GROWTH ** from.wrongs
      from.wrongs++
      from.connection?.destroy(new Error('It sent what the author did not sign.'))
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
    const raw = new LimitedStream(socket, this.#limiter)
    const stream = new SecretStream(true, raw, { keyPair: this.#keyPair, keepAlive: KEEP_ALIVE_MS })
    const deadline = setTimeout(() => stream.destroy(), HANDSHAKE_MS)
    stream.on('error', () => undefined)
    stream.once('close', () => {
      clearTimeout(deadline)
      gateway.isDialed = false
      gateway.connection = undefined
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** gateway.failures, LONGEST_PAUSE_MS)
      gateway.failures++
      const soonest = performance.now() + pauseMs * (0.5 + Math.random())
      gateway.notBefore = Math.max(gateway.notBefore, soonest)
      this.#onChange()
    })
    stream.once('open', () => {
      clearTimeout(deadline)
      if (gateway.notBefore === Infinity) {
        stream.destroy()
        return
      }
      gateway.connection = stream
      gateway.failures = 0
      stream.setTimeout(SILENCE_MS)
      this.#log.core.replicate(stream)
      this.#onChange()
    })
  }
}
