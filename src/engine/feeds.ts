import type Corestore from 'corestore'
import crypto, { type KeyPair } from 'hypercore-crypto'
import Hypercore, { type ManifestInput } from 'hypercore'
import { defined } from '../defined.ts'
import { HyperletterError } from '../errors.ts'
import { Feed } from '../format/feed.ts'
import { decompress } from './compression.ts'
import type { Library, LibraryEntry } from './library/library.ts'
import { hex } from '../hex.ts'
import { short, type Logger } from '../logger.ts'
import { feedKeyOf, keyBytes, type EncryptionKey, type FeedKey } from '../format/keys/feed-key.ts'
import { parseLink } from '../format/keys/link.ts'
import { KEEP_OPEN } from '../replication/idle/idle-feeds.ts'
import type { SigningKeyPair } from '../format/keys/recovery.ts'
import { onStore } from '../storage-errors.ts'
import type { SigningKeys } from './publish/signing-keys.ts'
import type { Use } from './use.ts'

export interface FeedsOptions {
  readonly store: Corestore
  readonly library: Library
  readonly logger: Logger
  readonly keys: SigningKeys
  /** Told of every feed that somebody gets. */
  readonly use: Use
  /** The log of a feed that this device signs has grown: from here, or because a peer had more. */
  readonly onGrown: (feed: Feed) => void
  /** A feed is open, and nothing of it has been fetched since. */
  readonly onOpen: (feed: Feed) => void
  /** A feed that was closed by a conflict should open again. */
  readonly onReopen: (entry: LibraryEntry | undefined) => Promise<void>
}

/** Gets the length of the log before it grew. */
export type GrowthListener = (feedKey: FeedKey, lengthBefore: number) => void

/** How long a feed that was used stays open at least, in milliseconds. */
const IDLE_MS = 60_000

/** How often it is remembered that a newsletter is active. */
const NOTE_ACTIVITY_MS = 10 * 60_000

/** The feeds of the library, each opened once and kept open until it leaves the library or rests. */
export class Feeds {
  readonly #store: Corestore
  readonly #library: Library
  readonly #logger: Logger
  readonly #keys: SigningKeys
  readonly #use: Use
  readonly #onGrown: FeedsOptions['onGrown']
  readonly #onOpen: FeedsOptions['onOpen']
  readonly #onReopen: FeedsOptions['onReopen']
  readonly #open = new Map<FeedKey, Promise<Feed>>()
  readonly #growthListeners = new Set<GrowthListener>()
  /** Discovery keys of private newsletters, in hex. */
  readonly #private = new Set<string>()

  constructor({ store, library, logger, keys, use, onGrown, onOpen, onReopen }: FeedsOptions) {
    this.#store = store
    this.#library = library
    this.#logger = logger
    this.#keys = keys
    this.#onGrown = onGrown
    this.#onOpen = onOpen
    this.#onReopen = onReopen
    this.#use = use
    for (const { feedKey, encryptionKey } of library.list()) {
      if (encryptionKey !== undefined) this.#private.add(topicOf(keyBytes(feedKey)))
    }
  }

