import { anySignal } from '../../async.ts'
import type { LiveConfig } from '../../config/live.ts'
import { defined } from '../../defined.ts'
import { hasCode, HyperletterError, type ErrorCode } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { LogFileSource } from '../../format/log-files/source.ts'
import { short, type Logger } from '../../logger.ts'
import type { Feeds } from '../feeds.ts'
import type { Library, LibraryEntry } from '../library/library.ts'
import { missingHere, takeFiles } from './last-resort.ts'
import { mirrorSource, type MirrorSourceOptions } from './mirror-source.ts'

/** How it went the last time that a mirror was asked. */
export type MirrorState =
  | 'not-asked'
  | 'good'
  /** It has an older log than this device knows. */
  | 'behind'
  /** What it sent is not what the author signed, or another newsletter. */
  | 'wrong'
  /** It has another history of the newsletter. */
  | 'conflict'
  /** Its address may not be asked. */
  | 'refused'
  | 'unreachable'

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

/** Delays, in milliseconds. */
export interface MirrorTimes {
  /** Between two looks at what is missing. */
  readonly lookEvery: number
  /** How long no peer must have delivered what none of them holds; shorter where somebody waits for it. */
  readonly patience: number
  readonly urgent: number
  /** How long no peer was there before a mirror is asked for news, and then how often; after a day, more rarely. */
  readonly alone: number
  readonly newsEvery: number
  readonly newsLaterEvery: number
  /** How long a mirror that failed is left alone; each time longer. */
  readonly afterFailure: number
  /** The same for one that sent what was never signed. */
  readonly afterWrong: number
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const TIMES: MirrorTimes = {
  lookEvery: 1_000,
  patience: 10_000,
  urgent: 2_000,
  alone: 30_000,
  newsEvery: HOUR_MS,
  newsLaterEvery: 6 * HOUR_MS,
  afterFailure: MINUTE_MS,
  afterWrong: 10 * MINUTE_MS,
}

/** As long as a device with peers for part of a day has none. */
const OFTEN_CHECKS = 24

const GROWTH_AFTER_FAILURE = 2
const GROWTH_AFTER_WRONG = 6
const LONGEST_MS = 7 * 24 * HOUR_MS

interface Known {
  state: MirrorState
  length?: number
  checkedAt?: number
  message?: string
  failures: number
  notBefore: number
  downloadedBytes: number
}

/** What is known of the need of one newsletter. */
interface Need {
  heldBlocks: number
  movedAt: number
  lookedAt: number
  aloneSince: number | undefined
  checks: number
  nextNewsAt: number
  /** Named by its author, as of a length of the log. */
  named: { readonly length: number; readonly addresses: readonly string[] }
}

export interface MirrorsOptions {
  readonly library: Library
  readonly feeds: Pick<Feeds, 'ifOpen'>
  readonly live: Pick<LiveConfig, 'value'>
  readonly logger: Logger
  /** Called when blocks came from a mirror. */
  readonly onStored: () => Promise<void>
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
  readonly #fetching = new Set<FeedKey>()
  readonly #urgent = new Map<FeedKey, number>()
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()

  constructor(options: MirrorsOptions) {
    this.#options = options
    this.#times = { ...TIMES, ...options.times }
  }

  /** Begins to look what is missing. May be called again. */
  begin(): void {
    if (this.#timer !== undefined || this.#abort.signal.aborted) return
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look())
    }, this.#times.lookEvery).unref()
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#abort.abort(new HyperletterError('ABORTED', 'The engine is closing.'))
    await this.#looking
  }

