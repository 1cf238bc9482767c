import type { Feed } from '../../format/feed.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import type { Seeding, Traffic } from '../seeding.ts'
import type { LogState } from './wakeup.ts'
import { hex } from '../../hex.ts'

/** Opens and closes the logs of newsletters. */
export interface FeedOpener {
  /** Opens a newsletter and has the network start it. */
  readonly open: (feedKey: FeedKey) => Promise<unknown>
  /** Closes a newsletter unless it is in use. Gives whether it does. */
  readonly close: (feedKey: FeedKey) => boolean
  /** What is stored of a log that is not open; undefined for nothing. */
  readonly readHead: (discoveryKey: Uint8Array) => Promise<LogState | undefined>
}

/** A newsletter that takes part in the network. */
export interface KnownFeed {
  readonly feedKey: FeedKey
  readonly discoveryKey: Uint8Array
}

export interface IdleFeedsOptions {
  /** Absent: nothing is ever closed. */
  readonly opener: FeedOpener | undefined
  /** Newsletters that are open now. */
  readonly open: ReadonlyMap<FeedKey, Seeding>
  /** Whether a peer has no protocol for news of logs that are closed. */
  readonly isPlain: (peer: Uint8Array) => boolean
  /** Stops the seeding of a newsletter that is idle from now on; it stays announced. */
  readonly onIdle: (feedKey: FeedKey) => void
  readonly log: (what: string, feedKey: FeedKey, error: unknown) => void
}

/** Newsletters that stay open, the most recently active ones: each takes some 100 KiB. */
export const KEEP_OPEN = 8

/** With this many open, the network opens no more before others become idle. */
const MAX_OPEN = 64

/** Opened at a time. */
const MAX_OPENING = 4

/** How long a newsletter is quiet before it may become idle; longer where something is still missing. */
const QUIET_MS = 30_000
const QUIET_INCOMPLETE_MS = 5 * 60_000

/** How often all newsletters are checked. */
const CHECK_MS = 5_000

/** Each newsletter opens about once a day, to look for its successor; for the first time within this. */
const DAY_MS = 24 * 3_600_000
const FIRST_TURN_MS = 6 * 3_600_000

/** A newsletter opens this often on the word of one connection without anything new; then not for a while. */
const MAX_IN_VAIN = 3
const FORGET_MS = 10 * 60_000

/** How often a peer had a newsletter opened, and how far that was then. */
interface Openings extends LogState {
  readonly count: number
  readonly at: number
}

interface Member extends KnownFeed {
  /** How far its log is, once that is known; what is open is asked itself. */
  state: LogState | undefined
  /** Nothing is missing, but for what need not come. */
  isWhole: boolean | undefined
  traffic: Traffic
  /** When it opens next without any cause, in milliseconds since 1970. */
  turnAt: number
}

const NO_TRAFFIC: Traffic = { uploadedBytes: 0, downloadedBytes: 0 }

/**
 * All newsletters that take part in the network, open or idle. An idle one is announced like any other; its log
 * opens when a peer requests it or announces news of it, and closes when it was quiet for a while.
 */
export class IdleFeeds {
  readonly #options: IdleFeedsOptions
  readonly #members = new Map<FeedKey, Member>()
  readonly #openings = new WeakMap<object, Map<FeedKey, Openings>>()
  /** Discovery key in hex → newsletter. */
  readonly #topics = new Map<string, FeedKey>()
  readonly #toOpen = new Set<FeedKey>()
  readonly #timer: NodeJS.Timeout
  #opening = 0
  #isClosed = false

  constructor(options: IdleFeedsOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#check(), CHECK_MS).unref()
  }

