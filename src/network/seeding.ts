import type { Download, Peer } from 'hypercore'
import { HyperletterError } from '../errors.ts'
import type { BlockRange, Feed } from '../feed/feed.ts'
import { short, type Logger } from '../logger.ts'
import { copiesOf, fullCopiesOf } from './copies.ts'
import type { PeerExchange } from './peer-exchange.ts'
import type { Swarm } from './swarm.ts'

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
  readonly logger: Logger
}

/**
 * How long the backlog waits for the newest issue. If no peer delivers that one by then, older
 * issues must not wait for it.
 */
const NEWEST_FIRST_MS = 3_000

/**
 * When to look up again while no peer is connected, after joining. Two readers that join together
 * each look up before the other has announced; without this they would wait ten minutes.
 */
const LOOK_UP_AGAIN_MS = [700, 2_000, 5_000, 12_000, 30_000, 60_000]

/** Keeps one feed announced, downloaded (newest issue first) and served until it is closed. */
export class Seeding {
  readonly #options: SeedingOptions
  readonly #stopExchange: () => void
  readonly #abort = new AbortController()
  #follow: Download | undefined
  #lookUpTimer: NodeJS.Timeout | undefined
  #lookUps = 0
  /** Who last sent a tree that does not fit ours. */
  #suspect: Uint8Array | undefined
  #uploadedBytes = 0
  #downloadedBytes = 0

  /** Joins at once; nothing is awaited. */
  constructor(options: SeedingOptions) {
    this.#options = options
    const { feed, swarm, exchange } = options
    const { core } = feed
    core.on('upload', this.#onUpload)
    core.on('download', this.#onDownload)
    core.on('verification-error', this.#onBadBlock)
    core.on('invalid-request', this.#onBadRequest)
    core.on('peer-remove', this.#onPeerRemove)
    core.on('conflict', this.#onConflict)
    this.#stopExchange = exchange.add(core)
    swarm.join(this.#topic)
    this.#scheduleLookUp()
    this.#downloadNewestFirst().catch((error: unknown) => this.#log('download failed', error))
  }

  /** The session was closed under it, and the feed has to be opened anew. */
  get isLost(): boolean {
    return this.#options.feed.core.closing !== null
  }

  status(): SeedingStatus {
    const { core } = this.#options.feed
    return {
      peers: core.peers.length,
      fullCopies: fullCopiesOf(core),
      uploadedBytes: this.#uploadedBytes,
      downloadedBytes: this.#downloadedBytes,
    }
  }

  /** Connected peers that hold all of `range`. */
  copies(range: BlockRange): number {
    return copiesOf(this.#options.feed.core, range)
  }

  /** Leaves the topic; the feed stays open. */
  async close(): Promise<void> {
    const { core } = this.#options.feed
    this.#abort.abort()
    clearTimeout(this.#lookUpTimer)
    this.#follow?.destroy()
    this.#stopExchange()
    core.off('upload', this.#onUpload)
    core.off('download', this.#onDownload)
    core.off('verification-error', this.#onBadBlock)
    core.off('invalid-request', this.#onBadRequest)
    core.off('peer-remove', this.#onPeerRemove)
    core.off('conflict', this.#onConflict)
    await this.#options.swarm.leave(this.#topic)
  }

  get #topic(): Uint8Array {
    const { discoveryKey } = this.#options.feed.core
    if (discoveryKey === null) throw new HyperletterError('INTERNAL', 'The core is not open.')
    return discoveryKey
  }

  // The first sync holds the backlog back until the newest issue and the profile are in; from then on everything
  // missing is wanted, and what is appended later is fetched as it comes.
  async #downloadNewestFirst(): Promise<void> {
    const { feed } = this.#options
    const { signal } = this.#abort
    if (!feed.writable) {
      await feed.begun(signal)
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(NEWEST_FIRST_MS)])
      const first = [fetchNewest(feed, deadline), feed.profile({ signal: deadline })]
      for (const it of await Promise.allSettled(first)) {
        if (it.status === 'rejected') this.#log('newest first', it.reason)
      }
    }
    if (!signal.aborted) this.#follow = feed.core.download({ start: 0, end: -1 })
  }

  #scheduleLookUp(): void {
    const delayMs = LOOK_UP_AGAIN_MS[this.#lookUps]
    if (delayMs === undefined || this.#abort.signal.aborted) return
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
  readonly #onBadBlock = (_error: Error, _request: unknown, data: unknown, peer: Peer): void => {
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

async function fetchNewest(feed: Feed, signal: AbortSignal): Promise<void> {
  const newest = await feed.newest({ signal })
  if (newest === undefined) return
  const range = feed.core.download(feed.entryRange(newest))
  const stop = () => range.destroy()
  signal.addEventListener('abort', stop, { once: true })
  await range.done()
  signal.removeEventListener('abort', stop)
}
