import { Server as BlindRelay, type Session } from 'blind-relay'
import type { Server } from 'hyperdht'
import type { Connection, RawStream } from 'hyperswarm'
import { LRUCache } from 'lru-cache'
import { hex } from '../../hex.ts'
import type { Logger } from '../../logger.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import type { Dht, KeyPair } from '../dht.ts'
import type { OnMisdeed } from '../peer-protocol.ts'
import type { RelayOffer } from './relays.ts'

const MAX_PAIRS = 16

/** Connections of peers that want to be paired, in all and of one peer. Each pair takes two. */
const MAX_SESSIONS = 64
const MAX_SESSIONS_OF_PEER = 8

/** How long a connection may wait for its pair; hyperdht gives up after 15 s. */
const PAIRING_MS = 20_000

/** Bytes that are relayed in a day of UTC: 1 GiB. */
const MAX_BYTES_A_DAY = 2 ** 30

/** Part of the upload limit that relaying may take. */
const SHARE_PERCENT = 25

/** What a pair may send, in bytes a second, before there are fewer pairs, or none, instead. */
const LEAST_RATE = 32 * 1_024

/** How far relaying may be over its share before a pair ends, in ms, and for how long nothing is relayed for who sent most. */
const TOLERANCE_MS = 10_000
const CUT_OFF_MS = 10 * 60_000

/** How often it is counted; the packets themselves are passed on without this program. */
const COUNT_EVERY_MS = 1_000

/** A pair whose peers have left the newsletters of this device ends after so long. */
const LEFT_MS = 30_000

const DAY_MS = 86_400_000

export interface RelayServerOptions {
  readonly dht: Dht
  /** Of the relay; not that of the device. */
  readonly keyPair: KeyPair
  /** Whether a peer replicates a newsletter with this device. */
  readonly isMember: (publicKey: Uint8Array) => boolean
  /** Bytes a second. */
  readonly uploadLimit: () => number | undefined
  readonly onMisdeed: OnMisdeed
  readonly onChange: () => void
  readonly logger: Logger
  /** Milliseconds since 1970; `Date.now` when absent. */
  readonly now?: () => number
  readonly maxBytesADay?: number
}

/** What was relayed for others. */
export interface RelayFacts {
  readonly pairs: number
  readonly bytesToday: number
  /** Since the start. */
  readonly bytes: number
}

interface Client {
  readonly session: Session
  readonly connection: Connection
  /** Since it is paired. */
  stream: RawStream | undefined
  /** The same as that of its other side, in hex. */
  pair: string | undefined
  /** Of the stream, that were counted. */
  counted: number
  memberAt: number
}

/**
 * Passes on packets between peers that replicate a newsletter with this device and cannot reach each other. They are
 * end-to-end encrypted; of what they belong to, nothing is stored here.
 */
export class RelayServer {
  readonly #options: RelayServerOptions
  readonly #relay: BlindRelay
  readonly #server: Server
  readonly #clients = new Set<Client>()
  /** Public keys in hex. */
  readonly #cutOff = new LRUCache<string, true>({ max: 1_024, ttl: CUT_OFF_MS })
  readonly #now: () => number
  readonly #timer: NodeJS.Timeout
  #limiter: RateLimiter | undefined
  #limited: number | undefined
  #day = 0
  #bytesToday = 0
  #bytes = 0
  #isListening = false
  #wasOffered = false

