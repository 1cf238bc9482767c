import type Hypercore from 'hypercore'
import type { Peer } from 'hypercore'
import { tolerateClose } from '../../log/internals/tolerate-close.ts'
import {
  USES_INTERNALS,
  type Announcement,
  type PeerInternals,
} from '../../log/internals/internals.ts'
import { KnownHashes } from '../../log/internals/known-hashes.ts'
import { hearBlocksFirst, Replication, roundTripMs } from '../../log/internals/replication.ts'
import { Scheduler } from './scheduler.ts'
import { seedOf } from './shares.ts'
import type { SchedulerPort } from './scheduler-port.ts'

/** Assumed of blocks before any is known: a content block. */
const BLOCK_BYTES = 64 * 1024

/** How soon after a block was chosen it is looked for peers that are late, and, while nothing arrives, at the latest. */
const LOOK_MS = 100
const LONGEST_LOOK_MS = 1_000

/**
 * Decides for the downloads of one core which peer is asked for which block, instead of Hypercore, until
 * `close`. Single blocks that somebody waits for are still asked for as Hypercore does.
 */
export class LogScheduling {
  readonly #core: Hypercore
  readonly #replication: Replication
  readonly #view: SchedulerPort<PeerInternals>
  #scheduler: Scheduler<PeerInternals> | undefined
  readonly #nothing = new Map<PeerInternals, { atMs: number; announcements: number }>()
  /** Up to where each has announced blocks. */
  readonly #ends = new Map<PeerInternals, number>()
  readonly #hashes = new KnownHashes()
  readonly #unwatch: readonly (() => void)[] = []
  #timer: NodeJS.Timeout | undefined
  #lookMs = LOOK_MS
  /** Of the core, when it last grew. */
  #known: { readonly length: number; readonly byteLength: number }

