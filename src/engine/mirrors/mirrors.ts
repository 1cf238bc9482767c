import { anySignal } from '../../async.ts'
import type { LiveConfig } from '../../config/live.ts'
import { defined } from '../../defined.ts'
import { hasCode, HyperletterError } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { LogFileSource } from '../../format/log-files/source.ts'
import { short, type Logger } from '../../logger.ts'
import type { Feeds } from '../feeds.ts'
import type { Library, LibraryEntry } from '../library/library.ts'
import { missingHere, takeFiles } from './last-resort.ts'
import {
  mirrorSource,
  STATE_AFTER,
  type Known,
  type MirrorSourceOptions,
  type MirrorState,
} from './mirror-source.ts'
import { MIRROR_TIMES, Need, type MirrorTimes } from './need.ts'

export interface Mirror {
  readonly address: string
  /** Whether its user added it here, or its author named it. */
  readonly from: 'you' | 'author'
  readonly state: MirrorState
  /** Blocks of the log there. */
  readonly length?: number
  readonly checkedAt?: string
  /** Why it was not used. */
  readonly message?: string
  readonly downloadedBytes: number
}

const GROWTH_AFTER_FAILURE = 2
const GROWTH_AFTER_WRONG = 6
const LONGEST_MS = 7 * 24 * 60 * 60_000

/** Looks are rarer by this where nobody waits. */
const RARELY = 5

type Address = readonly [address: string, isTyped: boolean]

export interface MirrorsOptions {
  readonly library: Library
  readonly feeds: Pick<Feeds, 'ifOpen'>
  readonly live: Pick<LiveConfig, 'value'>
  readonly logger: Logger
  readonly onStored: () => Promise<void>
  readonly onBytes: (feedKey: FeedKey, bytes: number) => void
  readonly times?: Partial<MirrorTimes> | undefined
  /** Where log files are; a web server at that address when absent. */
  readonly sourceOf?: (address: string, options: MirrorSourceOptions) => LogFileSource
}

/**
 * Web servers that have the log of a newsletter as files: asked for what no connected peer has, and for news where
 * there is no peer. Nothing that they send is believed: see `VerifiedFiles`.
 */
export class Mirrors {
  readonly #options: MirrorsOptions
  readonly #times: MirrorTimes
  readonly #known = new Map<string, Known>()
  readonly #needs = new Map<FeedKey, Need>()
  /** Named by the author of a newsletter, as of a length of its log. */
  readonly #named = new Map<FeedKey, { length: number; addresses: readonly string[] }>()
  readonly #fetching = new Set<FeedKey>()
  readonly #urgent = new Map<FeedKey, number>()
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(options: MirrorsOptions) {
    this.#options = options
    this.#times = { ...MIRROR_TIMES, ...options.times }
  }

