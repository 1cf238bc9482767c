import type Corestore from 'corestore'
import type { KeyPair } from 'hypercore-crypto'
import type { Config } from '../config/config.ts'
import { diskCapOf } from '../config/disk-cap.ts'
import { LiveConfig } from '../config/live.ts'
import type { Feed } from '../format/feed.ts'
import { anySignal } from '../within.ts'
import { Library, type LibraryEntry } from './library/library.ts'
import type { Logger } from '../logger.ts'
import type { Dht } from '../peers/dht.ts'
import { NETWORK_LIMITS, type Network } from './network/network.ts'
import { Author } from './publish/author.ts'
import { Continuity } from './publish/continuity.ts'
import { finishInterrupted, noticeMove } from './publish/interrupted.ts'
import { Journal } from './publish/journal.ts'
import { PublishedNotes } from './publish/published.ts'
import { SigningKeys } from './publish/signing-keys.ts'
import { EarlyDht } from './network/early-dht.ts'
import { Feeds } from './feeds.ts'
import { Retention } from './retention/retention.ts'
import { goOnline } from './network/online.ts'
import { NetworkSession } from './network/network-session.ts'
import { catchUp, type CatchUpOptions } from './recovery/catch-up.ts'
import { SuccessionStore } from './recovery/succession-store.ts'
import { Durability } from '../log/store/durability.ts'
import { namedCore } from '../log/store/named-core.ts'
import { HYPERCORE_VERSION, KNOWN_VERSION, USES_INTERNALS } from '../log/internals/internals.ts'
import { closeStore, openStore } from '../log/store/store.ts'
import { Use } from './use.ts'

export interface EngineOptions {
  readonly config: Config
  /** Holds `config`, where that may change while running; the engine's own when absent. */
  readonly live?: LiveConfig
  readonly logger: Logger
  /** The network will be needed: finding its way begins while the store opens. */
  readonly online?: boolean
  /** How long an author whose log may be behind waits for peers before it refuses. */
  readonly catchUpMs?: number
}

/** Long enough to find a reader on the public network, short enough to wait for at a prompt. */
const CATCH_UP_MS = 20_000

/** What an engine is made of. */
interface Parts {
  readonly store: Corestore
  readonly library: Library
  readonly capBytes: number
  readonly early: EarlyDht
  readonly journal: Journal
  readonly keys: SigningKeys
  readonly notes: PublishedNotes
}

/** Names of this device's own cores and keys in the Corestore. */
const LIBRARY_NAME = 'hyperletter/library'
const SWARM_KEY_NAME = 'hyperletter/swarm'

/**
 * Does everything: owns the store, the library, the open feeds and the network of one data
 * directory. Exactly one engine has a directory; the lock on the store decides. It starts offline.
 */
export class Engine {
  /** The configuration in force; parts that can change while running follow it. */
  readonly live: LiveConfig
  readonly logger: Logger
  readonly library: Library
  readonly feeds: Feeds
  readonly author: Author
  readonly continuity: Continuity
  readonly successions: SuccessionStore
  /** Feeds that operations may be using. */
  readonly use = new Use()
  readonly keeper: Retention
  /** Ends the listening to changed settings. */
  readonly #unfollow: readonly (() => void)[]
  readonly #store: Corestore
  readonly #catchUpMs: number
  readonly #durability: Durability
  readonly #presence: NetworkSession
  #closing: Promise<void> | undefined

