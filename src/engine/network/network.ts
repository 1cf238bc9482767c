import Protomux from 'protomux'
import type { Connection } from 'hyperswarm'
import type { Config } from '../../config/config.ts'
import { hasCode } from '../../errors.ts'
import type { BlockRange } from '../../format/block-ranges.ts'
import type { Feed } from '../../format/feed.ts'
import { discoveryKeyOf } from '../../log/keys.ts'
import { short, type Logger } from '../../logger.ts'
import { keyBytes, type FeedKey } from '../../format/keys/feed-key.ts'
import type { SigningKeyPair } from '../../format/keys/recovery.ts'
import type { Succession } from '../../format/records/succession.ts'
import { translateStorageError } from '../../storage-errors.ts'
import { guardReplication } from '../../log/internals/wire-guard.ts'
import { Announcer } from '../../peers/topics.ts'
import type { Bans } from '../../peers/bans.ts'
import { openDht, type Dht } from '../../peers/dht.ts'
import { LocalNetwork } from '../../peers/lan/local-network.ts'
import { Introductions } from '../../peers/introductions.ts'
import { refuseCores, type OnMisdeed } from '../../peers/peer-protocol.ts'
import type { Rooms } from '../../peers/web/rooms.ts'
import { PushChannel } from '../../replication/push/pushes.ts'
import { RangeChannel } from '../../replication/ranges/range-channel.ts'
import { IdleFeeds, type FeedOpener } from '../../replication/idle/idle-feeds.ts'
import { Wakeup } from '../../replication/idle/wakeup.ts'
import { idleStatus, Seeding, type SeedingStatus } from '../../replication/seeding.ts'
import { connectionsFor, isAllowed, type Limits, type NETWORK_SETTINGS } from './limits.ts'
import type { Letters } from '../letters/letters.ts'
import { LetterExchange } from './letter-exchange.ts'
import { SuccessionExchange } from './succession-exchange.ts'
import { Swarm } from '../../peers/swarm.ts'

export interface NetworkOptions {
  readonly config: Pick<Config, (typeof NETWORK_SETTINGS)[number]> & Limits
  readonly keyPair: SigningKeyPair
  /** Opened beforehand with this configuration; the network's own when absent. The network closes it. */
  readonly dht?: Dht | undefined
  readonly logger: Logger
  /** Banned peers; kept in memory when absent. The network closes it. */
  readonly bans?: Bans | undefined
  /** Opens and closes newsletters; without one none becomes idle. */
  readonly opener?: FeedOpener | undefined
  /** Whether a core is a private newsletter; none is when absent. */
  readonly isPrivate?: ((discoveryKey: Uint8Array) => boolean) | undefined
  readonly replicate: (connection: Connection) => void
  readonly letters?: Letters | undefined
  /** Called with a statement that the recovery key of its newsletter signed. Rejects if it does not count. */
  readonly onSuccession: (statement: Succession) => Promise<void>
  /** Called when something that a peer sent could not be stored: nothing can until the store is opened anew. */
  readonly onDiskFull: (cause: unknown) => void
}

/** Everything that happens between peers: which feeds are announced, downloaded and served. */
export class Network {
  readonly #options: NetworkOptions
  readonly swarm: Swarm
  readonly #announcer: Announcer
  readonly #introductions: Introductions
  readonly #pushes: PushChannel
  readonly #ranges: RangeChannel
  readonly successions: SuccessionExchange
  readonly #wakeup: Wakeup
  /** Absent where none are exchanged. */
  readonly letters: LetterExchange | undefined
  readonly #idleFeeds: IdleFeeds
  #limits: Limits
  readonly #isPrivate: (discoveryKey: Uint8Array) => boolean
  readonly #seedings = new Map<FeedKey, Seeding>()
  readonly #localNetwork: LocalNetwork | undefined

