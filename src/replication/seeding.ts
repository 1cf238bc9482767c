import { hasCode } from '../errors.ts'
import type { BlockRange } from '../format/block-ranges.ts'
import type { Feed } from '../format/feed.ts'
import type { LogPeer } from '../format/log.ts'
import { short, type Logger } from '../logger.ts'
import { Copies } from './copies.ts'
import { announceHeld, Downloader } from './downloader.ts'
import { NewestIssueFirst } from './newest-issue-first.ts'
import type { PushChannel } from './push/pushes.ts'
import type { RangeChannel } from './ranges/range-channel.ts'
import { LogScheduling, type NamedBy } from './scheduler/log-scheduling.ts'

/** What replication asks of the part that connects peers. Peers are named by their public keys, 32 bytes. */
export interface PeerPort {
  readonly topics: {
    /** Looks a topic up once more, now. */
    refresh(topic: Uint8Array): void
  }
  /**
   * Counts a provable misdeed; the third bans the peer for a while.
   * @param hangUp also end the connection before that: there is nothing more to wait for from it.
   */
  strike(peer: Uint8Array, what: string, options: { readonly hangUp: boolean }): void
  /** Ends the connection to a peer; no new one is accepted for the life of this process. */
  ban(peer: Uint8Array): void
  /** Ends all connections; those to peers that are still wanted come back within seconds. */
  reconnect(): void
  isTab(peer: Uint8Array): boolean
}

/** Content and record bytes. */
export interface Traffic {
  readonly uploadedBytes: number
  readonly downloadedBytes: number
}

/** What one newsletter does on the network now; its traffic is that since the start of this process. */
export interface SeedingStatus extends Traffic {
  /** Peers that replicate this core with us, or would if it had news. */
  readonly peers: number
  /** Of these, how many hold every block. */
  readonly fullCopies: number
}

/** Of a newsletter that is not open: what its peers said of their copies, in blocks. */
export function idleStatus(
  peers: readonly { readonly length: number; readonly held: number }[],
): SeedingStatus {
  const length = Math.max(1, ...peers.map((it) => it.length))
  const fullCopies = peers.filter((it) => it.held >= length).length
  return { peers: peers.length, fullCopies, uploadedBytes: 0, downloadedBytes: 0 }
}

export interface SeedingOptions {
  readonly feed: Feed
  readonly peers: PeerPort
  readonly pushes: PushChannel
  readonly ranges: RangeChannel
  readonly logger: Logger
  /** Called after a peer began to replicate this log, or has gone. */
  readonly onPeer: () => void
  /** All that a peer of this log serves, but this device, as it says; undefined where it does not say. */
  readonly namedBy: NamedBy
  /** Called when the log has grown, or is whole. */
  readonly onProgress: () => void
  /** Called when a block that a peer sent could not be stored. */
  readonly onDiskFull: (cause: unknown) => void
}

/**
 * When to look up again while no peer is connected, after joining. Two readers that join together
 * each look up before the other has announced; without this they would wait ten minutes.
 */
const LOOK_UP_AGAIN_MS = [700, 2_000, 5_000, 12_000, 30_000, 60_000]

/** How often peers that announced to hold all are asked to prove it. */
const PROVE_EVERY_MS = 2_000

/**
 * Downloads and serves one open feed, the newest issue first, until it is closed. Its topic is joined by
 * somebody else, and looked up here while nobody is there.
 */
export class Seeding {
  readonly #options: SeedingOptions
  readonly #stop: readonly (() => void)[]
  readonly #wanted: Downloader
  readonly #newestHeld: NewestIssueFirst
  readonly #scheduling: LogScheduling | undefined
  readonly #copies: Copies
  #provingTimer: NodeJS.Timeout | undefined
  #isClosed = false
  #lookUpTimer: NodeJS.Timeout | undefined
  #lookUps = 0
  /** The peer that last sent a tree that does not fit ours. */
  #suspect: Uint8Array | undefined
  #movedAt = Date.now()
  #uploadedBytes = 0
  #downloadedBytes = 0

