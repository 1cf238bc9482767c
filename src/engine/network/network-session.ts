import type { Letters } from '../letters/letters.ts'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import type { LiveConfig } from '../../config/live.ts'
import { HyperletterError, attempt } from '../../errors.ts'
import type { SigningKeyPair } from '../../format/crypto.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { compareTimes } from '../../format/records/text.ts'
import { keyPairOf } from '../../log/keys.ts'
import type { Store } from '../../log/store/store.ts'
import { short, type Logger } from '../../logger.ts'
import { Bans } from '../../peers/bans.ts'
import { openDht, type Dht } from '../../peers/dht.ts'
import { KEEP_OPEN } from '../../replication/idle/idle-feeds.ts'
import type { Feeds } from '../feeds.ts'
import type { Library, LibraryEntry } from '../library/library.ts'
import type { SuccessionStore } from '../recovery/succession-store.ts'
import { NETWORK_LIMITS } from './limits.ts'
import { Network } from './network.ts'

/** What there is to take to the network, once the store is open. */
export interface NetworkParts {
  readonly store: Store
  readonly library: Library
  readonly feeds: Feeds
  readonly successions: SuccessionStore
  readonly letters: Letters
  /** Called when something that a peer sent could not be stored. */
  readonly onDiskFull: (cause: unknown) => void
  readonly onOnline: () => void
}

/** Name of the key pair in the store by which peers know this device. */
const SWARM_KEY_NAME = 'hyperletter/swarm'

/**
 * This device on the network: offline until somebody needs the network, then online until `close`.
 *
 * `prepare` may open a node of the DHT while the store still opens. `attach` says what there is to serve.
 * `begin` goes online: those newsletters that were active last open at once; the others are announced, and
 * open when a peer has or wants something of them, for a thousand open logs would take too long and too
 * much memory. `offlineFor` leaves the network for a while.
 */
export class NetworkSession {
  readonly #live: LiveConfig
  readonly #logger: Logger
  readonly #unfollow: () => void
  #parts: NetworkParts | undefined
  /** A node that finds its way before there is a network for it; the first network takes it. */
  #dht: Dht | undefined
  #network: Promise<Network> | undefined
  #isClosing = false

  constructor(live: LiveConfig, logger: Logger) {
    this.#live = live
    this.#logger = logger
    this.#unfollow = live.follow(NETWORK_LIMITS, async (changed) => {
      ;(await this.#network)?.configure(changed)
    })
  }

  /** The network, if it was needed already. */
  get network(): Promise<Network> | undefined {
    return this.#network
  }

  /** Opens a node of the DHT beforehand. What fails here fails again, and is reported, in `begin`. */
  prepare(): void {
    if (this.#isClosing) return
    this.#dht ??= attempt(() => openDht(this.#live.value))
  }

  attach(parts: NetworkParts): void {
    this.#parts = parts
  }

  /** Goes online if that has not happened yet. Waits for no peer. @throws ABORTED while it closes */
  begin(): Promise<Network> {
    if (this.#isClosing) {
      return Promise.reject(new HyperletterError('ABORTED', 'The engine is closing.'))
    }
    this.#network ??= this.#goOnline(undefined)
    return this.#network
  }

  /**
   * Runs work while this device is not on the network; calls of `begin` wait. After it the device is
   * online, under a key that no peer has turned away before.
   */
  async offlineFor<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#network
    let release: ((network: Promise<Network>) => void) | undefined
    this.#network = new Promise((resolve) => (release = resolve))
    try {
      await (await before)?.close()
      return await work()
    } finally {
      release?.(this.#goOnline(keyPairOf()))
    }
  }

  /** From now on nobody goes online. */
  end(): void {
    this.#isClosing = true
    this.#unfollow()
  }

  async close(): Promise<void> {
    this.end()
    try {
      await (await this.#network)?.close()
    } finally {
      await this.#dht?.destroy({ force: true })
    }
  }

  async #goOnline(keyPair: SigningKeyPair | undefined): Promise<Network> {
    if (this.#parts === undefined) throw new HyperletterError('INTERNAL', 'The store is not open.')
    const parts = this.#parts
    const dht = this.#dht
    this.#dht = undefined
    try {
      const network = await this.#connect(parts, dht, keyPair)
      await this.#startFeeds(parts, network)
      for (const statement of parts.successions.known()) network.successions.announce(statement)
      parts.onOnline()
      return network
    } catch (error) {
      await dht?.destroy({ force: true })
      throw error
    }
  }

  async #connect(
    { store, feeds, successions, letters, onDiskFull }: NetworkParts,
    dht: Dht | undefined,
    keyPair: SigningKeyPair | undefined,
  ): Promise<Network> {
    const config: Config = this.#live.value
    const logger = this.#logger
    return new Network({
      config,
      logger,
      dht,
      keyPair: keyPair ?? (await store.keyPair(SWARM_KEY_NAME)),
      bans: await Bans.open({ path: join(config.dataDir, 'bans.json'), logger }),
      opener: {
        open: (feedKey: FeedKey) => feeds.startKnown(feedKey),
        close: (feedKey: FeedKey) => feeds.closeIfIdle(feedKey),
        readHead: (discoveryKey: Uint8Array) => store.readHead(discoveryKey),
      },
      isPrivate: (discoveryKey) => feeds.isPrivate(discoveryKey),
      replicate: (connection) => store.replicate(connection),
      onSuccession: (statement) => successions.accept(statement),
      letters,
      onDiskFull,
    })
  }

  async #startFeeds({ store, library, feeds }: NetworkParts, network: Network): Promise<void> {
    const entries = library.list().toSorted((a, b) => compareTimes(activityOf(b), activityOf(a)))
    for (const entry of entries.slice(0, KEEP_OPEN)) {
      try {
        await using session = await feeds.open(entry, { online: false })
        network.start(session.feed)
      } catch (err) {
        // One feed that cannot be opened must not keep the others offline.
        const feed = short(entry.feedKey)
        this.#logger.error({ feed, err }, 'a newsletter could not go online')
      }
    }
    for (const { feedKey } of entries) network.follow(feedKey)
    // Also for what is opened from here; the network starts it all the same.
    store.onOpening((discoveryKey) => network.wake(discoveryKey))
  }
}

function activityOf({ activeAt, addedAt }: LibraryEntry): string {
  return activeAt ?? addedAt
}