  /** Leaves all decisions to a Hypercore whose internals are not known. */
  constructor(core: Hypercore) {
    this.#core = core
    this.#known = { length: core.length, byteLength: core.byteLength }
    this.#replication = new Replication(core)
    const replication = this.#replication
    this.#view = {
      missing: (limit) => replication.missing(limit),
      isUrgent: (index) => replication.isUrgent(index),
      isMissing: (index) => replication.isMissing(index),
      asked: (index) => replication.asked(index),
      holds: (peer, index) => replication.holds(peer, index),
      holdsEach: (peer, indexes) => replication.holdsEach(peer, indexes),
      holdsAll: (peer) => replication.holdsAll(peer),
      announcements: announcementsOf,
      inFlight: (peer) => peer.inflight,
      isReader: (peer) => peer.remoteDownloading,
    }
    tolerateClose(core)
    if (!USES_INTERNALS) return
    // The last block is the newest record, of which everything else is learnt.
    void core.setAlwaysLatestBlock(true)
    core.on('verification-error', this.#onBadBlock)
    core.on('peer-add', this.#onPeerAdd)
    core.on('peer-remove', this.#onPeerRemove)
    core.on('download', this.#onDownload)
    core.on('append', this.#onAppend)
    core.on('truncate', this.#onHashesGone)
    this.#unwatch = [
      replication.watchDrops(this.#onHashesGone),
      replication.watchRanges(this.#onWanted),
    ]
    for (const peer of core.peers) this.#onPeerAdd(peer)
  }

  /** Gives the peers back to Hypercore. */
  close(): void {
    clearTimeout(this.#timer)
    for (const unwatch of this.#unwatch) unwatch()
    const core = this.#core
    this.#askForLengthAlone()
    core.off('peer-add', this.#onPeerAdd)
    core.off('peer-remove', this.#onPeerRemove)
    core.off('download', this.#onDownload)
    core.off('append', this.#onAppend)
    core.off('verification-error', this.#onBadBlock)
    core.off('truncate', this.#onHashesGone)
    for (const peer of core.peers) {
      const overridden = peer as Partial<PeerInternals>
      delete overridden.getMaxHotswapInflight
      delete overridden._requestRange
      delete overridden._requestRangeBatch
      delete overridden.getMaxInflight
      delete overridden.onsync
      delete overridden._send
      delete overridden._update
      delete overridden.onrange
    }
  }

  readonly #onPeerAdd = (it: Peer): void => {
    const peer = it as PeerInternals
    hearBlocksFirst(peer)
    this.#scheduler ??= new Scheduler({
      view: this.#view,
      seed: seedOf(peer.stream.publicKey),
      blockBytes:
        this.#known.length > 0 ? this.#known.byteLength / this.#known.length : BLOCK_BYTES,
    })
    const scheduler = this.#scheduler
    scheduler.addPeer(peer, seedOf(peer.remotePublicKey), Date.now())
    scheduler.noteRoundTrip(peer, roundTripMs(peer))
    const usualMost = peer.getMaxInflight.bind(peer)
    peer.getMaxInflight = () => Math.max(usualMost(), scheduler.windowOf(peer, Date.now()))
    // Blocks of ranges are asked for once; one that somebody waits for before there are ranges, as Hypercore does.
    const usualHotswaps = peer.getMaxHotswapInflight.bind(peer)
    peer.getMaxHotswapInflight = () => (this.#replication.hasRanges ? 0 : usualHotswaps())
    // Where nothing is to be asked for, Hypercore need not look where.
    const usualRange = peer._requestRange.bind(peer)
    peer._requestRange = (range) =>
      (range.blocks !== null || this.#mayAsk(scheduler, peer)) && usualRange(range)
    peer._requestRangeBatch = () => this.#ask(scheduler, peer)
    // Every reader tells every other of every block.
    let isNews = true
    const usualUpdate = peer._update.bind(peer)
    peer._update = () => {
      if (isNews) usualUpdate()
    }
    const usualAnnounced = peer.onrange.bind(peer)
    peer.onrange = (announcement) => {
      this.#noteAnnounced(peer, announcement)
      isNews = this.#replication.isNews(announcement)
      const done = usualAnnounced(announcement)
      isNews = true
      return done
    }
    const usualSend = peer._send.bind(peer)
    peer._send = (message) =>
      this.#replication.send(peer, message, this.#hashes) || usualSend(message)
    this.#lookSoon()
  }

  // A length that comes with a bad block counts for nothing, and peers are asked for it one after the other. Or a hash
  // that was taken for known is not there.
  readonly #onBadBlock = (): void => {
    this.#onHashesGone()
    this.#askForLengthAlone()
  }

  #askForLengthAlone(): void {
    if (this.#core.closing === null) void this.#core.setAlwaysLatestBlock(false)
  }

  #noteAnnounced(peer: PeerInternals, { drop, start, length }: Announcement): void {
    const end = Math.max(this.#ends.get(peer) ?? 0, drop ? 0 : start + length)
    this.#ends.set(peer, end)
    this.#replication.noteEnd(peer, end)
  }

  readonly #onPeerRemove = (peer: Peer): void => {
    this.#ends.delete(peer as PeerInternals)
    this.#nothing.delete(peer as PeerInternals)
    this.#scheduler?.removePeer(peer as PeerInternals)
  }

  readonly #onDownload = (index: number, sizeBytes: number, from: Peer, request: unknown): void => {
    const peer = from as PeerInternals
    this.#lookMs = LOOK_MS
    this.#nothing.clear()
    // What was pushed was not asked for.
    const { elapsed, block } = (request ?? {}) as { elapsed?: number; block?: { nodes: number } }
    if (elapsed === undefined) return
    if (block && this.#replication.isHeld(index)) this.#hashes.noteStored(index, block.nodes)
    this.#scheduler?.noteRoundTrip(peer, roundTripMs(peer))
    this.#scheduler?.noteArrival(peer, { index, sizeBytes, elapsedMs: elapsed }, Date.now())
  }

  // What is new may be of another kind than what was there.
  readonly #onAppend = (): void => {
    const { length, byteLength } = this.#core
    const blocks = length - this.#known.length
    if (blocks > 0) this.#scheduler?.noteBlockBytes((byteLength - this.#known.byteLength) / blocks)
    this.#known = { length, byteLength }
    for (const [peer, end] of this.#ends) this.#replication.noteEnd(peer, end)
    this.#lookSoon()
    this.#onWanted()
  }

  // Then more are asked for, which is right in any case.
  readonly #onHashesGone = (): void => {
    this.#hashes.forget()
  }

  readonly #onWanted = (): void => {
    this.#nothing.clear()
    this.#scheduler?.noteWanted()
  }

  // Hypercore asks once for each range and batch of blocks.
  #mayAsk(scheduler: Scheduler<PeerInternals>, peer: PeerInternals): boolean {
    const nowMs = Date.now()
    if (peer.inflight >= scheduler.windowOf(peer, nowMs)) return false
    const nothing = this.#nothing.get(peer)
    return nothing?.atMs !== nowMs || nothing.announcements !== announcementsOf(peer)
  }

  #ask(scheduler: Scheduler<PeerInternals>, peer: PeerInternals): boolean {
    if (!this.#mayAsk(scheduler, peer)) return false
    const nowMs = Date.now()
    this.#lookSoon()
    const chosen = scheduler.choose(peer, nowMs)
    if (chosen !== undefined) {
      scheduler.noteAsked(peer, chosen.index, nowMs)
      if (this.#replication.ask(peer, chosen.index, chosen.again)) return true
    }
    this.#nothing.set(peer, { atMs: nowMs, announcements: announcementsOf(peer) })
    return false
  }

  // Being late is no event.
  #lookSoon(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#core.closing !== null || this.#core.peers.length === 0) return
      if (this.#replication.missing(1).length === 0) return
      this.#lookMs = Math.min(2 * this.#lookMs, LONGEST_LOOK_MS)
      this.#nothing.clear()
      this.#replication.update()
      // Also where nobody may be asked for anything now.
      this.#lookSoon()
    }, this.#lookMs)
    this.#timer.unref()
  }
}

function announcementsOf({ stats }: Peer): number {
  const { wireRange, wireBitfield } = stats as unknown as Record<string, { rx: number } | undefined>
  return (wireRange?.rx ?? 0) + (wireBitfield?.rx ?? 0)
}
