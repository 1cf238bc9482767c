import type { Peer } from 'hypercore'
import { hasCode, HyperletterError } from '../errors.ts'
import type { BlockRange, Feed } from '../format/feed.ts'
import { short, type Logger } from '../logger.ts'
import { translateStorageError } from '../storage-errors.ts'
import { copiesOf, fullCopiesOf } from './copies.ts'
import { announceHeld } from './held-announcements.ts'
import { NewestIssueFirst } from './newest-issue-first.ts'
import type { PushChannel } from './push/pushes.ts'
import { LogScheduling } from './scheduler/log-scheduling.ts'
import { Downloader } from './downloader.ts'
import type { PeerPort } from './peer-port.ts'

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

export interface SeedingOptions {
  readonly feed: Feed
  readonly peers: PeerPort
  readonly pushes: PushChannel
  readonly logger: Logger
  /** Called after a peer began to replicate this log. */
  readonly onPeer: () => void
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

/**
 * Downloads and serves one open feed, the newest issue first, until it is closed. Its topic is joined by
 * somebody else, and looked up here while nobody is there.
 */
export class Seeding {
  readonly #options: SeedingOptions
  readonly #stopPushes: () => void
  readonly #wanted: Downloader
  readonly #newestHeld: NewestIssueFirst
  readonly #scheduling: LogScheduling
  #isClosed = false
  #lookUpTimer: NodeJS.Timeout | undefined
  #lookUps = 0
  /** Who last sent a tree that does not fit ours. */
  #suspect: Uint8Array | undefined
  #movedAt = Date.now()
  #uploadedBytes = 0
  #downloadedBytes = 0

  /** Begins at once; nothing is awaited. */
  constructor(options: SeedingOptions) {
    this.#options = options
    const { feed, pushes } = options
    const { core } = feed
    core.on('append', this.#onAppend)
    core.on('upload', this.#onUpload)
    core.on('download', this.#onDownload)
    core.on('verification-error', this.#onBadBlock)
    core.on('invalid-request', this.#onBadRequest)
    core.on('peer-add', this.#onPeerAdd)
    core.on('peer-remove', this.#onPeerRemove)
    core.on('conflict', this.#onConflict)
    this.#stopPushes = pushes.add(feed, (peer) => (this.#suspect = peer))
    this.#scheduleLookUp()
    this.#scheduling = new LogScheduling(core)
    this.#newestHeld = new NewestIssueFirst({ feed, log: (what, error) => this.#log(what, error) })
    this.#wanted = new Downloader({ feed, log: (what, error) => this.#log(what, error) })
  }

  /** The session was closed under it, and the feed has to be opened anew. */
  get isLost(): boolean {
    return this.#options.feed.core.closing !== null
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
    const { core, dropped } = this.#options.feed
    const fullCopies = fullCopiesOf(core, dropped)
    return { peers: core.peers.length, fullCopies, ...this.traffic }
  }

  /** Connected peers that hold all of `ranges`. */
  copies(ranges: readonly BlockRange[]): number {
    const { core, dropped } = this.#options.feed
    return copiesOf(core, ranges, dropped)
  }

  /** The feed stays open, and announced. */
  close(): void {
    const { core } = this.#options.feed
    this.#isClosed = true
    clearTimeout(this.#lookUpTimer)
    this.#wanted.close()
    this.#newestHeld.close()
    this.#scheduling.close()
    this.#stopPushes()
    core.off('append', this.#onAppend)
    core.off('upload', this.#onUpload)
    core.off('download', this.#onDownload)
    core.off('verification-error', this.#onBadBlock)
    core.off('invalid-request', this.#onBadRequest)
    core.off('peer-add', this.#onPeerAdd)
    core.off('peer-remove', this.#onPeerRemove)
    core.off('conflict', this.#onConflict)
  }

  get #topic(): Uint8Array {
    const { discoveryKey } = this.#options.feed.core
    if (discoveryKey === null) throw new HyperletterError('INTERNAL', 'The core is not open.')
    return discoveryKey
  }

  #scheduleLookUp(): void {
    const delayMs = LOOK_UP_AGAIN_MS[this.#lookUps]
    if (delayMs === undefined || this.#isClosed) return
    clearTimeout(this.#lookUpTimer)
    const jitterMs = Math.random() * delayMs * 0.5
    this.#lookUpTimer = setTimeout(() => {
      this.#lookUps++
      if (this.#options.feed.core.peers.length === 0) this.#options.peers.refresh(this.#topic)
      this.#scheduleLookUp()
    }, delayMs + jitterMs)
    this.#lookUpTimer.unref()
  }

  readonly #onAppend = (): void => {
    this.#movedAt = Date.now()
    this.#options.onProgress()
  }

  readonly #onUpload = (_index: number, sizeBytes: number): void => {
    this.#movedAt = Date.now()
    this.#uploadedBytes += sizeBytes
  }

  readonly #onDownload = (_index: number, sizeBytes: number): void => {
    const { core } = this.#options.feed
    this.#movedAt = Date.now()
    this.#downloadedBytes += sizeBytes
    if (core.contiguousLength === core.length) this.#options.onProgress()
  }

  // Hypercore drops the block and pauses the peer, and may then ask nobody for anything. Where the tree
  // does not fit either, it first asks the peer to prove a fork; the connection is needed for that.
  readonly #onBadBlock = (error: Error, _request: unknown, data: unknown, peer: Peer): void => {
    const cause = translateStorageError(error)
    if (hasCode(cause, 'DISK_FULL')) {
      // No fault of the peer, who would be banned for it.
      this.#options.onDiskFull(cause)
      return
    }
    const { length } = this.#options.feed
    const mayBeFork = length > 0 && (data as { upgrade?: unknown }).upgrade != null
    if (mayBeFork) this.#suspect = peer.remotePublicKey
    this.#options.peers.strike(peer.remotePublicKey, 'peer sent an invalid block', {
      hangUp: !mayBeFork,
    })
  }

  readonly #onBadRequest = (_error: Error, _request: unknown, peer: Peer): void => {
    this.#options.peers.strike(peer.remotePublicKey, 'peer sent an invalid request', {
      hangUp: false,
    })
  }

  // A fork was proved. Hypercore now closes every session of the core, has closed its channels to all
  // peers, and would not serve a block of it before the next start. What is held stays held and served;
  // whoever has the other history is not met again.
  readonly #onConflict = (): void => {
    const { core } = this.#options.feed as unknown as {
      core: { core: { header: { frozen: boolean } } }
    }
    core.core.header.frozen = false
    if (this.#suspect !== undefined) this.#options.peers.ban(this.#suspect)
    this.#options.peers.reconnect()
  }

  readonly #onPeerAdd = (peer: Peer): void => {
    const { feed, onPeer } = this.#options
    this.#movedAt = Date.now()
    announceHeld(feed, peer)
    onPeer()
  }

  readonly #onPeerRemove = (): void => {
    if (this.#options.feed.core.peers.length > 0) return
    this.#lookUps = 0
    this.#scheduleLookUp()
  }

  #log(what: string, error: unknown): void {
    const { feed, logger } = this.#options
    logger.debug({ feed: short(feed.feedKey), err: String(error) }, what)
  }
}
