import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { diskCapOf } from '../config/keep.ts'
import type { LiveConfig } from '../config/live.ts'
import type { HyperletterError } from '../errors.ts'
import type { Feed } from '../format/feed.ts'
import { anySignal } from '../async.ts'
import type { DomainSources } from './domain-names.ts'
import { Letters } from './letters/letters.ts'
import type { Library } from './library/library.ts'
import type { Logger } from '../logger.ts'
import type { FeedKey } from '../format/keys/feed-key.ts'
import { Mirrors } from './mirrors/mirrors.ts'
import type { MirrorTimes } from './mirrors/need.ts'
import type { GatewayFacts } from './network/gateway-facts.ts'
import type { Network } from './network/network.ts'
import { Author } from './publish/author.ts'
import { Continuity } from './publish/continuity.ts'
import {
  finishInterrupted,
  recordMove,
  openParts,
  type EngineParts,
  type OpeningOptions,
} from './opening.ts'
import { Feeds, type ReadingKeys, type OpenOptions } from './feeds.ts'
import type { FeedSession } from './feed-sessions.ts'
import { Retention } from './retention/retention.ts'
import type { NetworkSession } from './network/network-session.ts'
import { catchUp, type CatchUpOptions } from './recovery/catch-up.ts'
import { SuccessionStore } from './recovery/succession-store.ts'
import { SeedingHistory } from './seeding-history.ts'
import { Durability } from '../log/store/durability.ts'
import type { Store } from '../log/store/store.ts'

interface EngineOptions extends OpeningOptions {
  /** How long an author whose log may be behind waits for peers before it refuses. */
  readonly catchUpMs?: number
  readonly mirrorTimes?: Partial<MirrorTimes> | undefined
  /** Where statements of domains come from; the Internet when absent. */
  readonly domainSources?: DomainSources | undefined
  /** The gateway of this process; undefined while there is none. */
  readonly gateway?: () => GatewayFacts | undefined
}

/** Long enough to find a reader on the public network, short enough to wait for at a prompt. */
const CATCH_UP_MS = 20_000

/**
 * Does everything: owns the store, the library, the open feeds and the network of one data
 * directory. Exactly one engine has a directory; the lock on the store decides. It starts offline.
 */
export class Engine {
  /** The configuration in force; parts that can change while running follow it. */
  readonly live: LiveConfig
  readonly logger: Logger
  /** Why nothing can be written, and nothing fetched; undefined where all works. */
  readonly readOnlyFor: HyperletterError | undefined
  readonly library: Library
  readonly feeds: Feeds
  readonly author: Author
  readonly continuity: Continuity
  readonly successions: SuccessionStore
  readonly retention: Retention
  readonly mirrors: Mirrors
  readonly letters: Letters
  readonly seedingHistory: SeedingHistory
  readonly domainSources: DomainSources | undefined
  /** What there is to say of the gateway of this process; undefined where there is none. */
  readonly gateway: () => GatewayFacts | undefined
  readonly #unfollow: () => void
  readonly #store: Store
  readonly #catchUpMs: number
  readonly #durability: Durability
  readonly #networkSession: NetworkSession
  #closing: Promise<void> | undefined

  private constructor(
    options: EngineOptions,
    { store, library, journal, keys, notes, capBytes, networkSession, live }: EngineParts,
  ) {
    const { config, logger } = options
    this.live = live
    this.logger = logger
    this.readOnlyFor = options.readOnlyFor
    this.domainSources = options.domainSources
    this.gateway = options.gateway ?? (() => undefined)
    this.#store = store
    this.#catchUpMs = options.catchUpMs ?? CATCH_UP_MS
    this.library = library
    this.#durability = new Durability({ store, storeDir: config.storeDir, logger })
    this.#networkSession = networkSession
    this.retention = new Retention({
      config,
      capBytes,
      store,
      library,
      logger,
      open: (it) => this.feeds.startKnown(it),
    })
    this.#unfollow = live.follow(['diskCap', 'mirrors'], async (changed) =>
      this.retention.setCap(diskCapOf(changed)),
    )
    this.feeds = new Feeds({
      dataDir: config.dataDir,
      store,
      library,
      logger,
      keys,
      network: () => networkSession.network,
      goOnline: () => this.network(),
      onGrown: (feed) => {
        this.author.recordAdopted(feed).catch((err: unknown) => this.#grown(err))
      },
      onOpen: (feed) => this.retention.add(feed),
      onDiscard: async (feedKey) => {
        await this.retention.discard(feedKey)
        await this.letters.discard(feedKey)
      },
    })
    this.mirrors = new Mirrors({
      library,
      feeds: this.feeds,
      live,
      logger,
      times: options.mirrorTimes,
      onStored: async () => {
        this.retention.schedule()
        await this.flush()
      },
      onBytes: (feedKey, bytes) => this.seedingHistory.received(feedKey, bytes),
    })
    this.seedingHistory = new SeedingHistory({
      path: join(config.dataDir, 'seeding.json'),
      library,
      network: () => networkSession.network,
      logger,
    })
    this.successions = new SuccessionStore({
      library,
      logger,
      onFollow: (entry) => this.feeds.start(entry),
      announce: async (statement) =>
        (await networkSession.network)?.successions.announce(statement),
    })
    const { lettersDir, keysDir } = config
    const encryptionKeyOf = (feedKey: FeedKey) => library.get(feedKey)?.encryptionKey
    this.letters = new Letters({
      lettersDir,
      keysDir,
      keys,
      budgetBytes: () => this.retention.letters.letterBudgetBytes,
      encryptionKeyOf,
      logger,
    })
    networkSession.attach({
      letters: this.letters,
      store,
      library,
      feeds: this.feeds,
      successions: this.successions,
      onDiskFull: (cause) => this.#durability.noteFull(cause),
      onOnline: () => {
        // This device may stay online for months.
        this.#durability.flushRegularly()
        this.mirrors.begin()
        this.seedingHistory.begin()
      },
    })
    const flush = () => this.flush()
    this.continuity = new Continuity({
      notes,
      flush,
      catchUp: (feed, wanted) => this.catchUp(feed, wanted),
    })
    const { continuity } = this
    const readKey = (feedKey: FeedKey) => keys.get(feedKey)
    this.author = new Author({ journal, continuity, logger, flush, readKey })
  }

