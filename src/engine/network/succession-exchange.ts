import c, { type Encoder } from 'compact-encoding'
import type Protomux from 'protomux'
import { hasCode } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import { recoveryKeyOf } from '../../format/history/readable.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { SigningKeyPair } from '../../format/keys/recovery.ts'
import {
  decodeSuccession,
  encodeSuccession,
  isSigned,
  maskSuccession,
  SUCCESSION_BYTES,
  unmaskSuccession,
  type Succession,
} from '../../format/records/succession.ts'
import { hex } from '../../hex.ts'
import { short, type Logger } from '../../logger.ts'
import { PeerProtocol, type OnMisdeed } from '../../peers/peer-protocol.ts'
import type { DhtValues } from '../../peers/dht.ts'
import type { Swarm } from '../../peers/swarm.ts'

export interface SuccessionExchangeOptions {
  readonly swarm: Pick<Swarm, 'size'> & { readonly dhtValues: Pick<DhtValues, 'get' | 'put'> }
  readonly logger: Logger
  readonly onMisdeed: OnMisdeed
  /** Called with a statement that the recovery key of its newsletter signed. Rejects if it does not count. */
  readonly onStatement: (statement: Succession) => Promise<void>
}

const HOUR_MS = 3_600_000

/** How often the DHT is asked about a newsletter; its nodes forget after two days. */
const LOOK_UP_EVERY_MS = 24 * HOUR_MS

/** Where no peer was in reach, or block 0 had not arrived. */
const LOOK_UP_AGAIN_MS = 60_000

/** How long block 0 is waited for when a statement arrives; later it is checked with the next look-up. */
const RECOVERY_KEY_TIMEOUT_MS = 15_000

/** Peers of one newsletter whose statements wait to be checked, one each; the oldest goes first. */
const MAX_UNCHECKED = 16

/** Statements accepted from one connection. */
const RATE = { perSecond: 1, burst: 256 }

/** One message is one statement, of fixed length. */
export const successionEncoding: Encoder<Succession> = {
  preencode: (state) => void (state.end += SUCCESSION_BYTES),
  encode: (state, statement) =>
    c.fixed(SUCCESSION_BYTES).encode(state, encodeSuccession(statement)),
  decode: (state) => decodeSuccession(c.fixed(SUCCESSION_BYTES).decode(state)),
}

interface Unchecked {
  readonly publicKey: Uint8Array
  readonly statement: Succession
}

/** Newsletter → `issuedAt` of the statement that a peer was sent. */
type Sent = Map<FeedKey, number>

/**
 * Where newsletters continue: looks it up in the DHT now and then, and exchanges it with peers. A holder of a
 * statement passes it on, so it arrives although its author is gone; it goes only to peers that replicate that
 * very newsletter with us.
 */
export class SuccessionExchange {
  readonly #options: SuccessionExchangeOptions
  readonly #protocol: PeerProtocol<Succession, Sent>
  readonly #queue: LookupQueue<Feed>
  readonly #feeds = new Map<FeedKey, Feed>()
  readonly #checked = new Map<FeedKey, Succession>()
  /** Newsletter → by the peer's key in hex. */
  readonly #unchecked = new Map<FeedKey, Map<string, Unchecked>>()

