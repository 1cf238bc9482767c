import { hasCode, HyperletterError } from '../../errors.ts'
import { Feed } from '../../format/feed.ts'
import type { LogPeer } from '../../format/log.ts'
import { webSource } from '../../format/log-files/source.ts'
import { UNDECIDED } from '../../format/selection.ts'
import { missingHere, takeFiles } from '../../engine/mirrors/last-resort.ts'
import type { HypercoreLog } from '../../log/hypercore-log.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import { Downloader } from '../../replication/downloader.ts'
import { SerialQueue } from '../../async.ts'
import { keyPairOf } from '../../log/keys.ts'
import { Gateways } from './gateways.ts'
import { OtherTabs } from './other-tabs.ts'
import { roomFor, selectionFor } from './space.ts'
import { keepStorage, openTabLog, storageQuota, takeLock, type TabLogOptions } from './tab-log.ts'

/** Most that a tab sends, to all together. */
const UPLOAD = { perSecond: 256 * 1024, burst: 256 * 1024 }

/** How long gateways are waited for before log files are read instead. */
const GATEWAYS_FIRST_MS = 3_000

/** How often log files are looked at where there is no gateway. */
const FILES_EVERY_MS = 5 * 60_000

export interface PeerOptions extends TabLogOptions {
  /** Addresses of WebSockets of gateways, best first. */
  readonly gateways: readonly string[]
  /** Folders of log files. */
  readonly bases: readonly string[]
  readonly isCarrying: boolean
  readonly isFollowed: boolean
  /** Called when anything of `PeerState` has changed, often. */
  readonly onChange: () => void
}

/** How it goes with a peer. Sizes are in bytes. */
export interface PeerState {
  readonly isCarrying: boolean
  readonly isFollowed: boolean
  readonly gateways: number
  readonly tabs: number
  /** Gateways that sent what the author did not sign. */
  readonly refused: readonly string[]
  /** Peers that got blocks from here. */
  readonly readers: number
  readonly sentBytes: number
  readonly length: number
  readonly byteLength: number
  readonly heldBlocks: number
  /** Why nothing more is kept: `DISK_FULL`, `FEED_CONFLICT`. */
  readonly failure: string | undefined
}

/**
 * This tab as a peer of one newsletter: what it holds lies in IndexedDB, comes from gateways, other tabs or log files, and
 * goes to whoever asks. A tab that carries nothing connects to nobody: it takes log files alone.
 */
export class TabPeer {
  readonly feed: Feed
  readonly #log: HypercoreLog
  readonly #options: PeerOptions
  readonly #unlock: () => void
  readonly #limiter = new RateLimiter(UPLOAD)
  readonly #readers = new Set<LogPeer>()
  readonly #plans = new SerialQueue()
  readonly #abort = new AbortController()
  #gateways: Gateways | undefined
  #tabs: OtherTabs | undefined
  #downloader: Downloader | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #sentBytes = 0
  #failure: string | undefined
  #isCarrying: boolean
  #isFollowed: boolean