  /** The feed of a library entry. */
  get({ feedKey, encryptionKey }: Pick<LibraryEntry, 'feedKey' | 'encryptionKey'>): Promise<Feed> {
    this.#use.note(feedKey)
    return this.#remember(feedKey, async () => {
      const signing = await this.#keys.get(feedKey)
      return this.#openCore({ key: keyBytes(feedKey) }, { signing, encryptionKey })
    })
  }

  /** The feed of a newsletter if it is open, or about to be. */
  opened(feedKey: FeedKey): Promise<Feed> | undefined {
    return this.#open.get(feedKey)
  }

  /** A feed that this device signs, made from its key pair, which this device keeps. */
  async create(signing: SigningKeyPair, encryptionKey?: EncryptionKey): Promise<Feed> {
    const manifest = manifestOf(signing)
    await this.#keys.keep(feedKeyFor(signing), signing)
    const feed = await this.#openCore({ manifest }, { signing, encryptionKey })
    this.#use.note(feed.feedKey)
    this.#open.set(feed.feedKey, Promise.resolve(feed))
    return feed
  }

  /** Makes this device one that signs the feed, which opens anew. */
  async claim(signing: SigningKeyPair, encryptionKey?: EncryptionKey): Promise<Feed> {
    const feedKey = feedKeyFor(signing)
    await this.#keys.keep(feedKey, signing)
    await this.release(feedKey)
    return this.get({ feedKey, encryptionKey })
  }

  /** Closes one feed, so that it can be opened anew with another key. */
  async release(feedKey: FeedKey): Promise<void> {
    const feed = this.#open.get(feedKey)
    this.#open.delete(feedKey)
    await (await feed?.catch(() => undefined))?.close()
  }

  /** Calls `listener` whenever the log of any feed has grown, until the returned function is called. */
  watchGrowth(listener: GrowthListener): () => void {
    this.#growthListeners.add(listener)
    return () => this.#growthListeners.delete(listener)
  }

  /** Closes a feed unless somebody may be using it. Gives whether it does; the next who gets it opens it anew. */
  rest(feedKey: FeedKey): boolean {
    if (this.#use.isUsed(feedKey, IDLE_MS)) return false
    this.release(feedKey).catch((err: unknown) => this.#logger.warn({ err }, 'closing'))
    return true
  }

  /** Whether a core is a newsletter that this device has the encryption key of. */
  isPrivate(discoveryKey: Uint8Array): boolean {
    return this.#private.has(hex(discoveryKey))
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.keys()].map((feedKey) => this.release(feedKey)))
  }

  /**
   * The library entry that a person means: a link, a feed key, a title, or the unique beginning of a
   * feed key or title.
   * @throws NEWSLETTER_NOT_FOUND; INVALID_INPUT if several match.
   */
  resolve(reference: string): LibraryEntry {
    const entries = this.#library.list()
    const exact = entries.filter((it) => it.feedKey === feedKeyIn(reference))
    const wanted = reference.trim().toLowerCase()
    const titled = entries.filter((it) => it.title?.toLowerCase() === wanted)
    const begun = entries.filter(
      (it) =>
        wanted !== '' &&
        (it.feedKey.startsWith(wanted) || it.title?.toLowerCase().startsWith(wanted)),
    )
    const matches = [exact, titled, begun].find((it) => it.length > 0) ?? []
    const [match] = matches
    if (match === undefined) {
      throw new HyperletterError(
        'NEWSLETTER_NOT_FOUND',
        `No newsletter here is called "${reference.slice(0, 80)}".`,
      )
    }
    if (matches.length === 1) return match
    const keys = matches.map((it) => short(it.feedKey)).join(', ')
    throw new HyperletterError(
      'INVALID_INPUT',
      `"${reference.slice(0, 80)}" may be any of ${keys}.`,
      {
        hint: 'Name it by the beginning of its feed key.',
      },
    )
  }

  async #remember(feedKey: FeedKey, open: () => Promise<Feed>): Promise<Feed> {
    const known = this.#open.get(feedKey)
    if (known !== undefined && !(await known).core.closing) return known
    // Another caller may have opened it anew meanwhile.
    const other = this.#open.get(feedKey)
    if (other !== undefined && other !== known) return other
    const opening = open()
    this.#open.set(feedKey, opening)
    opening.catch(() => this.#open.delete(feedKey))
    return opening
  }

  async #openCore(
    identity: { key: Uint8Array } | { manifest: ManifestInput },
    { signing, encryptionKey }: Secrets,
  ): Promise<Feed> {
    const encryption = encryptionKey === undefined ? undefined : { key: keyBytes(encryptionKey) }
    // Known before a peer can ask for it.
    if (encryption !== undefined) {
      this.#private.add(
        topicOf('key' in identity ? identity.key : Hypercore.key(identity.manifest)),
      )
    }
    // History is append-only for readers: a core that was cut back and rewritten is not adopted.
    const options = { allowFork: false, ...defined({ encryption }) }
    // Made with a key pair, a core would keep it in the store; given to a later session, it is not kept.
    const made = await onStore(async () => this.#store.get({ ...identity, ...options }))
    let core = made
    if (signing !== undefined) {
      await onStore(() => made.ready())
      const keyPair = keyPairOf(signing)
      core = await onStore(async () => this.#store.get({ key: made.id ?? '', keyPair, ...options }))
    }
    const feed = await Feed.open(core, decompress)
    if (core !== made) await made.close()
    core.on('conflict', (length, fork) => this.#onConflict(feed, length, fork))
    if (feed.writable) core.on('append', () => this.#onGrown(feed))
    let { length } = core
    core.on('append', () => {
      const before = length
      length = core.length
      this.#noteActivity(feed.feedKey)
      for (const listener of this.#growthListeners) listener(feed.feedKey, before)
    })
    this.#onOpen(feed)
    return feed
  }

  // Where a library is so small that all of it is open, nobody asks.
  #noteActivity(feedKey: FeedKey): void {
    const now = Date.now()
    const { activeAt } = this.#library.get(feedKey) ?? {}
    if (this.#library.size <= KEEP_OPEN || this.#library.get(feedKey) === undefined) return
    if (activeAt !== undefined && now - Date.parse(activeAt) < NOTE_ACTIVITY_MS) return
    this.#library
      .update(feedKey, { activeAt: new Date(now).toISOString() })
      .catch((err: unknown) => this.#logger.debug({ err }, 'could not note activity'))
  }

  // Hypercore closes every session of the core on both sides; what is held opens again, and is told so.
  #onConflict({ feedKey, core }: Feed, length: number, fork: number): void {
    this.#logger.error(
      { feed: short(feedKey), code: 'FEED_CONFLICT' },
      'two histories under one feed key',
    )
    this.#open.delete(feedKey)
    const peers = core.peers.map((it) => short(it.remotePublicKey.toString('hex')))
    const evidence = { length, fork, peers, foundAt: new Date().toISOString() }
    const problem = {
      code: 'FEED_CONFLICT',
      message: 'Two histories exist under this feed key; what was held before stays readable.',
      evidence,
    }
    this.#library
      .update(feedKey, { problem })
      .then(() => this.#onReopen(this.#library.get(feedKey)))
      .catch((err: unknown) => this.#logger.error({ err }, 'after a conflict'))
  }
}

interface Secrets {
  readonly signing: SigningKeyPair | undefined
  readonly encryptionKey: EncryptionKey | undefined
}

/** The feed key of the newsletter that a key pair signs. */
export function feedKeyFor(signing: SigningKeyPair): FeedKey {
  return feedKeyOf(Hypercore.key(manifestOf(signing)))
}

function manifestOf({ publicKey }: SigningKeyPair): ManifestInput {
  return { version: 1, signers: [{ publicKey: Buffer.from(publicKey) }] }
}

function keyPairOf({ publicKey, secretKey }: SigningKeyPair): KeyPair {
  return { publicKey: Buffer.from(publicKey), secretKey: Buffer.from(secretKey) }
}

function feedKeyIn(reference: string): FeedKey | undefined {
  try {
    return parseLink(reference).feedKey
  } catch {
    return undefined
  }
}

function topicOf(key: Uint8Array): string {
  return hex(crypto.discoveryKey(Buffer.from(key)))
}
