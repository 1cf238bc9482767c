import type Corestore from 'corestore'
import type { KeyPair } from 'hypercore-crypto'
import { HyperletterError } from '../errors.ts'
import { Feed } from '../feed/feed.ts'
import { decompress } from './compression.ts'
import type { Library, LibraryEntry } from '../library/library.ts'
import { short, type Logger } from '../logger.ts'
import { keyBytes, type EncryptionKey, type FeedKey } from '../records/feed-key.ts'
import { parseLink } from '../records/link.ts'
import type { SigningKeyPair } from '../records/recovery.ts'
import { onStore } from '../storage-errors.ts'

export interface FeedsOptions {
  readonly store: Corestore
  readonly library: Library
  readonly logger: Logger
  /** A feed that was closed by a conflict should open again. */
  readonly onReopen: (entry: LibraryEntry | undefined) => Promise<void>
}

/** The feeds of the library, each opened once and kept open until it leaves the library. */
export class Feeds {
  readonly #store: Corestore
  readonly #library: Library
  readonly #logger: Logger
  readonly #onReopen: FeedsOptions['onReopen']
  readonly #open = new Map<FeedKey, Promise<Feed>>()

  constructor({ store, library, logger, onReopen }: FeedsOptions) {
    this.#store = store
    this.#library = library
    this.#logger = logger
    this.#onReopen = onReopen
  }

  /** The feed of a library entry. */
  get({ feedKey, encryptionKey }: Pick<LibraryEntry, 'feedKey' | 'encryptionKey'>): Promise<Feed> {
    return this.#remember(feedKey, () => this.#openCore({ key: keyBytes(feedKey) }, encryptionKey))
  }

  /** A feed that this device signs, made from its key pair. */
  async create(signing: SigningKeyPair, encryptionKey?: EncryptionKey): Promise<Feed> {
    const keyPair = {
      publicKey: Buffer.from(signing.publicKey),
      secretKey: Buffer.from(signing.secretKey),
    }
    const feed = await this.#openCore({ keyPair }, encryptionKey)
    this.#open.set(feed.feedKey, Promise.resolve(feed))
    return feed
  }

  /** Closes one feed, so that it can be opened anew with another key. */
  async release(feedKey: FeedKey): Promise<void> {
    const feed = this.#open.get(feedKey)
    this.#open.delete(feedKey)
    await (await feed?.catch(() => undefined))?.close()
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
    identity: { key: Uint8Array } | { keyPair: KeyPair },
    encryptionKey: EncryptionKey | undefined,
  ): Promise<Feed> {
    // History is append-only for readers: a core that was cut back and rewritten is not adopted.
    const core = await onStore(async () =>
      this.#store.get({
        ...identity,
        allowFork: false,
        ...(encryptionKey === undefined ? {} : { encryption: { key: keyBytes(encryptionKey) } }),
      }),
    )
    const feed = await Feed.open(core, decompress)
    core.on('conflict', () => this.#onConflict(feed.feedKey))
    return feed
  }

  // Hypercore closes every session of the core on both sides; what is held opens again, and is told so.
  #onConflict(feedKey: FeedKey): void {
    this.#logger.error(
      { feed: short(feedKey), code: 'FEED_CONFLICT' },
      'two histories under one feed key',
    )
    this.#open.delete(feedKey)
    const problem = {
      code: 'FEED_CONFLICT',
      message: 'Two histories exist under this feed key; what was held before stays readable.',
    }
    this.#library
      .update(feedKey, { problem })
      .then(() => this.#onReopen(this.#library.get(feedKey)))
      .catch((err: unknown) => this.#logger.error({ err }, 'after a conflict'))
  }
}

function feedKeyIn(reference: string): FeedKey | undefined {
  try {
    return parseLink(reference).feedKey
  } catch {
    return undefined
  }
}