  constructor(options: RelayServerOptions) {
    const { dht, now = Date.now } = options
    this.#options = options
    this.#now = now
    this.#relay = new BlindRelay({
      createStream: (its) => dht.createRawStream({ ...its, framed: true }),
    })
    this.#server = dht.createServer({ firewall: (key) => !this.mayUse(key) })
    this.#server.on('connection', (connection) => this.#accept(connection))
    this.#timer = setInterval(() => this.count(), COUNT_EVERY_MS).unref()
  }

  /** Announces the relay; it is not offered before. Rejects where the DHT cannot be reached. */
  async listen(): Promise<void> {
    await this.#server.listen(this.#options.keyPair)
    this.#isListening = true
    this.count()
  }

  /** What peers are told; undefined while nothing is offered. */
  get offer(): RelayOffer | undefined {
    if (!this.#isListening || this.#options.dht.randomized || !this.#hasBytesLeft) return undefined
    const share = this.#share()
    if (share !== undefined && share < LEAST_RATE) return undefined
    const bytesPerSecond = share === undefined ? 0 : Math.floor(share / this.#maxPairs() / 2)
    return { key: this.#options.keyPair.publicKey, bytesPerSecond }
  }

  facts(): RelayFacts {
    return { pairs: this.#pairs(), bytesToday: this.#bytesToday, bytes: this.#bytes }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const { connection } of this.#clients) connection.destroy()
    await this.#server.close()
  }

  /** Whether something is relayed for a peer now. */
  mayUse(key: Uint8Array): boolean {
    const peer = hex(key)
    const its = [...this.#clients].filter((it) => hex(it.connection.remotePublicKey) === peer)
    return (
      this.#options.isMember(key) &&
      !this.#cutOff.has(peer) &&
      this.#hasBytesLeft &&
      this.#clients.size < MAX_SESSIONS &&
      its.length < MAX_SESSIONS_OF_PEER
    )
  }

  /** Counts what was relayed, and ends what exceeds a limit. */
  count(): void {
    const now = this.#now()
    const day = Math.floor(now / DAY_MS)
    if (day !== this.#day) [this.#day, this.#bytesToday] = [day, 0]
    let [most, mostBytes]: [Client | undefined, number] = [undefined, 0]
    let total = 0
    for (const client of this.#clients) {
      const bytes = (client.stream?.bytesReceived ?? 0) - client.counted
      client.counted += bytes
      total += bytes
      if (bytes > mostBytes) [most, mostBytes] = [client, bytes]
      if (this.#options.isMember(client.connection.remotePublicKey)) client.memberAt = now
      else if (now - client.memberAt > LEFT_MS) client.connection.destroy()
    }
    this.#bytes += total
    this.#bytesToday += total
    const isOver = (this.#shareLimiter()?.reserve(total) ?? 0) > TOLERANCE_MS
    if (isOver && most !== undefined) this.#cut(most)
    if (!this.#hasBytesLeft) for (const { connection } of this.#clients) connection.destroy()
    const isOffered = this.offer !== undefined
    if (isOffered === this.#wasOffered) return
    this.#wasOffered = isOffered
    this.#options.onChange()
  }

  // What it sent too much is no debt of the others.
  #cut({ connection }: Client): void {
    this.#cutOff.set(hex(connection.remotePublicKey), true)
    this.#limited = undefined
    connection.destroy()
  }

  get #hasBytesLeft(): boolean {
    return this.#bytesToday < (this.#options.maxBytesADay ?? MAX_BYTES_A_DAY)
  }

  #pairs(): number {
    return new Set([...this.#clients].flatMap((it) => it.pair ?? [])).size
  }

  #share(): number | undefined {
    const limit = this.#options.uploadLimit()
    return limit === undefined ? undefined : (limit * SHARE_PERCENT) / 100
  }

  #maxPairs(): number {
    const share = this.#share() ?? Infinity
    return Math.max(1, Math.min(MAX_PAIRS, Math.floor(share / LEAST_RATE)))
  }

  #shareLimiter(): RateLimiter | undefined {
    const share = this.#share()
    if (share !== this.#limited) {
      this.#limited = share
      this.#limiter =
        share === undefined ? undefined : new RateLimiter({ perSecond: share, burst: share })
    }
    return this.#limiter
  }

  #accept(connection: Connection): void {
    const { remotePublicKey } = connection
    const peer = hex(remotePublicKey)
    connection.on('error', () => undefined)
    // Several may have passed the firewall at the same moment.
    if (!this.mayUse(remotePublicKey)) {
      connection.destroy()
      return
    }
    const session = this.#relay.accept(connection, { id: remotePublicKey })
    const client: Client = {
      session,
      connection,
      stream: undefined,
      pair: undefined,
      counted: 0,
      memberAt: this.#now(),
    }
    this.#clients.add(client)
    const timer = setTimeout(() => connection.destroy(), PAIRING_MS)
    connection.once('close', () => {
      clearTimeout(timer)
      this.#clients.delete(client)
      if (client.pair === undefined) return
      for (const it of this.#clients) if (it.pair === client.pair) it.connection.destroy()
    })
    session.on('error', () => undefined)
    session.on('pair', (_, token, stream) => {
      clearTimeout(timer)
      client.stream = stream
      client.pair = hex(token)
      this.#options.logger.debug({ peer }, 'relaying')
      stream.once('close', () => connection.destroy())
    })
    this.#bound(client)
  }

  // By default a peer may name any number of tokens, each of which is kept until its other side comes.
  #bound({ session, connection }: Client): void {
    const pair = session._pair.onmessage
    let hasAsked = false
    const bounded: typeof pair = (message) => {
      if (hasAsked) {
        this.#options.onMisdeed(
          connection.remotePublicKey,
          'peer asked a relay for several pairs at once',
        )
        connection.destroy()
      } else if (this.#pairs() < this.#maxPairs()) {
        hasAsked = true
        pair(message)
      } else connection.destroy()
    }
    Object.assign(session._pair, { onmessage: bounded })
  }
}