  /** Begins to look what is missing. May be called again. */
  begin(): void {
    if (this.#timer === undefined) this.#lookSoon()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#abort.abort(new HyperletterError('ABORTED', 'The engine is closing.'))
    await this.#looking
  }

  /** Somebody waits for this newsletter until the returned function is called: what is missing is asked for sooner. */
  hurry(feedKey: FeedKey): () => void {
    this.#urgent.set(feedKey, (this.#urgent.get(feedKey) ?? 0) + 1)
    if (this.#timer !== undefined) this.#lookSoon()
    return () => {
      const left = (this.#urgent.get(feedKey) ?? 1) - 1
      if (left > 0) this.#urgent.set(feedKey, left)
      else this.#urgent.delete(feedKey)
    }
  }

  /** The mirrors of a newsletter, and how it stands with each. */
  async list(entry: LibraryEntry): Promise<Mirror[]> {
    await using session = await this.#options.feeds.ifOpen(entry.feedKey)
    const named = session === undefined ? [] : await this.#namedBy(session.feed)
    return allOf(entry, named).map(([address, isTyped]) => {
      const known = this.#knownOf(entry.feedKey, address)
      const { state, length, checkedAt, message, downloadedBytes } = known
      return {
        address,
        from: isTyped ? 'you' : 'author',
        state,
        ...defined({ length, message }),
        ...(checkedAt !== undefined && { checkedAt: new Date(checkedAt).toISOString() }),
        downloadedBytes,
      }
    })
  }

  /**
   * Fetches now what a mirror has and this device lacks.
   * @throws INVALID_LOG, FEED_CONFLICT, NOT_AVAILABLE; FEED_BEHIND if its log is shorter; DISK_FULL, ABORTED.
   */
  async fetch(feed: Feed, address: string, isTyped: boolean, signal?: AbortSignal): Promise<void> {
    const known = this.#knownOf(feed.feedKey, address)
    const { live, sourceOf = mirrorSource, library, onBytes } = this.#options
    const source = sourceOf(address, {
      isTyped,
      downloadLimit: live.value.downloadLimit,
      onBytes: (bytes) => {
        known.downloadedBytes += bytes
        onBytes(feed.feedKey, bytes)
      },
    })
    known.checkedAt = Date.now()
    try {
      await takeFiles(feed, source, {
        signal: anySignal(this.#abort.signal, signal),
        onHead: (length) => (known.length = length),
        flush: () => this.#options.onStored(),
      })
      Object.assign(known, { state: 'good', failures: 0, message: undefined })
      const pauseMs = isTyped ? this.#times.afterFailure : this.#times.newsEvery
      known.notBefore = Date.now() + pauseMs
    } catch (error) {
      this.#failed(known, error)
      if (hasCode(error, 'FEED_CONFLICT')) await library.noteFork(feed.feedKey, feed.length)
      throw error
    }
  }

  get #mayAsk(): boolean {
    const { mirrors, pause } = this.#options.live.value
    return mirrors !== 'off' && !pause
  }

  /**
   * Asks the mirrors that may be asked now, until one of them has what is missing; those that the user added also a
   * moment after the last time. Gives whether any was of use.
   */
  async fetchFromAny(entry: LibraryEntry, feed: Feed): Promise<boolean> {
    if (!this.#mayAsk) return false
    for (const address of entry.mirrors ?? []) {
      const known = this.#knownOf(entry.feedKey, address)
      if (known.state === 'good') known.notBefore = 0
    }
    return this.#fetchFromOne(feed, await this.#usable(entry, feed))
  }

  #failed(known: Known, error: unknown): void {
    const { code, message } = HyperletterError.from(error)
    if (code === 'ABORTED' || code === 'DISK_FULL') return
    known.state = STATE_AFTER[code] ?? 'unreachable'
    known.message = message
    const isWrong = known.state === 'wrong' || known.state === 'conflict'
    const first = isWrong ? this.#times.afterWrong : this.#times.afterFailure
    const growth = isWrong ? GROWTH_AFTER_WRONG : GROWTH_AFTER_FAILURE
    known.notBefore = Date.now() + Math.min(first * growth ** known.failures, LONGEST_MS)
    known.failures++
  }

  // Where nobody waits each look would wake a processor that rests.
  #lookSoon(): void {
    if (this.#abort.signal.aborted) return
    clearTimeout(this.#timer)
    const everyMs = this.#times.lookEvery * (this.#urgent.size > 0 ? 1 : RARELY)
    this.#timer = setTimeout(() => {
      this.#looking = this.#looking.then(() => this.#look())
      this.#lookSoon()
    }, everyMs).unref()
  }

  async #look(): Promise<void> {
    if (!this.#mayAsk) return
    for (const entry of this.#options.library.list()) {
      if (this.#abort.signal.aborted) return
      if (this.#fetching.has(entry.feedKey)) continue
      try {
        await this.#lookAt(entry)
      } catch (err) {
        this.#options.logger.debug({ feed: short(entry.feedKey), err }, 'mirrors')
      }
    }
  }

  async #lookAt(entry: LibraryEntry): Promise<void> {
    const { feedKey } = entry
    const session = await this.#options.feeds.ifOpen(feedKey)
    if (session === undefined) return
    const { feed } = session
    const addresses = await this.#usable(entry, feed).catch(() => [])
    if (addresses.length === 0 || !this.#needOf(feedKey).isDue(feed, this.#urgent.has(feedKey)))
      return session[Symbol.asyncDispose]()
    this.#fetching.add(feedKey)
    const fetching = async () => {
      try {
        await this.#fetchFromOne(feed, addresses)
      } finally {
        this.#fetching.delete(feedKey)
        await session[Symbol.asyncDispose]()
      }
    }
    // One slow server keeps no other newsletter waiting.
    fetching().catch((err: unknown) => this.#options.logger.debug({ err }, 'mirrors'))
  }

  // Those that may be asked now, own ones first.
  async #usable(entry: LibraryEntry, feed: Feed): Promise<Address[]> {
    if (feed.writable) return []
    const mayAskNamed = this.#options.live.value.mirrors !== 'own'
    const all = allOf(entry, mayAskNamed ? await this.#namedBy(feed) : [])
    const now = Date.now()
    return all.filter(([it]) => this.#knownOf(entry.feedKey, it).notBefore <= now)
  }

  async #fetchFromOne(feed: Feed, addresses: readonly Address[]): Promise<boolean> {
    const need = this.#needOf(feed.feedKey)
    const before = feed.length
    let isOfUse = false
    for (const [address, isTyped] of addresses) {
      const facts = { feed: short(feed.feedKey), mirror: new URL(address).host }
      const isKnown = isTyped || this.#knownOf(feed.feedKey, address).state === 'good'
      if (!isKnown && !need.mayTry()) continue
      try {
        await this.fetch(feed, address, isTyped)
        isOfUse = true
        if (feed.length > before) need.hasNews()
        this.#options.logger.debug(facts, 'fetched from a mirror')
        if (missingHere(feed).length === 0) return true
      } catch (error) {
        const { code, message } = HyperletterError.from(error)
        this.#options.logger.info({ ...facts, code }, `a mirror was not used: ${message}`)
      }
    }
    return isOfUse
  }

  async #namedBy(feed: Feed): Promise<readonly string[]> {
    const { length } = feed
    const before = this.#named.get(feed.feedKey) ?? { length: 0, addresses: [] }
    if (length === 0 || before.length === length) return before.addresses
    const profile = await feed.profile({ wait: false }).catch(() => undefined)
    // What cannot be read yet is asked for again.
    if (profile === undefined) return before.addresses
    const addresses = profile.mirrors ?? []
    this.#named.set(feed.feedKey, { length, addresses })
    const own = this.#options.library.get(feed.feedKey)?.mirrors
    for (const it of before.addresses) {
      if (!addresses.includes(it) && own?.includes(it) !== true)
        this.#known.delete(`${feed.feedKey} ${it}`)
    }
    return addresses
  }

  #needOf(feedKey: FeedKey): Need {
    const need = this.#needs.get(feedKey) ?? new Need(this.#times)
    this.#needs.set(feedKey, need)
    return need
  }

  #knownOf(feedKey: FeedKey, address: string): Known {
    const key = `${feedKey} ${address}`
    const known = this.#known.get(key) ?? {
      state: 'not-asked',
      failures: 0,
      notBefore: 0,
      downloadedBytes: 0,
    }
    this.#known.set(key, known)
    return known
  }
}

/** Those that the user added, and after them those that only the author named. */
function allOf({ mirrors = [] }: LibraryEntry, named: readonly string[]): Address[] {
  return [...new Set([...mirrors, ...named])].map((it) => [it, mirrors.includes(it)])
}