  constructor(options: SuccessionExchangeOptions) {
    this.#options = options
    this.#protocol = new PeerProtocol<Succession, Sent>({
      protocol: 'hyperletter/succession/1',
      encoding: successionEncoding,
      maxBytes: SUCCESSION_BYTES,
      rate: RATE,
      newState: () => new Map(),
      onMessage: (statement, peer) => {
        this.#onStatement(statement, peer.publicKey).catch((error: unknown) =>
          this.#log('a statement cannot be checked yet', error, statement.from),
        )
      },
      onMisdeed: options.onMisdeed,
    })
    this.#queue = new LookupQueue((feed) => this.#lookUp(feed))
  }

  /** Looks for a successor of a newsletter, and exchanges it with its peers, until `delete`. */
  add(feed: Feed): void {
    this.#feeds.set(feed.feedKey, feed)
    this.#queue.add(feed)
    this.changed(feed.feedKey)
  }

  changed(feedKey: FeedKey): void {
    const statement = this.#checked.get(feedKey)
    const feed = this.#feeds.get(feedKey)
    if (statement === undefined || feed === undefined) return
    for (const { publicKey } of feed.log.peers) {
      const peer = this.#protocol.get(publicKey)
      if (peer === undefined || peer.state.get(feedKey) === statement.issuedAt) continue
      peer.state.set(feedKey, statement.issuedAt)
      peer.send(statement)
    }
  }

  delete(feed: Feed): void {
    if (this.#feeds.get(feed.feedKey) === feed) this.#feeds.delete(feed.feedKey)
    this.#queue.delete(feed)
  }

  /** Passes a statement on to peers, from now on; it has been checked. */
  announce(statement: Succession): void {
    this.#checked.set(statement.from, statement)
    this.changed(statement.from)
  }

  attach(mux: Protomux): void {
    this.#protocol.attach(mux)
    for (const feedKey of this.#checked.keys()) this.changed(feedKey)
  }

  /** Puts a statement where readers look for it. Gives whether nodes of the DHT took it in time. */
  publish(statement: Succession, recovery: SigningKeyPair): Promise<boolean> {
    const { issuedAt } = statement
    return this.#options.swarm.dhtValues.put(recovery, maskSuccession(statement), issuedAt)
  }

  close(): void {
    this.#queue.close()
    this.#feeds.clear()
    this.#protocol.close()
  }

  async #onStatement(statement: Succession, publicKey: Buffer): Promise<void> {
    const { from } = statement
    const feed = this.#feeds.get(from)
    if (feed === undefined || !this.#isNews(statement)) return
    if (!feed.log.peers.some((it) => publicKey.equals(it.publicKey))) return
    const unchecked = this.#unchecked.get(from) ?? new Map<string, Unchecked>()
    this.#unchecked.set(from, unchecked)
    const [oldest] = unchecked.keys()
    if (oldest !== undefined && unchecked.size >= MAX_UNCHECKED) unchecked.delete(oldest)
    unchecked.set(hex(publicKey), { publicKey, statement })
    const options = { timeoutMs: RECOVERY_KEY_TIMEOUT_MS }
    await this.#check(feed.feedKey, await recoveryKeyOf(feed.log, options))
  }

  async #check(feedKey: FeedKey, recoveryKey: Uint8Array): Promise<void> {
    const unchecked = this.#unchecked.get(feedKey) ?? []
    this.#unchecked.delete(feedKey)
    for (const [, { publicKey, statement }] of unchecked) {
      if (isSigned(statement, recoveryKey)) await this.#pass(statement)
      else this.#options.onMisdeed(publicKey, 'peer sent a false statement of succession')
    }
  }

  /** Gives when to look again. */
  async #lookUp(feed: Feed): Promise<number> {
    const { swarm } = this.#options
    try {
      const recoveryKey = await recoveryKeyOf(feed.log, { wait: false })
      await this.#check(feed.feedKey, recoveryKey)
      const found = await swarm.dhtValues.get(recoveryKey)
      if (found === undefined) return swarm.size > 0 ? aboutADay() : LOOK_UP_AGAIN_MS
      const statement = unmaskSuccession(found.value, feed.feedKey)
      // Nodes keep the value of the highest `seq`: one that is not the time would outlast later statements.
      const isOfTime = found.seq === statement.issuedAt
      if (isOfTime && isSigned(statement, recoveryKey)) await this.#pass(statement)
      return aboutADay()
    } catch (error) {
      this.#log('looking for a successor', error, feed.feedKey)
      if (hasCode(error, 'NOT_AVAILABLE')) return LOOK_UP_AGAIN_MS
      throw error
    }
  }

  #isNews({ from, issuedAt }: Succession): boolean {
    return issuedAt > (this.#checked.get(from)?.issuedAt ?? -1)
  }

  async #pass(statement: Succession): Promise<void> {
    if (!this.#isNews(statement)) return
    try {
      await this.#options.onStatement(statement)
    } catch (error) {
      this.#log('a statement that does not count', error, statement.from)
    }
  }

  #log(what: string, error: unknown, feedKey: FeedKey): void {
    this.#options.logger.debug({ feed: short(feedKey), err: String(error) }, what)
  }
}

// Not all newsletters of all readers in the same minute of the day.
function aboutADay(): number {
  return LOOK_UP_EVERY_MS * (0.75 + Math.random() / 2)
}

/** How soon the first look-up of a key comes, once it is added. */
const FIRST_MS = 500

/** Between two look-ups, of whatever keys: a thousand newsletters take some minutes, and no burst. */
const GAP_MS = 200

const AFTER_FAILURE_MS = 600_000

/** Repeats a look-up for each of many keys: one at a time, spread over time, until it is closed. */
export class LookupQueue<K> {
  readonly #lookUp: (key: K) => Promise<number>
  /** Key → when it is due, in milliseconds since 1970. */
  readonly #due = new Map<K, number>()
  #timer: NodeJS.Timeout | undefined
  #busy = false
  #closed = false

  /** @param lookUp does one look-up and gives how long to wait, in milliseconds, before the next one of that key. */
  constructor(lookUp: (key: K) => Promise<number>) {
    this.#lookUp = lookUp
  }

  /** Soon looks a key up, and again and again; a key that is there already keeps its turn. */
  add(key: K): void {
    if (this.#closed || this.#due.has(key)) return
    this.#due.set(key, Date.now() + FIRST_MS * (1 + Math.random()))
    this.#schedule()
  }

  delete(key: K): void {
    this.#due.delete(key)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#due.clear()
  }

  #schedule(leastMs = 0): void {
    clearTimeout(this.#timer)
    if (this.#closed || this.#busy || this.#due.size === 0) return
    const next = Math.min(...this.#due.values())
    // No timer holds longer than 24 days; one that fires too early finds nothing due.
    const waitMs = Math.min(Math.max(next - Date.now(), leastMs), 3_600_000)
    this.#timer = setTimeout(() => {
      this.#runDue().catch(() => undefined)
    }, waitMs)
    // Waiting for a look-up is no reason to stay.
    this.#timer.unref()
  }

  async #runDue(): Promise<void> {
    const [key] = [...this.#due].toSorted(([, a], [, b]) => a - b)[0] ?? []
    if (key === undefined || (this.#due.get(key) ?? 0) > Date.now()) return this.#schedule()
    this.#busy = true
    try {
      const againMs = await this.#lookUp(key).catch(() => AFTER_FAILURE_MS)
      if (this.#due.has(key)) this.#due.set(key, Date.now() + againMs)
    } finally {
      this.#busy = false
      this.#schedule(GAP_MS)
    }
  }
}
