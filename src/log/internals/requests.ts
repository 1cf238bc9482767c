import type { Peer } from 'hypercore'
import type { Log, LogPeer } from '../../format/log.ts'
import { hypercoreOf } from '../hypercore-log.ts'
import { settled } from './continuation.ts'
import type { Announcement, PeerInternals } from './internals.ts'
import { KnownNodes } from './known-nodes.ts'
import { peerInternalsOf, Replication } from './replication.ts'
import type { RunsUnderWay } from './wanted-ranges.ts'

/** Decides which peer is asked for which block of a log. */
export interface RequestPolicy {
  /** Most requests of a peer under way at once. */
  windowOf(peer: LogPeer): number
  /** Whether `ask` may find something. */
  mayAsk(peer: LogPeer): boolean
  /** Asks a peer for a block, if there is one to ask for. Gives whether it did. */
  ask(peer: LogPeer): boolean
  /** What is wanted has changed. */
  onWanted(): void
}

/**
 * The requests for the blocks of one log: what a policy decides on, and what it decides with, instead of Hypercore,
 * until `close`. Single blocks that somebody waits for are still asked for as Hypercore does.
 */
export class BlockRequests {
  readonly #log: Log
  readonly #policy: RequestPolicy
  readonly replication: Replication
  readonly nodes = new KnownNodes()
  /** Up to where each peer has announced blocks. */
  readonly #ends = new Map<LogPeer, number>()
  readonly #stop: readonly (() => void)[]

  /** To be made only while `USES_INTERNALS`. */
  constructor(log: Log, policy: RequestPolicy, runs?: RunsUnderWay) {
    const core = hypercoreOf(log)
    this.#log = log
    this.#policy = policy
    this.replication = new Replication(core, runs)
    // The last block is the newest record, of which everything else is learnt.
    void core.setAlwaysLatestBlock(true)
    core.on('download', this.#onDownload)
    this.#stop = [
      () => core.off('download', this.#onDownload),
      log.events.on('scheduler', 'append', this.#onAppend),
      log.events.on('scheduler', 'bad-block', this.#onBadBlock),
      log.events.on('scheduler', 'truncate', this.#onHashesGone),
      log.events.on('scheduler', 'peer-remove', (peer) => this.#ends.delete(peer)),
      this.replication.watchDrops(this.#onHashesGone),
      this.replication.watchRanges(() => policy.onWanted()),
    ]
  }

  /** Gives the peers back to Hypercore. */
  close(): void {
    for (const stop of this.#stop) stop()
    this.#askForLengthAlone()
    for (const peer of this.replication.peers) {
      const overridden = peer as Partial<PeerInternals>
      delete overridden.getMaxHotswapInflight
      delete overridden._requestRange
      delete overridden._requestRangeBatch
      delete overridden._requestBlock
      delete overridden.getMaxInflight
      delete overridden.onsync
      delete overridden._send
      delete overridden._update
      delete overridden.onrange
    }
  }

  /** Lets the policy decide what a peer is asked for from now on. */
  decide(of: LogPeer): void {
    const policy = this.#policy
    const peer = peerInternalsOf(of)
    takeBlocksFirst(peer, this.#log)
    const usualMost = peer.getMaxInflight.bind(peer)
    peer.getMaxInflight = () => Math.max(usualMost(), policy.windowOf(of))
    // Blocks of ranges are asked for once; one that somebody waits for before there are ranges, as Hypercore does.
    const usualHotswaps = peer.getMaxHotswapInflight.bind(peer)
    peer.getMaxHotswapInflight = () => (this.replication.hasRanges ? 0 : usualHotswaps())
    // Where nothing is to be asked for, Hypercore need not look where.
    const usualRange = peer._requestRange.bind(peer)
    peer._requestRange = (range) =>
      (range.blocks !== null || policy.mayAsk(of)) && usualRange(range)
    peer._requestRangeBatch = () => policy.ask(of)
    // Every reader announces every block to every other.
    let isNews = true
    const usualUpdate = peer._update.bind(peer)
    peer._update = () => {
      if (isNews) usualUpdate()
    }
    const usualAnnounced = peer.onrange.bind(peer)
    peer.onrange = (announcement) => {
      this.#noteAnnounced(of, announcement)
      isNews = this.replication.isNews(announcement)
      const done = usualAnnounced(announcement)
      isNews = true
      return done
    }
    // What is part of a run that comes from it is not asked of it again.
    const usualBlock = peer._requestBlock.bind(peer)
    peer._requestBlock = (request) => !this.replication.isInRun(of, request) && usualBlock(request)
    const usualSend = peer._send.bind(peer)
    peer._send = (message) => this.replication.send(peer, message, this.nodes) || usualSend(message)
  }

  // A length that comes with a bad block counts for nothing, and peers are asked for it one after the other. Or a hash
  // that was taken for known is not there.
  readonly #onBadBlock = (): void => {
    this.#onHashesGone()
    this.#askForLengthAlone()
  }

  // Then more are asked for, which is right in any case.
  readonly #onHashesGone = (): void => {
    this.nodes.forget()
  }

  readonly #onAppend = (): void => {
    for (const [peer, end] of this.#ends) this.replication.noteEnd(peer, end)
  }

  readonly #onDownload = (index: number, _bytes: number, _from: Peer, request: unknown): void => {
    // What was pushed was not asked for.
    const { block } = (request ?? {}) as { block?: { nodes: number } | null }
    if (block && this.replication.isHeld(index)) this.nodes.noteStored(index, block.nodes)
  }

  #askForLengthAlone(): void {
    if (this.#log.isOpen) void hypercoreOf(this.#log).setAlwaysLatestBlock(false)
  }

  #noteAnnounced(peer: LogPeer, { drop, start, length }: Announcement): void {
    const end = Math.max(this.#ends.get(peer) ?? 0, drop ? 0 : start + length)
    this.#ends.set(peer, end)
    this.replication.noteEnd(peer, end)
  }
}

/**
 * Has what a peer says of the length of its log wait. One that has just come says together with it which blocks it has, and
 * only who is known to have the last block is asked for that in the same request as the length. And what another, or this
 * one, has pushed need not be asked for.
 */
function takeBlocksFirst(peer: PeerInternals, log: Log): void {
  const usual = peer.onsync.bind(peer)
  let latest: object
  peer.onsync = async (message) => {
    latest = message
    await Promise.resolve()
    await settled(log)
    if (latest === message) await usual(message)
  }
}
