import { merged, only } from '../../format/block-ranges.ts'
import type { Log, LogPeer } from '../../format/log.ts'
import { hypercoreOf } from '../hypercore-log.ts'
import { internalsOf, type CoreInternals, type PeerInternals } from './internals.ts'
import { peerInternalsOf } from './replication.ts'

/** For how long blocks that are here are not announced: some arrive with others. */
const HOLD_MS = 20

/** So many blocks that wait are announced at once. */
const MOST_WAITING = 64

/** What announces several blocks in one message. */
export interface AnnouncementPort {
  hears(peer: LogPeer): boolean
  /** @param blocks ascending. */
  announce(peer: LogPeer, blocks: readonly number[]): void
}

interface HeldBack {
  readonly blocks: Set<number>
  /** As Hypercore does, if the peer has not got them by now. */
  readonly announceRange: PeerInternals['broadcastRange']
}

/**
 * Announces the blocks of one log that arrive within a moment together, to peers that hear that, instead of each by a
 * message of Hypercore's. To other peers, and of a log that is whole, Hypercore announces at once, as ever.
 */
export class Announcements {
  readonly #core: CoreInternals
  readonly #port: AnnouncementPort
  readonly #heldBack = new Map<LogPeer, HeldBack>()
  #timer: NodeJS.Timeout | undefined

  /** To be made only while `USES_INTERNALS`. */
  constructor(log: Log, port: AnnouncementPort) {
    this.#core = internalsOf(hypercoreOf(log))
    this.#port = port
  }

  /** Holds back what a peer is told, until `close`. */
  holdBack(of: LogPeer): void {
    const peer = peerInternalsOf(of)
    const announceRange = peer.broadcastRange.bind(peer)
    const blocks = new Set<number>()
    this.#heldBack.set(of, { blocks, announceRange })
    peer.broadcastRange = (start, length, isDropped) => {
      const isHeldBack = !isDropped && !this.#isWhole && length <= MOST_WAITING
      if (!isHeldBack || !this.#port.hears(of)) return announceRange(start, length, isDropped)
      peer._clearLocalRange(start, length)
      for (let index = start; index < start + length; index++) blocks.add(index)
      if (blocks.size >= MOST_WAITING) this.#announce(of)
      else this.#timer ??= setTimeout(() => this.#announceAll(), HOLD_MS)
    }
  }

  /** Announces nothing more to a peer that has gone. */
  forget(peer: LogPeer): void {
    this.#heldBack.delete(peer)
  }

  /** From now on Hypercore announces each block. */
  close(): void {
    this.#announceAll()
    for (const peer of this.#heldBack.keys()) {
      delete (peerInternalsOf(peer) as Partial<PeerInternals>).broadcastRange
    }
    this.#heldBack.clear()
  }

  get #isWhole(): boolean {
    const { header, state } = this.#core
    return header.hints.contiguousLength === state.length
  }

  #announceAll(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const peer of this.#heldBack.keys()) this.#announce(peer)
  }

  // Neither what was dropped meanwhile, nor what the peer has got by now.
  #announce(of: LogPeer): void {
    const { bitfield } = this.#core
    const { blocks, announceRange } = this.#heldBack.get(of) ?? {}
    if (blocks === undefined || announceRange === undefined || blocks.size === 0) return
    const { remoteBitfield, _remoteContiguousLength, remoteLength } = peerInternalsOf(of)
    const isNews = (index: number) =>
      bitfield.get(index) && index >= _remoteContiguousLength && !remoteBitfield.get(index)
    const news = this.#isWhole ? [] : [...blocks].filter(isNews).toSorted((a, b) => a - b)
    blocks.clear()
    const ranges = merged(news.map(only))
    // Of what lies behind its log a peer takes note only in Hypercore's way.
    if (ranges.length > 1 && (news.at(-1) ?? 0) < remoteLength) this.#port.announce(of, news)
    else for (const { start, end } of ranges) announceRange(start, end - start, false)
  }
}

/**
 * Takes note that a peer has these blocks, as if Hypercore had announced them one by one, but for what is behind the end of
 * the log; then sees once what may be asked for.
 */
export function noteAnnounced(log: Log, of: LogPeer, blocks: readonly number[]): void {
  const { bitfield, state } = internalsOf(hypercoreOf(log))
  const peer = peerInternalsOf(of)
  const within = blocks.filter((index) => index < state.length)
  for (const index of within) {
    peer.remoteBitfield.set(index, true)
    peer.missingBlocks.set(index, !bitfield.get(index))
  }
  peer.stats.wireRange.rx++
  // One that may be asked for, and the last one, which tells how long its log is.
  const told = new Set([within.at(-1), within.find((index) => !bitfield.get(index))])
  for (const start of told) {
    if (start === undefined) continue
    // Of a store that is being closed nothing is asked.
    peer.onrange({ drop: false, start, length: 1 }).catch(() => undefined)
  }
}
