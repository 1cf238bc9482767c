import type { Peer } from 'hypercore'
import { hasCode, HyperletterError } from '../errors.ts'
import type { BlockRange, Feed } from '../feed/feed.ts'
import { short, type Logger } from '../logger.ts'
import { translateStorageError } from '../storage-errors.ts'
import { copiesOf, fullCopiesOf } from './copies.ts'
import { announceHeld } from './holes.ts'
import { NewestHeld } from './newest-held.ts'
import type { PeerExchange } from './peer-exchange.ts'
import type { Successions } from './successions.ts'
import type { Swarm } from './swarm.ts'
import { Wanted } from './wanted.ts'

/** What one newsletter does on the network now. */
export interface SeedingStatus {
  /** Peers that replicate this core with us. */
  readonly peers: number
  /** Of these, how many hold every block. */
  readonly fullCopies: number
  /** Content and record bytes since the start of this process. */
  readonly uploadedBytes: number
  readonly downloadedBytes: number
}

export interface SeedingOptions {
  readonly feed: Feed
  readonly swarm: Swarm
  readonly exchange: PeerExchange
  readonly successions: Successions
  readonly logger: Logger
  /** Called when a block that a peer sent could not be stored. */
  readonly onDiskFull: (cause: unknown) => void
}

/**
 * When to look up again while no peer is connected, after joining. Two readers that join together
 * each look up before the other has announced; without this they would wait ten minutes.
 */
const LOOK_UP_AGAIN_MS = [700, 2_000, 5_000, 12_000, 30_000, 60_000]

/** Keeps one feed announced, downloaded (newest issue first) and served until it is closed. */
export class Seeding {
  readonly #options: SeedingOptions
  readonly #stopExchange: () => void
  readonly #stopSuccession: () => void
  readonly #wanted: Wanted
  readonly #newestHeld: NewestHeld
  #isClosed = false
  #lookUpTimer: NodeJS.Timeout | undefined
  #lookUps = 0
  /** Who last sent a tree that does not fit ours. */
  #suspect: Uint8Array | undefined
  #uploadedBytes = 0
  #downloadedBytes = 0

  /** Joins at once; nothing is awaited. */
  constructor(options: SeedingOptions) {
    this.#options = options
    const { feed, swarm, exchange, successions } = options
    const { core } = feed
    core.on('upload', this.#onUpload)
    core.on('download', this.#onDownload)
    core.on('verification-error', this.#onBadBlock)
    core.on('invalid-request', this.#onBadRequest)
    core.on('peer-add', this.#onPeerAdd)
    core.on('peer-remove', this.#onPeerRemove)
    core.on('conflict', this.#onConflict)
    this.#stopExchange = exchange.add(core)
    this.#stopSuccession = successions.add(feed)
    swarm.join(this.#topic)
    this.#scheduleLookUp()
    this.#newestHeld = new NewestHeld({ feed, log: (what, error) => this.#log(what, error) })
    this.#wanted = new Wanted({ feed, log: (what, error) => this.#log(what, error) })
  }

  /** The session was closed under it, and the feed has to be opened anew. */
  get isLost(): boolean {
    return this.#options.feed.core.closing !== null
  }

  status(): SeedingStatus {
    const { core } = this.#options.feed
    return {
      peers: core.peers.length,
      fullCopies: fullCopiesOf(core, this.#options.feed.dropped),
      uploadedBytes: this.#uploadedBytes,
      downloadedBytes: this.#downloadedBytes,
    }
  }

  /** Connected peers that hold all of `ranges`. */
  copies(ranges: readonly BlockRange[]): number {
    const { core, dropped } = this.#options.feed
    return copiesOf(core, ranges, dropped)
  }

  /** Leaves the topic; the feed stays open. */
  async close(): Promise<void> {
    const { core } = this.#options.feed
    this.#isClosed = true
    clearTimeout(this.#lookUpTimer)
    this.#wanted.close()
    this.#newestHeld.close()
    this.#stopExchange()
    this.#stopSuccession()
    core.off('upload', this.#onUpload)
    core.off('download', this.#onDownload)
    core.off('verification-error', this.#onBadBlock)
    core.off('invalid-request', this.#onBadRequest)
    core.off('peer-add', this.#onPeerAdd)
    core.off('peer-remove', this.#onPeerRemove)
    core.off('conflict', this.#onConflict)
    await this.#options.swarm.leave(this.#topic)
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
      if (this.#options.feed.core.peers.length === 0) this.#options.swarm.refresh(this.#topic)
      this.#scheduleLookUp()
    }, delayMs + jitterMs)
    this.#lookUpTimer.unref()
  }

  readonly #onUpload = (_index: number, sizeBytes: number): void => {
    this.#uploadedBytes += sizeBytes
  }

  readonly #onDownload = (_index: number, sizeBytes: number): void => {
    this.#downloadedBytes += sizeBytes
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
    const mayBeFork = (data as { upgrade?: unknown }).upgrade != null
    if (mayBeFork) this.#suspect = peer.remotePublicKey
    this.#options.swarm.strike(peer.remotePublicKey, 'peer sent an invalid block', {
      hangUp: !mayBeFork,
    })
  }

  readonly #onBadRequest = (_error: Error, _request: unknown, peer: Peer): void => {
    this.#options.swarm.strike(peer.remotePublicKey, 'peer sent an invalid request', {
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
    if (this.#suspect !== undefined) this.#options.swarm.ban(this.#suspect)
    this.#options.swarm.reconnect()
  }

  readonly #onPeerAdd = (peer: Peer): void => announceHeld(this.#options.feed, peer)

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
