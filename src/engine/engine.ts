import type Corestore from 'corestore'
import type { Config } from '../config.ts'
import { HyperletterError } from '../errors.ts'
import { Library, type LibraryEntry } from '../library/library.ts'
import { short, type Logger } from '../logger.ts'
import { Network } from '../network/network.ts'
import { onStore } from '../storage-errors.ts'
import { Author } from './author.ts'
import { Feeds } from './feeds.ts'
import { Journal } from './journal.ts'
import { quietHypercore } from './quiet.ts'
import { openStore } from './store.ts'

export interface EngineOptions {
  readonly config: Config
  readonly logger: Logger
}

/** Names of this device's own cores and keys in the Corestore. */
const LIBRARY_NAME = 'hyperletter/library'
const SWARM_KEY_NAME = 'hyperletter/swarm'

/**
 * Does everything: owns the store, the library, the open feeds and the network of one data
 * directory. Exactly one engine has a directory; the lock on the store decides. It starts offline.
 */
export class Engine {
  readonly config: Config
  readonly logger: Logger
  readonly library: Library
  readonly feeds: Feeds
  readonly author: Author
  readonly #store: Corestore
  #network: Promise<Network> | undefined
  #closing: Promise<void> | undefined

  private constructor(
    options: EngineOptions,
    store: Corestore,
    library: Library,
    journal: Journal,
  ) {
    this.config = options.config
    this.logger = options.logger
    this.#store = store
    this.library = library
    this.feeds = new Feeds({
      store,
      library,
      logger: options.logger,
      onReopen: async (entry) => {
        if (entry !== undefined) await this.feed(entry)
      },
    })
    this.author = new Author({
      journal,
      logger: options.logger,
      flush: () => store.storage.db.flush(),
    })
  }

  /**
   * Takes the lock, opens the library and finishes what a crash interrupted.
   * @throws STORE_BUSY if another process has the directory; INVALID_INPUT if it cannot be made; DISK_FULL.
   */
  static async open(options: EngineOptions): Promise<Engine> {
    quietHypercore()
    const { config } = options
    const store = await openStore(config)
    try {
      const library = await Library.open(store.get({ name: LIBRARY_NAME }))
      if (library.unreadable > 0) {
        options.logger.warn({ entries: library.unreadable }, 'library entries of another version')
      }
      const journal = await Journal.open(config.journalDir)
      const engine = new Engine(options, store, library, journal)
      await engine.#recover(journal)
      return engine
    } catch (error) {
      await store.close().catch(() => undefined)
      throw error
    }
  }

  /** The network, if it was needed already. */
  get isOnline(): boolean {
    return this.#network !== undefined
  }

  /** Goes online, with every feed of the library, if that has not happened yet. Waits for nobody. */
  network(): Promise<Network> {
    if (this.#closing !== undefined) {
      return Promise.reject(new HyperletterError('ABORTED', 'The engine is closing.'))
    }
    this.#network ??= this.#goOnline()
    return this.#network
  }

  /** The network if the engine is online. */
  async networkIfOnline(): Promise<Network | undefined> {
    return this.#network
  }

  /** The feed of an entry; while online it is announced, downloaded and served too. */
  async feed(entry: LibraryEntry) {
    const feed = await this.feeds.get(entry)
    ;(await this.#network)?.start(feed)
    return feed
  }

  /** Forces what was written so far to disk. */
  flush(): Promise<void> {
    return onStore(() => this.#store.storage.db.flush())
  }

  /** Lets appends that have begun end, leaves the network, then closes feeds, library and store; every step runs even if one fails. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #goOnline(): Promise<Network> {
    const keyPair = await this.#store.createKeyPair(SWARM_KEY_NAME)
    const network = new Network({
      config: this.config,
      keyPair,
      logger: this.logger,
      replicate: (connection) => this.#store.replicate(connection),
    })
    for (const entry of this.library.list()) {
      const { feedKey } = entry
      try {
        network.start(await this.feeds.get(entry))
      } catch (err) {
        // One feed that cannot be opened must not keep the others offline.
        this.logger.error({ feed: short(feedKey), err }, 'a newsletter could not go online')
      }
    }
    return network
  }

  async #recover(journal: Journal): Promise<void> {
    for (const pending of await journal.pending()) {
      const { feedKey } = pending
      const entry = this.library.get(feedKey)
      try {
        // Interrupted before `create` had told anybody of the newsletter: there is nothing to finish.
        if (entry === undefined) {
          await journal.drop(feedKey)
          continue
        }
        await this.author.recover(await this.feeds.get(entry), pending)
      } catch (err) {
        this.logger.error(
          { feed: short(feedKey), err },
          'an interrupted publication could not be finished',
        )
      }
    }
  }

  async #close(): Promise<void> {
    const steps = [
      () => this.author.close(),
      async () => (await this.#network)?.close(),
      () => this.feeds.close(),
      () => this.library.close(),
      () => this.#store.close(),
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