  private constructor(
    options: EngineOptions,
    { store, library, journal, keys, notes, capBytes, early }: Parts,
  ) {
    this.live = options.live ?? new LiveConfig(options.config)
    this.logger = options.logger
    this.#store = store
    this.#catchUpMs = options.catchUpMs ?? CATCH_UP_MS
    this.library = library
    const { config, logger } = options
    this.#durability = new Durability({ store, storeDir: config.storeDir, logger })
    this.#presence = new NetworkSession({
      early,
      goOnline: (...given) => this.#goOnline(...given),
    })
    this.keeper = new Retention({
      config,
      capBytes,
      store,
      library,
      logger,
      open: async (feedKey) => {
        const entry = library.get(feedKey)
        if (entry !== undefined) await this.feed(entry)
      },
    })
    this.#unfollow = [
      this.live.follow(NETWORK_LIMITS, async (changed) => {
        ;(await this.#presence.network)?.configure(changed)
      }),
      this.live.follow(['diskCap'], async (changed) =>
        this.keeper.setCap(diskCapOf(changed).capBytes),
      ),
    ]
    this.feeds = new Feeds({
      store,
      library,
      logger: options.logger,
      keys,
      use: this.use,
      onGrown: (feed) => {
        this.author.noteAdopted(feed).catch((err: unknown) => this.#grown(err))
      },
      onOpen: (feed) => this.keeper.add(feed),
      onReopen: async (entry) => {
        if (entry !== undefined) await this.feed(entry)
      },
    })
    this.successions = new SuccessionStore({
      library,
      logger: options.logger,
      onFollow: (entry) => this.feed(entry),
      tell: async (statement) => (await this.#presence.network)?.tellSuccession(statement),
    })
    const flush = () => this.flush()
    this.continuity = new Continuity({
      notes,
      flush,
      catchUp: (feed, wanted) => this.catchUp(feed, wanted),
    })
    this.author = new Author({
      journal,
      continuity: this.continuity,
      logger: options.logger,
      flush,
    })
  }

  /**
   * Takes the lock, opens the library and finishes what a crash interrupted.
   * @throws STORE_BUSY if another process has the directory; INVALID_INPUT if it cannot be made; DISK_FULL.
   */
  static async open(options: EngineOptions): Promise<Engine> {
    const { config } = options
    const { capBytes } = diskCapOf(config)
    const early = new EarlyDht(config)
    const opening = openStore(config, {
      capBytes,
      onLock: () => {
        if (options.online === true) early.begin()
      },
    })
    // Nothing of it is used before this process has the lock.
    const files = Promise.all([
      Journal.open(config.journalDir),
      SigningKeys.open(config.keysDir),
      PublishedNotes.open(config.publishedDir),
    ])
    files.catch(() => undefined)
    try {
      const store = await opening
      const library = await Library.open(namedCore(store, LIBRARY_NAME))
      const [journal, keys, notes] = await files
      if (!USES_INTERNALS) {
        const versions = { hypercore: HYPERCORE_VERSION, known: KNOWN_VERSION }
        options.logger.warn(versions, 'Hypercore decides by itself what to ask of whom: slower')
      }
      if (library.unreadable > 0) {
        options.logger.warn({ entries: library.unreadable }, 'library entries of another version')
      }
      const parts = { store, library, journal, keys, notes, capBytes, early }
      const engine = new Engine(options, parts)
      await noticeMove(engine)
      await finishInterrupted(engine, parts)
      return engine
    } catch (error) {
      const store = await opening.catch(() => undefined)
      const closing = store === undefined ? undefined : closeStore(store)
      await Promise.allSettled([closing, early.close(), files])
      throw error
    }
  }

  get config(): Config {
    return this.live.value
  }

  /** The network, if it was needed already. */
  get isOnline(): boolean {
    return this.#presence.network !== undefined
  }

  /** Goes online, with every feed of the library, if that has not happened yet. Waits for nobody. */
  network(): Promise<Network> {
    return this.#presence.begin()
  }

  /** The network if the engine is online. */
  async networkIfOnline(): Promise<Network | undefined> {
    return this.#presence.network
  }

  /** The feed of an entry; while online it is announced, downloaded and served too. */
  async feed(entry: LibraryEntry) {
    const feed = await this.feeds.get(entry)
    ;(await this.#presence.network)?.start(feed)
    return feed
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
   * Runs work while this device is not on the network; whoever wants to be waits. After it the device is
   * online, under a key that no peer has turned away before.
   */
  apart<T>(work: () => Promise<T>): Promise<T> {
    return this.#presence.apart(work)
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
   * Rewrites the files of the store, so that blocks that were dropped are no longer in them: of itself
   * the store would write over them some day. Takes as long as copying the whole store.
   */
  erase(): Promise<void> {
    return this.#durability.erase()
  }

  /** Lets appends that have begun end, leaves the network, then closes feeds, library and store; every step runs even if one fails. */
  close(): Promise<void> {
    this.#presence.end()
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #goOnline(dht: Dht | undefined, keyPair: KeyPair | undefined): Promise<Network> {
    const { config, logger, library, feeds } = this
    const network = await goOnline({
      config,
      logger,
      library,
      feeds,
      dht,
      store: this.#store,
      keyPair: keyPair ?? (await this.#store.createKeyPair(SWARM_KEY_NAME)),
      open: (entry) => this.feed(entry),
      onSuccession: (statement) => this.successions.accept(statement),
      onDiskFull: (cause) => this.#durability.noteFull(cause),
    })
    for (const statement of this.successions.known()) network.tellSuccession(statement)
    // Whoever is online may stay so for months.
    this.#durability.flushRegularly()
    return network
  }

  #grown(err: unknown): void {
    if (this.#closing === undefined) this.logger.warn({ err }, 'could not note a longer log')
  }

  async #close(): Promise<void> {
    for (const unfollow of this.#unfollow) unfollow()
    const steps = [
      () => this.author.close(),
      () => this.#presence.close(),
      () => this.keeper.close(),
      () => this.feeds.close(),
      () => this.library.close(),
      () => this.#durability.close(),
      () => closeStore(this.#store),
    ]
    for (const step of steps) {
      try {
        await step()
      } catch (err) {
        this.logger.warn({ err }, 'closing')
      }
    }
  }
}
