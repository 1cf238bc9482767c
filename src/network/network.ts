import Protomux from 'protomux'
import type { KeyPair } from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import type { Config } from '../config/config.ts'
import type { BlockRange, Feed } from '../feed/feed.ts'
import type { Logger } from '../logger.ts'
import type { FeedKey } from '../records/feed-key.ts'
import type { SigningKeyPair } from '../records/recovery.ts'
import type { Succession } from '../records/succession.ts'
import { PeerExchange } from './peer-exchange.ts'
import { Seeding, type SeedingStatus } from './seeding.ts'
import { Successions } from './successions.ts'
import { Swarm } from './swarm.ts'

export interface NetworkOptions {
  readonly config: Pick<Config, 'bootstrap' | 'host' | 'udpPort'>
  readonly keyPair: KeyPair
  readonly logger: Logger
  /** Replicates the whole store over a connection. */
  readonly replicate: (connection: Connection) => void
  /** Called with a statement that the recovery key of its newsletter signed. Rejects if it does not count. */
  readonly onSuccession: (statement: Succession) => Promise<void>
  /** Called when something that a peer sent could not be stored: nothing can until the store is opened anew. */
  readonly onDiskFull: (cause: unknown) => void
}

const OFFLINE: SeedingStatus = { peers: 0, fullCopies: 0, uploadedBytes: 0, downloadedBytes: 0 }

/** Everything that happens between peers: which feeds are announced, downloaded and served. */
export class Network {
  readonly #logger: Logger
  readonly #swarm: Swarm
  readonly #exchange: PeerExchange
  readonly #successions: Successions
  readonly #seedings = new Map<FeedKey, Seeding>()
  readonly #onDiskFull: NetworkOptions['onDiskFull']

  /** Goes online without waiting for anybody. */
  constructor({ config, keyPair, logger, replicate, onSuccession, onDiskFull }: NetworkOptions) {
    this.#logger = logger
    this.#onDiskFull = onDiskFull
    this.#exchange = new PeerExchange({ onPeer: (key, teller) => this.#swarm.dial(key, teller) })
    this.#swarm = new Swarm({
      keyPair,
      logger,
      bootstrap: config.bootstrap,
      host: config.host,
      udpPort: config.udpPort,
      onConnection: (connection) => {
        // Replication first: it makes the multiplexer that the exchange then shares.
        replicate(connection)
        this.#exchange.attach(Protomux.from(connection))
        this.#successions.attach(Protomux.from(connection))
      },
    })
    this.#successions = new Successions({
      swarm: this.#swarm,
      logger,
      onStatement: onSuccession,
    })
  }

  /** Connections now, over all feeds. */
  get peers(): number {
    return this.#swarm.size
  }

  /** Announces, downloads and serves a feed until `stop`. */
  start(feed: Feed): void {
    const before = this.#seedings.get(feed.feedKey)
    if (before?.isLost === false) return
    before?.close().catch(() => undefined)
    const seeding = new Seeding({
      feed,
      swarm: this.#swarm,
      exchange: this.#exchange,
      successions: this.#successions,
      logger: this.#logger,
      onDiskFull: this.#onDiskFull,
    })
    this.#seedings.set(feed.feedKey, seeding)
  }

  async stop(feedKey: FeedKey): Promise<void> {
    const seeding = this.#seedings.get(feedKey)
    this.#seedings.delete(feedKey)
    await seeding?.close()
  }

  status(feedKey: FeedKey): SeedingStatus {
    return this.#seedings.get(feedKey)?.status() ?? OFFLINE
  }

  /** Connected peers that hold all of `ranges`. */
  copies(feedKey: FeedKey, ...ranges: readonly BlockRange[]): number {
    return this.#seedings.get(feedKey)?.copies(ranges) ?? 0
  }

  /** Tells peers of a newsletter, now and later, where it continues. */
  tellSuccession(statement: Succession): void {
    this.#successions.know(statement)
  }

  /** Puts a statement into the DHT. Gives whether nodes took it in time. */
  publishSuccession(statement: Succession, recovery: SigningKeyPair): Promise<boolean> {
    return this.#successions.publish(statement, recovery)
  }

  /** Leaves everything, within a deadline. */
  async close(): Promise<void> {
    // Not awaited one by one: leaving the swarm unannounces all topics, and has the deadline.
    for (const seeding of this.#seedings.values()) {
      seeding.close().catch(() => undefined)
    }
    this.#seedings.clear()
    this.#exchange.close()
    this.#successions.close()
    await this.#swarm.close()
  }
}
