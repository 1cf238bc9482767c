import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Feed } from '../format/feed.ts'
import type { Library, LibraryEntry, Role } from './library/library.ts'
import { hasCode } from '../errors.ts'
import { hex } from '../hex.ts'
import { HistoryFile, listingMemory } from './history-file.ts'
import { short, type Logger } from '../logger.ts'
import { keyBytes, type EncryptionKey, type FeedKey } from '../format/keys/feed-key.ts'
import { KEEP_OPEN } from '../replication/idle/idle-feeds.ts'
import type { SigningKeyPair } from '../format/keys/recovery.ts'
import type { Network } from './network/network.ts'
import type { Log } from '../format/log.ts'
import { discoveryKeyOf } from '../log/keys.ts'
import type { Store } from '../log/store/store.ts'
import { decompress } from './compression.ts'
import { feedKeyFor, type SigningKeys } from './publish/author-files.ts'
import { FeedSessions, type FeedSession } from './feed-sessions.ts'

/** Folder of what is remembered of long logs, below the data directory. */
const HISTORIES = 'histories'

export interface FeedsOptions {
  readonly dataDir: string
  readonly store: Store
  readonly library: Library
  readonly logger: Logger
  readonly keys: SigningKeys
  readonly network: () => Promise<Network> | undefined
  readonly goOnline: () => Promise<Network>
  /** The log of a feed that this device signs has grown: from here, or because a peer had more. */
  readonly onGrown: (feed: Feed) => void
  /** A feed is open, and nothing of it has been fetched since. */
  readonly onOpen: (feed: Feed) => void
  /** Drops the blocks of a feed that nobody here wants any more. */
  readonly onDiscard: (feedKey: FeedKey) => Promise<void>
}

/** A newsletter with what it takes to read it. */
export type ReadingKeys = Pick<LibraryEntry, 'feedKey' | 'encryptionKey'>

export interface OpenOptions {
  /**
   * Whether the feed is announced, downloaded and served. `true` goes online for it, and looks for peers
   * while it opens; `false` leaves the network as it is. Absent: if this device is online.
   */
  readonly online?: boolean
  /**
   * The library need not know the newsletter, or not by this key: a feed that is open with another key opens
   * anew. After the last such session it is what the library says: discarded, or open with the key that is kept.
   */
  readonly temporary?: boolean
}

/** Gets the length of the log before it grew. */
export type GrowthListener = (feedKey: FeedKey, lengthBefore: number) => void

interface OpenFeed {
  readonly feed: Promise<Feed>
  readonly encryptionKey: EncryptionKey | undefined
}

/**
 * The life of feeds: each is opened once, however many sessions it has, and closes when it leaves the
 * library, or when it is idle and has no session.
 */
export class Feeds {
  readonly #options: FeedsOptions
  readonly #open = new Map<FeedKey, OpenFeed>()
  readonly #sessions: FeedSessions
  readonly #listings = listingMemory()
  readonly #growthListeners = new Set<GrowthListener>()
  /** Discovery keys of private newsletters, in hex. */
  readonly #private = new Set<string>()

  constructor(options: FeedsOptions) {
    this.#options = options
    this.#sessions = new FeedSessions(options.logger, (feedKey) => this.#revert(feedKey))
    for (const { feedKey, encryptionKey } of options.library.list()) {
      if (encryptionKey !== undefined) this.#private.add(topicOf(keyBytes(feedKey)))
    }
  }

  /** Opens a newsletter, or joins those who have it open. The caller disposes of the session. */
  async open(newsletter: ReadingKeys, options: OpenOptions = {}): Promise<FeedSession> {
    const open = () => this.#openAndStart(newsletter, options)
    return this.#sessions.begin(newsletter.feedKey, open, options)
  }

  /** A session of a feed that is open already, or about to be: a look at it, which keeps it open no longer than it takes. */
  async ifOpen(feedKey: FeedKey): Promise<FeedSession | undefined> {
    const open = this.#open.get(feedKey)
    if (open === undefined) return undefined
    return this.#sessions.begin(feedKey, () => open.feed, { isUse: false }).catch(() => undefined)
  }