  private constructor(log: HypercoreLog, unlock: () => void, options: PeerOptions) {
    this.#log = log
    this.#unlock = unlock
    this.#options = options
    this.#isCarrying = options.isCarrying
    this.#isFollowed = options.isFollowed
    this.feed = new Feed(log)
    this.feed.select(UNDECIDED)
    const { events } = log
    events.on('watchers', 'upload', (_, bytes, peer) => {
      this.#sentBytes += bytes
      this.#readers.add(peer)
      options.onChange()
    })
    events.on('watchers', 'download', options.onChange)
    events.on('watchers', 'append', () => {
      options.onChange()
      void this.#plan()
    })
    events.on('watchers', 'bad-block', (error) => {
      if (hasCode(error, 'DISK_FULL')) this.#fail('DISK_FULL')
    })
    events.on('watchers', 'conflict', () => this.#fail('FEED_CONFLICT'))
  }

  /**
   * Opens what this browser keeps of a newsletter, and begins to complete it.
   * @param wait until no other tab has it.
   * @returns undefined if another tab has it, and `wait` is false.
   * @throws Error where the browser keeps nothing.
   */
  static async open(options: PeerOptions, wait: boolean): Promise<TabPeer | undefined> {
    const unlock = await takeLock(options.feedKey, wait)
    if (unlock === undefined) return undefined
    try {
      const peer = new TabPeer(await openTabLog(options), unlock, options)
      void peer.#plan()
      peer.#connect()
      return peer
    } catch (error) {
      unlock()
      throw error
    }
  }

  get state(): PeerState {
    const { length, byteLength } = this.#log
    return {
      isCarrying: this.#isCarrying,
      isFollowed: this.#isFollowed,
      gateways: this.#gateways?.connected ?? 0,
      tabs: this.#tabs?.connected ?? 0,
      refused: this.#gateways?.refused ?? [],
      readers: this.#readers.size,
      sentBytes: this.#sentBytes,
      length,
      byteLength,
      heldBlocks: this.#log.countHeld({ start: 0, end: length }),
      failure: this.#failure,
    }
  }

  /** Whether others get what is held here. */
  carry(isCarrying: boolean): void {
    this.#isCarrying = isCarrying
    this.#disconnect()
    this.#connect()
    this.#options.onChange()
  }

  /** Keeps all of the newsletter, as far as there is room, and asks the browser not to delete it by itself. */
  async follow(): Promise<void> {
    this.#isFollowed = true
    await keepStorage()
    await this.#plan()
    this.#options.onChange()
  }

  async close(): Promise<void> {
    this.#abort.abort(new HyperletterError('ABORTED', 'The newsletter was closed.'))
    clearTimeout(this.#timer)
    this.#disconnect()
    this.#downloader?.close()
    await this.feed.close()
    this.#unlock()
  }

  #connect(): void {
    const { gateways, onChange } = this.#options
    clearTimeout(this.#timer)
    if (this.#failure !== undefined || this.#abort.signal.aborted) return
    if (this.#isCarrying && gateways.length > 0) {
      const shared = { log: this.#log, keyPair: keyPairOf(), limiter: this.#limiter }
      const tabs = new OtherTabs(shared, onChange)
      this.#tabs = tabs
      this.#gateways = new Gateways(shared, gateways, {
        onOpen: (connection, address) => tabs.meetAt(connection, address),
        onChange,
      })
    }
    this.#takeFilesIn(this.#gateways === undefined ? 0 : GATEWAYS_FIRST_MS)
  }

  #disconnect(): void {
    this.#gateways?.close()
    this.#gateways = undefined
    this.#tabs?.close()
    this.#tabs = undefined
  }

  #takeFilesIn(ms: number): void {
    this.#timer = setTimeout(() => {
      void (async () => {
        // Other tabs may be anybody, and have nothing.
        if ((this.#gateways?.connected ?? 0) === 0) await this.#takeFiles()
        if (!this.#abort.signal.aborted) this.#takeFilesIn(FILES_EVERY_MS)
      })()
    }, ms)
  }

  // What cannot be had from one address may be had from another, or later.
  async #takeFiles(): Promise<void> {
    const { signal } = this.#abort
    const options = { signal, onHead: () => undefined, flush: () => Promise.resolve() }
    for (const base of this.#options.bases) {
      if (this.#failure !== undefined) return
      try {
        await takeFiles(this.feed, webSource(base), options)
        await this.#plan()
        // Only the length was known of it, from which follows what is wanted.
        if (missingHere(this.feed).length > 0) await takeFiles(this.feed, webSource(base), options)
        return
      } catch (error) {
        if (hasCode(error, 'DISK_FULL')) this.#fail('DISK_FULL')
        if (hasCode(error, 'FEED_CONFLICT')) this.#fail('FEED_CONFLICT')
      }
    }
  }

  #plan(): Promise<void> {
    return this.#plans.run(async () => {
      if (this.#log.length === 0 || this.#failure !== undefined) return
      try {
        const bytes = roomFor(await storageQuota(), this.#isFollowed)
        const selection = await selectionFor(this.feed, bytes)
        if (this.#abort.signal.aborted) return
        this.feed.select(selection)
        this.#downloader ??= new Downloader(this.feed, () => undefined)
      } catch {
        // Of what cannot be listed now, nothing is chosen until there is more of it.
      }
    })
  }

  #fail(failure: 'DISK_FULL' | 'FEED_CONFLICT'): void {
    this.#failure ??= failure
    this.#downloader?.close()
    this.#disconnect()
    this.#options.onChange()
  }
}