  /** Begins at once; nothing is awaited. */
  constructor(options: SeedingOptions) {
    this.#options = options
    const { feed, pushes, ranges } = options
    const { events } = feed.log
    const runs = ranges.add(feed.log)
    this.#stop = [
      runs.stop,
      pushes.add(feed, (peer) => (this.#suspect = peer)),
      events.on('announcements', 'append', this.#onAppend),
      events.on('announcements', 'download', this.#onDownload),
      events.on('announcements', 'peer-add', this.#onPeerAdd),
      events.on('watchers', 'upload', this.#onUpload),
      events.on('watchers', 'bad-block', this.#onBadBlock),
      events.on('watchers', 'bad-request', this.#onBadRequest),
      events.on('watchers', 'peer-remove', this.#onPeerRemove),
      events.on('watchers', 'conflict', this.#onConflict),
    ]
    const onLie = (peer: Uint8Array) =>
      options.peers.strike(peer, 'peer announced a block that it does not have', { hangUp: false })
    // What a tab holds is gone when it closes.
    this.#copies = new Copies(feed.log, onLie, (peer) => !options.peers.isTab(peer.publicKey))
    if (feed.log.peers.length > 0) this.#proveRegularly()
    this.#scheduleLookUp()
    this.#scheduling = LogScheduling.of(feed.log, runs.source, options.namedBy)
    const report = (what: string, error: unknown) =>
      options.logger.debug({ feed: short(feed.feedKey), err: String(error) }, what)
    this.#newestHeld = new NewestIssueFirst(feed, report)
    this.#wanted = new Downloader(feed, report)
  }

  /** The session was closed under it, and the feed has to be opened anew. */
  get isLost(): boolean {
    return !this.#options.feed.log.isOpen
  }

  get feed(): Feed {
    return this.#options.feed
  }

  /** Since this feed was opened. */
  get traffic(): Traffic {
    return { uploadedBytes: this.#uploadedBytes, downloadedBytes: this.#downloadedBytes }
  }

  /** How long nothing has come, gone or grown, in milliseconds. */
  get quietMs(): number {
    return Date.now() - this.#movedAt
  }

  /** Nothing is missing, but for what need not come. */
  get isWhole(): boolean {
    const { length, heldBlocks } = this.#options.feed
    return length > 0 && heldBlocks >= length
  }

  status(): SeedingStatus {
    const { log, dropped } = this.#options.feed
    const fullCopies = this.#copies.countFull(dropped)
    return { peers: log.peers.length, fullCopies, ...this.traffic }
  }

  /** Connected peers that hold all of `ranges`. */
  copies(ranges: readonly BlockRange[]): number {
    return this.#copies.count(ranges, this.#options.feed.dropped)
  }

  /** The feed stays open, and announced. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#lookUpTimer)
    clearInterval(this.#provingTimer)
    this.#wanted.close()
    this.#newestHeld.close()
    this.#scheduling?.close()
    for (const stop of this.#stop) stop()
  }

  // So that peers have proved what they hold when somebody asks.
  #proveRegularly(): void {
    const { feed } = this.#options
    if (!feed.log.writable) return
    this.#provingTimer ??= setInterval(() => {
      this.#copies.countFull(feed.dropped)
    }, PROVE_EVERY_MS).unref()
  }

  #scheduleLookUp(): void {
    const delayMs = LOOK_UP_AGAIN_MS[this.#lookUps]
    if (delayMs === undefined || this.#isClosed) return
    clearTimeout(this.#lookUpTimer)
    const jitterMs = Math.random() * delayMs * 0.5
    this.#lookUpTimer = setTimeout(() => {
      this.#lookUps++
      const { feed, peers } = this.#options
      if (feed.log.peers.length === 0) peers.topics.refresh(feed.log.discoveryKey)
      this.#scheduleLookUp()
    }, delayMs + jitterMs).unref()
  }

  readonly #onAppend = (): void => {
    this.#movedAt = Date.now()
    this.#options.onProgress()
  }

  readonly #onUpload = (index: number, sizeBytes: number, peer: LogPeer): void => {
    this.#movedAt = Date.now()
    this.#copies.uploaded(index, peer)
    this.#uploadedBytes += sizeBytes
  }

  readonly #onDownload = (_index: number, sizeBytes: number): void => {
    const { log } = this.#options.feed
    this.#movedAt = Date.now()
    this.#downloadedBytes += sizeBytes
    if (log.contiguousLength === log.length) this.#options.onProgress()
  }

  // Hypercore drops the block and pauses the peer, and may then ask nobody for anything. Where the tree
  // does not fit either, it first asks the peer to prove a fork; the connection is needed for that.
  readonly #onBadBlock = (error: Error, peer: LogPeer, growsLog: boolean): void => {
    if (hasCode(error, 'DISK_FULL')) {
      // No fault of the peer, which would be banned for it.
      this.#options.onDiskFull(error)
      return
    }
    const mayBeFork = growsLog && this.#options.feed.length > 0
    if (mayBeFork) this.#suspect = peer.publicKey
    this.#options.peers.strike(peer.publicKey, 'peer sent an invalid block', { hangUp: !mayBeFork })
  }

  readonly #onBadRequest = ({ publicKey }: LogPeer): void => {
    this.#options.peers.strike(publicKey, 'peer sent an invalid request', { hangUp: false })
  }

  // A fork was proved. Hypercore now closes every session of the core, and has closed its channels to all peers.
  // What is held stays held and served; the peer that has the other history is not met again.
  readonly #onConflict = (): void => {
    if (this.#suspect !== undefined) this.#options.peers.ban(this.#suspect)
    this.#options.peers.reconnect()
  }

  readonly #onPeerAdd = (peer: LogPeer): void => {
    const { feed, onPeer } = this.#options
    this.#movedAt = Date.now()
    announceHeld(feed, peer)
    this.#proveRegularly()
    onPeer()
  }

  readonly #onPeerRemove = (peer: LogPeer): void => {
    this.#copies.forget(peer)
    this.#options.onPeer()
    if (this.#options.feed.log.peers.length > 0) return
    clearInterval(this.#provingTimer)
    this.#provingTimer = undefined
    this.#lookUps = 0
    this.#scheduleLookUp()
  }
}