  /** Goes online without waiting for anybody. */
  constructor(options: NetworkOptions) {
    const { config, keyPair, logger, bans, opener } = options
    this.#options = options
    this.#limits = config
    this.#isPrivate = options.isPrivate ?? (() => false)
    const onMisdeed: OnMisdeed = (peer, what) => this.swarm.strike(peer, what, { hangUp: false })
    this.#introductions = new Introductions({
      onPeer: (...found) => this.swarm.dial(...found),
      relay: () => this.swarm.relaying.offer,
      onRelay: (...told) => this.swarm.relaying.relays.told(...told),
      onMisdeed,
    })
    this.#pushes = new PushChannel({
      onMisdeed,
      onFailure: ({ feedKey }, error) => this.#notStored(feedKey, error),
    })
    this.#ranges = new RangeChannel({ onMisdeed })
    this.#idleFeeds = new IdleFeeds({
      opener,
      open: this.#seedings,
      isPlain: (peer) => !this.#wakeup.speaks(peer),
      onIdle: (feedKey) => this.#closeSeeding(feedKey),
      log: (what, feedKey, err) => logger.error({ feed: short(feedKey), err }, what),
    })
    this.#wakeup = new Wakeup({
      onMisdeed,
      feedKeys: () => this.#idleFeeds.feedKeys(),
      stateOf: (feedKey) => this.#idleFeeds.stateOf(feedKey),
      mayAnnounce: (feedKey, peer) => {
        const { discoveryKey } = this.#idleFeeds.get(feedKey) ?? {}
        return (
          isAllowed(this.#limits, peer) ||
          discoveryKey === undefined ||
          !this.#isPrivate(discoveryKey)
        )
      },
      onState: (feedKey, state, peer) => {
        this.#idleFeeds
          .onPeerState(feedKey, state, peer)
          .catch((err: unknown) => logger.debug({ err }, 'news'))
      },
    })
    this.swarm = new Swarm({
      ...config,
      ...connectionsFor(config),
      dht: options.dht ?? openDht(config),
      guard: guardReplication,
      keyPair,
      bans,
      logger,
      onRelayOffer: () => this.#introductions.relayChanged(),
      onConnection: (connection) => this.#onConnection(connection),
      onBack: () => {
        const open = [...this.#seedings.values()].map((it) => it.feed.log.discoveryKey)
        this.#announcer.reannounce(open)
      },
    })
    this.#announcer = new Announcer(this.swarm.topics)
    this.successions = new SuccessionExchange({
      swarm: this.swarm,
      logger,
      onMisdeed,
      onStatement: options.onSuccession,
    })
    const { letters } = options
    this.letters = letters && new LetterExchange({ letters, logger, onMisdeed })
    if (config.localDiscovery) {
      const { host, udpPort } = config
      this.#localNetwork = new LocalNetwork({ swarm: this.swarm, keyPair, host, udpPort, logger })
    }
  }

  /** Sets limits anew; connections begin again with them, within seconds. */
  configure(limits: Limits): void {
    this.#limits = limits
    this.swarm.configure(connectionsFor(limits))
  }

  /** Announces a newsletter when its turn comes; it opens when a peer asks for it or has news of it. */
  follow(feedKey: FeedKey): void {
    const discoveryKey = discoveryKeyOf(keyBytes(feedKey))
    if (this.#idleFeeds.get(feedKey) === undefined) this.#announcer.add(discoveryKey)
    this.#localNetwork?.add(discoveryKey)
    this.#idleFeeds.add({ feedKey, discoveryKey })
  }

  /** Looks up a newsletter that `start` follows for as soon as it is open; `stop` ends that too. */
  lookUp(feedKey: FeedKey): void {
    this.#announcer.lookUp(discoveryKeyOf(keyBytes(feedKey)))
  }

  /** Announces a feed now, downloads and serves it until `stop`. */
  start(feed: Feed): void {
    const { feedKey, log } = feed
    const { discoveryKey } = log
    if (this.#seedings.get(feedKey)?.isLost === false) return
    this.#closeSeeding(feedKey)
    if (log.length > 0) this.#announcer.addNow(discoveryKey)
    else this.#announcer.lookUp(discoveryKey)
    this.#idleFeeds.add({ feedKey, discoveryKey })
    this.#localNetwork?.add(discoveryKey)
    const seeding = new Seeding({
      feed,
      peers: this.swarm,
      pushes: this.#pushes,
      ranges: this.#ranges,
      logger: this.#options.logger,
      onPeer: () => {
        this.#introductions.changed(discoveryKey)
        this.successions.changed(feedKey)
        this.letters?.changed(feed)
      },
      namedBy: ({ publicKey }) => this.#introductions.namedBy(discoveryKey, publicKey),
      onProgress: () => {
        this.#wakeup.changed(feedKey)
        this.letters?.changed(feed)
      },
      onDiskFull: this.#options.onDiskFull,
    })
    this.#seedings.set(feedKey, seeding)
    this.#introductions.add(discoveryKey, () =>
      log.peers.map((it) => it.publicKey).filter((it) => !this.swarm.isTab(it)),
    )
    this.successions.add(feed)
    this.letters?.add(feed)
    this.#wakeup.added(feedKey)
  }

  async stop(feedKey: FeedKey): Promise<void> {
    this.#idleFeeds.delete(feedKey)
    this.#localNetwork?.delete(discoveryKeyOf(keyBytes(feedKey)))
    this.#closeSeeding(feedKey)
    await this.#announcer.delete(discoveryKeyOf(keyBytes(feedKey)))
  }

  /** Opens the newsletter of a core that is stored here, which a peer requests. */
  wake(discoveryKey: Uint8Array): void {
    const newsletter = this.#idleFeeds.withTopic(discoveryKey)
    if (newsletter !== undefined) this.#idleFeeds.wake(newsletter.feedKey)
  }

  status(feedKey: FeedKey): SeedingStatus {
    const now = this.#seedings.get(feedKey)?.status() ?? idleStatus(this.#wakeup.statesOf(feedKey))
    const { uploadedBytes, downloadedBytes } = this.#idleFeeds.traffic(feedKey)
    return {
      ...now,
      uploadedBytes: now.uploadedBytes + uploadedBytes,
      downloadedBytes: now.downloadedBytes + downloadedBytes,
    }
  }

  /** Connected peers that hold all of `ranges`. */
  copies(feedKey: FeedKey, ...ranges: readonly BlockRange[]): number {
    const seeding = this.#seedings.get(feedKey)
    if (seeding !== undefined) return seeding.copies(ranges)
    const end = Math.max(0, ...ranges.map((it) => it.end))
    return this.#wakeup.statesOf(feedKey).filter((it) => it.held >= end).length
  }

  /**
   * Lets a browser tab in, to some newsletters: to their logs, and to nothing else that peers tell each other.
   * @param rooms where it meets other tabs of these newsletters.
   * @returns whether it was let in; the connection ends if not.
   */
  acceptTab(
    connection: Connection,
    isOpened: (discoveryKey: Uint8Array) => boolean,
    rooms: Rooms,
  ): boolean {
    return this.swarm.acceptTab(connection, () => {
      const mux = Protomux.from(connection)
      refuseCores(mux, (discoveryKey) => !isOpened(discoveryKey))
      this.#options.replicate(connection)
      rooms.attach(mux)
    })
  }

  /** Leaves everything, within a deadline. */
  async close(): Promise<void> {
    this.#announcer.close()
    this.#idleFeeds.close()
    for (const seeding of this.#seedings.values()) seeding.close()
    this.#seedings.clear()
    this.#introductions.close()
    this.successions.close()
    this.letters?.close()
    this.#wakeup.close()
    this.#ranges.close()
    await Promise.all([this.#localNetwork?.close(), this.#pushes.close(), this.swarm.close()])
    await this.#options.bans?.close()
  }

  #onConnection(connection: Connection): void {
    const mux = Protomux.from(connection)
    const peer = connection.remotePublicKey
    if (!isAllowed(this.#limits, peer)) refuseCores(mux, this.#isPrivate)
    this.#options.replicate(connection)
    this.#introductions.attach(mux)
    this.#pushes.attach(mux)
    this.#ranges.attach(mux)
    this.successions.attach(mux)
    this.letters?.attach(mux)
    this.#wakeup.attach(mux).then(
      (speaks) => {
        // A peer that cannot announce news is asked, for the newsletters that it was found by.
        if (speaks || connection.destroying) return
        for (const topic of this.swarm.topicsOf(peer)) this.wake(topic)
      },
      (err: unknown) => this.#options.logger.debug({ err }, 'the wakeup protocol of a peer'),
    )
  }

  #notStored(feedKey: FeedKey, error: unknown): void {
    const err = translateStorageError(error)
    if (hasCode(err, 'DISK_FULL')) this.#options.onDiskFull(err)
    else this.#options.logger.debug({ feed: short(feedKey), err }, 'a push was not stored')
  }

  #closeSeeding(feedKey: FeedKey): void {
    const seeding = this.#seedings.get(feedKey)
    if (seeding === undefined) return
    seeding.close()
    this.#seedings.delete(feedKey)
    this.#introductions.delete(discoveryKeyOf(keyBytes(feedKey)))
    this.successions.delete(seeding.feed)
    this.letters?.delete(seeding.feed)
  }
}