  /** Somebody waits for this newsletter until the returned function is called: what is missing is asked for sooner. */
  hurry(feedKey: FeedKey): () => void {
    this.#urgent.set(feedKey, (this.#urgent.get(feedKey) ?? 0) + 1)
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
    const own = entry.mirrors ?? []
    return [...own, ...named.filter((it) => !own.includes(it))].map((address) => {
      const known = this.#knownOf(entry.feedKey, address)
      const { state, length, checkedAt, message, downloadedBytes } = known
      return {
        address,
        from: own.includes(address) ? 'you' : 'author',
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
    const { live, sourceOf = mirrorSource, library } = this.#options
    const source = sourceOf(address, {
      isTyped,
      downloadLimit: live.value.downloadLimit,
      onBytes: (bytes) => (known.downloadedBytes += bytes),
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

  /**
   * Asks the mirrors that may be asked now, until one of them has what is missing; those that the user added also a
   * moment after the last time. Gives whether any was of use.
   */
  async fetchFromAny(entry: LibraryEntry, feed: Feed): Promise<boolean> {
    if (this.#options.live.value.mirrors === 'off') return false
    for (const address of entry.mirrors ?? []) {
      const known = this.#knownOf(entry.feedKey, address)
      if (known.state === 'good') known.notBefore = 0
    }
    return this.#fetchFromOne(feed, await this.#usable(entry, feed))
  }

  #failed(known: Known, error: unknown): void {
    const { code, message } = HyperletterError.from(error)
    if (code === 'ABORTED' || code === 'DISK_FULL') return
    known.state = STATES[code] ?? 'unreachable'
    known.message = message
    const isWrong = known.state === 'wrong' || known.state === 'conflict'
    const first = isWrong ? this.#times.afterWrong : this.#times.afterFailure
    const growth = isWrong ? GROWTH_AFTER_WRONG : GROWTH_AFTER_FAILURE
    known.notBefore = Date.now() + Math.min(first * growth ** known.failures, LONGEST_MS)
    known.failures++
  }

  async #look(): Promise<void> {
    if (this.#options.live.value.mirrors === 'off') return
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
    if (addresses.length === 0 || !this.#isDue(feed)) return session[Symbol.asyncDispose]()
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
  async #usable(entry: LibraryEntry, feed: Feed): Promise<[address: string, isTyped: boolean][]> {
    if (feed.writable) return []
    const own = entry.mirrors ?? []
    const mayAskNamed = this.#options.live.value.mirrors !== 'own'
    const named = mayAskNamed ? await this.#namedBy(feed) : []
    const all: [string, boolean][] = [
      ...own.map((it): [string, boolean] => [it, true]),
      ...named.filter((it) => !own.includes(it)).map((it): [string, boolean] => [it, false]),
    ]
    const now = Date.now()
    return all.filter(([it]) => this.#knownOf(entry.feedKey, it).notBefore <= now)
  }

  #isDue(feed: Feed): boolean {
    const now = Date.now()
    const need = this.#needOf(feed.feedKey)
    const { heldBlocks } = feed
    if (heldBlocks !== need.heldBlocks) Object.assign(need, { heldBlocks, movedAt: now })
    const isAlone = feed.log.peers.length === 0
    if (!isAlone) need.aloneSince = undefined
    else need.aloneSince ??= now
    if (feed.length === 0 ? isAlone : heldBlocks < feed.length) {
      const { urgent, patience } = this.#times
      const waitMs = this.#urgent.has(feed.feedKey) ? urgent : patience
      if (now - need.movedAt < waitMs) return false
      // To compare what is missing with what peers have takes a while, in a long log.
      if (now - need.lookedAt < waitMs) return false
      need.lookedAt = now
      if (feed.length === 0 || missingHere(feed).length > 0) return true
    }
    if (need.aloneSince === undefined || now - need.aloneSince < this.#times.alone) return false
    if (now < need.nextNewsAt) return false
    need.checks++
    const { newsEvery, newsLaterEvery } = this.#times
    const everyMs = need.checks > OFTEN_CHECKS ? newsLaterEvery : newsEvery
    // Not everybody at the same moment.
    need.nextNewsAt = now + everyMs * (1 + Math.random() / 4)
    return true
  }

  async #fetchFromOne(feed: Feed, addresses: [string, boolean][]): Promise<boolean> {
    const need = this.#needOf(feed.feedKey)
    const before = feed.length
    let isOfUse = false
    for (const [address, isTyped] of addresses) {
      const facts = { feed: short(feed.feedKey), mirror: new URL(address).host }
      try {
        await this.fetch(feed, address, isTyped)
        isOfUse = true
        if (feed.length > before) need.checks = 0
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
    const need = this.#needOf(feed.feedKey)
    const { length } = feed
    if (length === 0 || need.named.length === length) return need.named.addresses
    const profile = await feed.profile({ wait: false }).catch(() => undefined)
    // What cannot be read yet is asked for again.
    if (profile !== undefined) need.named = { length, addresses: profile.mirrors ?? [] }
    return need.named.addresses
  }

  #needOf(feedKey: FeedKey): Need {
    let need = this.#needs.get(feedKey)
    if (need === undefined) {
      const named = { length: 0, addresses: [] }
      const clock = { movedAt: Date.now(), lookedAt: 0, aloneSince: undefined, nextNewsAt: 0 }
      need = { heldBlocks: -1, checks: 0, named, ...clock }
      this.#needs.set(feedKey, need)
    }
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

const STATES: Partial<Record<ErrorCode, MirrorState>> = {
  FEED_BEHIND: 'behind',
  INVALID_LOG: 'wrong',
  INVALID_BUNDLE: 'wrong',
  FEED_CONFLICT: 'conflict',
  INVALID_INPUT: 'refused',
}