  /**
   * Takes the lock, opens the library and finishes what a crash interrupted.
   * @throws STORE_BUSY if another process has the directory; INVALID_INPUT if it cannot be made; DISK_FULL.
   */
  static async open(options: EngineOptions): Promise<Engine> {
    const parts = await openParts(options)
    try {
      const engine = new Engine(options, parts)
      if (options.readOnlyFor !== undefined) return engine
      await recordMove(engine)
      await finishInterrupted(engine, parts)
      return engine
    } catch (error) {
      await Promise.allSettled([parts.store.close(), parts.networkSession.close()])
      throw error
    }
  }

  get config(): Config {
    return this.live.value
  }

  /** Goes online, with every feed of the library, if that has not happened yet. Waits for nobody. */
  async network(): Promise<Network> {
    if (this.readOnlyFor !== undefined) throw this.readOnlyFor
    return this.#networkSession.begin()
  }

  async networkIfOnline(): Promise<Network | undefined> {
    return this.#networkSession.network
  }

  /**
   * Opens a newsletter, or joins those who have it open. While a session lasts, the feed does not close for
   * being idle: `await using session = await engine.open(entry)`.
   * @throws NOT_AVAILABLE, DISK_FULL; ABORTED while the engine closes.
   */
  open(newsletter: ReadingKeys, options?: OpenOptions): Promise<FeedSession> {
    return this.feeds.open(newsletter, options)
  }

  /**
   * Fetches whatever peers hold more of a log than this device, every block of it.
   * @returns how many peers were asked.
   * @throws FEED_BEHIND if nobody answers in time, or those who do lack blocks that are known to exist; DISK_FULL.
   */
  async catchUp(feed: Feed, options: Partial<CatchUpOptions> = {}): Promise<number> {
    const network = await this.network()
    const { signal } = options
    return catchUp(feed, network, {
      timeoutMs: this.#catchUpMs,
      ...options,
      signal: anySignal(this.full, signal),
    })
  }

  /**
   * Runs work while this device is not on the network; calls of `network` wait. After it the device is
   * online, under a key that no peer has turned away before.
   */
  offlineFor<T>(work: () => Promise<T>): Promise<T> {
    return this.#networkSession.offlineFor(work)
  }

  /**
   * Aborts once the disk was full: from then on the store can be read, and takes nothing more, room or
   * not, until it is opened anew. The reason is an error: DISK_FULL.
   */
  get full(): AbortSignal {
    return this.#durability.full
  }

  /** Forces what was written so far to disk. @throws DISK_FULL */
  flush(): Promise<void> {
    return this.#durability.flush()
  }

  /**
   * Rewrites the files of the store, so that blocks that were dropped are no longer in them: left
   * alone, the store would write over them some day. Takes as long as copying the whole store.
   */
  erase(): Promise<void> {
    return this.#durability.erase()
  }

  /** Lets appends that have begun end, leaves the network, then closes feeds, library and store; every step runs even if one fails. */
  close(): Promise<void> {
    this.#networkSession.end()
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #grown(err: unknown): void {
    if (this.#closing === undefined) this.logger.warn({ err }, 'could not note a longer log')
  }

  async #close(): Promise<void> {
    this.#unfollow()
    const steps = [
      () => this.author.close(),
      () => this.mirrors.close(),
      () => this.seedingHistory.close(),
      () => this.#networkSession.close(),
      () => this.letters.close(),
      () => this.retention.close(),
      () => this.feeds.close(),
      () => this.library.close(),
      () => this.#durability.close(),
      () => this.#store.close(),
    ]
    for (const step of steps) {
      await step().catch((err: unknown) => this.logger.warn({ err }, 'closing'))
    }
  }
}