  add(newsletter: KnownFeed): void {
    const { feedKey, discoveryKey } = newsletter
    if (this.#members.has(feedKey)) return
    const turnAt = Date.now() + Math.random() * FIRST_TURN_MS
    const fresh = { state: undefined, isWhole: undefined, traffic: NO_TRAFFIC, turnAt }
    this.#members.set(feedKey, { feedKey, discoveryKey, ...fresh })
    this.#topics.set(hex(discoveryKey), feedKey)
  }

  delete(feedKey: FeedKey): void {
    const member = this.#members.get(feedKey)
    if (member !== undefined) this.#topics.delete(hex(member.discoveryKey))
    this.#members.delete(feedKey)
    this.#toOpen.delete(feedKey)
  }

  get(feedKey: FeedKey): KnownFeed | undefined {
    return this.#members.get(feedKey)
  }

  feedKeys(): Iterable<FeedKey> {
    return this.#members.keys()
  }

  withTopic(discoveryKey: Uint8Array): KnownFeed | undefined {
    const feedKey = this.#topics.get(hex(discoveryKey))
    return feedKey === undefined ? undefined : this.#members.get(feedKey)
  }

  /** What went over the network before the newsletter opened the last time. */
  traffic(feedKey: FeedKey): Traffic {
    return this.#members.get(feedKey)?.traffic ?? NO_TRAFFIC
  }

  async stateOf(feedKey: FeedKey): Promise<LogState | undefined> {
    const log = this.#options.open.get(feedKey)?.feed.log
    if (log !== undefined) return { length: log.length, held: log.contiguousLength }
    const member = this.#members.get(feedKey)
    if (member === undefined) return undefined
    member.state ??= (await this.#options.opener?.readHead(member.discoveryKey)) ?? NOTHING
    return member.state
  }

  /**
   * Opens the newsletter if a peer in this state has something for it. A claim is not proved: a peer that had it opened
   * in vain several times is not believed for a while.
   * @param peer stands for its connection.
   */
  async onPeerState(feedKey: FeedKey, theirs: LogState, peer: object): Promise<void> {
    const ours = await this.stateOf(feedKey)
    if (ours === undefined || this.#options.open.has(feedKey)) return
    const isWhole = this.#members.get(feedKey)?.isWhole ?? ours.held === ours.length
    const hasNews = theirs.length > ours.length || (!isWhole && theirs.held > ours.held)
    if (hasNews && this.#isBelieved(feedKey, ours, peer)) this.wake(feedKey)
  }

  #isBelieved(feedKey: FeedKey, ours: LogState, peer: object): boolean {
    const openings = this.#openings.get(peer) ?? new Map<FeedKey, Openings>()
    this.#openings.set(peer, openings)
    const before = openings.get(feedKey)
    const isInVain = before?.length === ours.length && before.held === ours.held
    const isForgotten = Date.now() - (before?.at ?? 0) > FORGET_MS
    const count = before === undefined || !isInVain || isForgotten ? 0 : before.count
    if (count >= MAX_IN_VAIN) return false
    openings.set(feedKey, { ...ours, count: count + 1, at: Date.now() })
    return true
  }

  /** Opens a newsletter soon if it is idle. */
  wake(feedKey: FeedKey): void {
    if (this.#options.opener === undefined || this.#options.open.has(feedKey)) return
    if (!this.#members.has(feedKey)) return
    this.#toOpen.add(feedKey)
    this.#openNext()
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#toOpen.clear()
  }

  #openNext(): void {
    const { opener, open, log } = this.#options
    const [feedKey] = this.#toOpen
    if (feedKey === undefined || opener === undefined || this.#isClosed) return
    if (this.#opening >= MAX_OPENING || open.size + this.#opening >= MAX_OPEN) return
    this.#toOpen.delete(feedKey)
    this.#opening++
    opener
      .open(feedKey)
      .catch((error: unknown) => log('a newsletter did not open', feedKey, error))
      .finally(() => {
        this.#opening--
        this.#openNext()
      })
    this.#openNext()
  }

  #check(): void {
    const now = Date.now()
    for (const member of this.#members.values()) {
      if (member.turnAt > now) continue
      member.turnAt = now + DAY_MS
      this.wake(member.feedKey)
    }
    this.#closeQuiet()
    this.#openNext()
  }

  #closeQuiet(): void {
    const { opener, open, isPlain, onIdle } = this.#options
    if (opener === undefined) return
    const quiet = [...open.values()]
      .filter((it) => it.quietMs > (it.isWhole ? QUIET_MS : QUIET_INCOMPLETE_MS))
      // A plain peer can announce news only on an open log.
      .filter(({ feed }) => !feed.log.peers.some((peer) => isPlain(peer.publicKey)))
      .toSorted((a, b) => b.quietMs - a.quietMs)
    for (const seeding of quiet.slice(0, Math.max(0, open.size - KEEP_OPEN))) {
      const { feed, isWhole } = seeding
      const member = this.#members.get(feed.feedKey)
      if (member === undefined) continue
      member.state = stateIn(feed)
      member.isWhole = isWhole
      if (!opener.close(feed.feedKey)) continue
      const { uploadedBytes, downloadedBytes } = seeding.traffic
      member.traffic = {
        uploadedBytes: member.traffic.uploadedBytes + uploadedBytes,
        downloadedBytes: member.traffic.downloadedBytes + downloadedBytes,
      }
      onIdle(feed.feedKey)
    }
  }
}

const NOTHING: LogState = { length: 0, held: 0 }

function stateIn({ log }: Feed): LogState {
  return { length: log.length, held: log.contiguousLength }
}