  /** Opens a newsletter of the library for nobody: it is announced, downloaded and served until it is idle. */
  async start(newsletter: ReadingKeys, options?: OpenOptions): Promise<void> {
    const session = await this.open(newsletter, options)
    await session[Symbol.asyncDispose]()
  }

  /** As `start`, if the newsletter is in the library. */
  async startKnown(feedKey: FeedKey): Promise<void> {
    const entry = this.#options.library.get(feedKey)
    if (entry !== undefined) await this.start(entry)
  }

  /** Makes a newsletter that this device signs and opens it; its key pair is kept here. */
  async create(signing: SigningKeyPair, encryptionKey?: EncryptionKey): Promise<FeedSession> {
    const feedKey = feedKeyFor(signing)
    await this.#options.keys.keep(feedKey, signing)
    return this.#sessions.begin(feedKey, () => {
      const log = this.#options.store.createLog(signing, bytesOf(encryptionKey))
      const feed = this.#openNow({ feedKey, encryptionKey }, log)
      return this.#remember(feedKey, { feed, encryptionKey })
    })
  }

  /** Makes this device one that signs the newsletter. The next who opens it may append. */
  async claim(signing: SigningKeyPair): Promise<void> {
    const feedKey = feedKeyFor(signing)
    await this.#options.keys.keep(feedKey, signing)
    await this.stop(feedKey)
  }

  /** Takes a role away and, with the last one, the newsletter off the network and off the disk. */
  async leave({ feedKey }: ReadingKeys, role: Role): Promise<void> {
    const left = await this.#options.library.remove(feedKey, role)
    if (left === undefined) await this.#discard(feedKey)
  }

  /** Takes a feed off the network and closes it, also while it has sessions. */
  async stop(feedKey: FeedKey): Promise<void> {
    await (await this.#options.network())?.stop(feedKey)
    await this.closeFeed(feedKey)
  }

  /** Closes one feed, also while it has sessions; the next session opens it anew. */
  async closeFeed(feedKey: FeedKey): Promise<void> {
    const open = this.#open.get(feedKey)
    this.#open.delete(feedKey)
    await (await open?.feed.catch(() => undefined))?.close()
  }

  /** Closes a feed unless it has a session, or had one a moment ago. Gives whether it closes. */
  closeIfIdle(feedKey: FeedKey): boolean {
    if (!this.#sessions.isIdle(feedKey)) return false
    this.closeFeed(feedKey).catch((err: unknown) => this.#options.logger.warn({ err }, 'closing'))
    return true
  }

  /** Calls `listener` whenever the log of any feed has grown, until the returned function is called. */
  watchGrowth(listener: GrowthListener): () => void {
    this.#growthListeners.add(listener)
    return () => this.#growthListeners.delete(listener)
  }

  /** Whether a core is a newsletter that this device has the encryption key of. */
  isPrivate(discoveryKey: Uint8Array): boolean {
    return this.#private.has(hex(discoveryKey))
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.keys()].map((feedKey) => this.closeFeed(feedKey)))
  }

  async #openAndStart(newsletter: ReadingKeys, { online, temporary }: OpenOptions): Promise<Feed> {
    const { feedKey, encryptionKey } = newsletter
    const open = this.#open.get(feedKey)
    if (temporary === true && open !== undefined && open.encryptionKey !== encryptionKey) {
      await this.stop(feedKey)
    }
    const opening = this.#get(newsletter)
    if (online !== true) {
      const feed = await opening
      if (online === undefined) (await this.#options.network())?.start(feed)
      return feed
    }
    // It is awaited below.
    opening.catch(() => undefined)
    const network = await this.#options.goOnline()
    network.lookUp(feedKey)
    try {
      const feed = await opening
      network.start(feed)
      return feed
    } catch (error) {
      if (this.#options.library.get(feedKey) === undefined) await network.stop(feedKey)
      throw error
    }
  }

  async #discard(feedKey: FeedKey): Promise<void> {
    await (await this.#options.network())?.stop(feedKey)
    // It may be closed, and then nothing is known of its blocks.
    await this.#get({ feedKey })
    await this.#options.onDiscard(feedKey)
    await this.closeFeed(feedKey)
    await rm(this.#historyFile(feedKey), { force: true })
  }

  // After it was open with another key than the library has, or without being in the library.
  async #revert(feedKey: FeedKey): Promise<void> {
    const entry = this.#options.library.get(feedKey)
    const open = this.#open.get(feedKey)
    if (entry === undefined) await this.#discard(feedKey)
    else if (open !== undefined && open.encryptionKey !== entry.encryptionKey) {
      await this.stop(feedKey)
      await this.start(entry)
    }
  }

  async #get(newsletter: ReadingKeys): Promise<Feed> {
    const { feedKey, encryptionKey } = newsletter
    const known = this.#open.get(feedKey)
    if (known !== undefined && (await known.feed).log.isOpen) return known.feed
    // Another caller may have opened it anew meanwhile.
    const other = this.#open.get(feedKey)
    if (other !== undefined && other !== known) return other.feed
    const open = async () => {
      // Without it, the newsletter can still be read and served.
      const signing = await this.#options.keys.get(feedKey).catch((err: unknown) => {
        if (!hasCode(err, 'KEY_DAMAGED')) throw err
        this.#options.logger.error({ feed: short(feedKey), code: err.code }, err.message)
        return undefined
      })
      const secrets = { signing, encryptionKey: bytesOf(encryptionKey) }
      return this.#openNow(newsletter, this.#options.store.openLog(keyBytes(feedKey), secrets))
    }
    return this.#remember(feedKey, { feed: open(), encryptionKey })
  }

  #historyFile(feedKey: FeedKey): string {
    return join(this.#options.dataDir, HISTORIES, `${feedKey}.jsonl`)
  }

  #remember(feedKey: FeedKey, opening: OpenFeed): Promise<Feed> {
    this.#open.set(feedKey, opening)
    opening.feed.catch(() => {
      if (this.#open.get(feedKey) === opening) this.#open.delete(feedKey)
    })
    return opening.feed
  }

  async #openNow({ feedKey, encryptionKey }: ReadingKeys, opening: Promise<Log>): Promise<Feed> {
    // Known before a peer can ask for it.
    if (encryptionKey !== undefined) this.#private.add(topicOf(keyBytes(feedKey)))
    const log = await opening
    const store = new HistoryFile(this.#historyFile(feedKey), log)
    const feed = new Feed(log, decompress, { store, memory: this.#listings })
    log.events.on('watchers', 'conflict', (...other) => this.#onConflict(feed, ...other))
    let { length } = log
    log.events.on('watchers', 'append', () => {
      const before = length
      length = log.length
      if (feed.writable) this.#options.onGrown(feed)
      const { library, logger } = this.#options
      // Where a library is so small that all of it is open, nobody asks.
      if (library.size > KEEP_OPEN) {
        library
          .noteActive(feed.feedKey)
          .catch((err: unknown) => logger.debug({ err }, 'could not note activity'))
      }
      for (const listener of this.#growthListeners) listener(feed.feedKey, before)
    })
    this.#options.onOpen(feed)
    return feed
  }

  // Hypercore closes every session of the core on both sides; what is held opens again, with a mark.
  #onConflict({ feedKey, log }: Feed, length: number, fork: number): void {
    const { library, logger } = this.#options
    const facts = { feed: short(feedKey), code: 'FEED_CONFLICT' }
    logger.error(facts, 'two histories under one feed key')
    this.#open.delete(feedKey)
    const peers = log.peers.map((it) => short(hex(it.publicKey)))
    const evidence = { length, fork, peers, foundAt: new Date().toISOString() }
    const problem = {
      code: 'FEED_CONFLICT',
      message: 'Two histories exist under this feed key; what was held before stays readable.',
      evidence,
    }
    library
      .update(feedKey, { problem })
      .then(() => this.startKnown(feedKey))
      .catch((err: unknown) => logger.error({ err }, 'after a conflict'))
  }
}

function topicOf(key: Uint8Array): string {
  return hex(discoveryKeyOf(key))
}

function bytesOf(key: EncryptionKey | undefined): Uint8Array | undefined {
  return key === undefined ? undefined : keyBytes(key)
}
