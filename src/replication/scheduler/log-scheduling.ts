import type { Log, LogPeer } from '../../format/log.ts'
import { BlockRequests } from '../../log/internals/requests.ts'
import { Scheduler } from './scheduler.ts'
import { seedOf } from './plan.ts'

/** Assumed of blocks before any is known: a content block. */
const BLOCK_BYTES = 64 * 1024

/** Delay from choosing a block to the first check for late peers, and the longest one while nothing arrives. */
const LOOK_MS = 100
const LONGEST_LOOK_MS = 1_000

/** Has a scheduler decide which peer is asked for which block of one log, until `close`. */
export class LogScheduling {
  readonly #log: Log
  readonly #requests: BlockRequests | undefined
  #scheduler: Scheduler<LogPeer> | undefined
  readonly #nothing = new Map<LogPeer, { atMs: number; announcements: number }>()
  readonly #stop: readonly (() => void)[]
  #timer: NodeJS.Timeout | undefined
  #lookMs = LOOK_MS
  /** Of the log, when it last grew. */
  #known: { readonly length: number; readonly byteLength: number }

  /** Does nothing where Hypercore decides. */
  constructor(log: Log) {
    this.#log = log
    this.#known = { length: log.length, byteLength: log.byteLength }
    const requests = BlockRequests.of(log, {
      windowOf: (peer) => this.#scheduler?.windowOf(peer, Date.now()) ?? 0,
      mayAsk: (peer) => this.#mayAsk(peer),
      ask: (peer) => this.#ask(peer),
      onWanted: () => this.#onWanted(),
    })
    this.#requests = requests
    if (requests === undefined) {
      this.#stop = []
      return
    }
    const onPeerAdd = (peer: LogPeer) => this.#addPeer(requests, peer)
    this.#stop = [
      () => requests.close(),
      log.events.on('scheduler', 'peer-add', onPeerAdd),
      log.events.on('scheduler', 'peer-remove', this.#onPeerRemove),
      log.events.on('scheduler', 'download', this.#onDownload),
      log.events.on('scheduler', 'append', this.#onAppend),
    ]
    for (const peer of log.peers) onPeerAdd(peer)
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const stop of this.#stop) stop()
  }

  #addPeer(requests: BlockRequests, peer: LogPeer): void {
    const { length, byteLength } = this.#known
    this.#scheduler ??= new Scheduler({
      view: requests,
      seed: seedOf(peer.ownPublicKey),
      blockBytes: length > 0 ? byteLength / length : BLOCK_BYTES,
    })
    this.#scheduler.addPeer(peer, seedOf(peer.publicKey), Date.now())
    this.#scheduler.noteRoundTrip(peer, requests.roundTripMs(peer))
    requests.decide(peer)
    this.#lookSoon()
  }

  readonly #onPeerRemove = (peer: LogPeer): void => {
    this.#nothing.delete(peer)
    this.#scheduler?.removePeer(peer)
  }

  readonly #onDownload = (
    index: number,
    sizeBytes: number,
    peer: LogPeer,
    elapsedMs: number | undefined,
  ): void => {
    this.#lookMs = LOOK_MS
    this.#nothing.clear()
    // What was pushed was not asked for.
    if (elapsedMs === undefined || this.#requests === undefined) return
    this.#scheduler?.noteRoundTrip(peer, this.#requests.roundTripMs(peer))
    this.#scheduler?.noteArrival(peer, { index, sizeBytes, elapsedMs }, Date.now())
  }

  // What is new may be of another kind than what was there.
  readonly #onAppend = (): void => {
    const { length, byteLength } = this.#log
    const blocks = length - this.#known.length
    if (blocks > 0) this.#scheduler?.noteBlockBytes((byteLength - this.#known.byteLength) / blocks)
    this.#known = { length, byteLength }
    this.#lookSoon()
    this.#onWanted()
  }

  #onWanted(): void {
    this.#nothing.clear()
    this.#scheduler?.noteWanted()
  }

  // Hypercore asks once for each range and batch of blocks.
  #mayAsk(peer: LogPeer): boolean {
    const nowMs = Date.now()
    if (this.#scheduler === undefined || this.#requests === undefined) return false
    if (this.#requests.inFlight(peer) >= this.#scheduler.windowOf(peer, nowMs)) return false
    const nothing = this.#nothing.get(peer)
    return nothing?.atMs !== nowMs || nothing.announcements !== this.#requests.announcements(peer)
  }

  #ask(peer: LogPeer): boolean {
    const [scheduler, requests] = [this.#scheduler, this.#requests]
    if (scheduler === undefined || requests === undefined || !this.#mayAsk(peer)) return false
    const nowMs = Date.now()
    this.#lookSoon()
    const chosen = scheduler.choose(peer, nowMs)
    if (chosen !== undefined) {
      scheduler.noteAsked(peer, chosen.index, nowMs)
      if (requests.send(peer, chosen.index, chosen.again)) return true
    }
    this.#nothing.set(peer, { atMs: nowMs, announcements: requests.announcements(peer) })
    return false
  }

  // Being late is no event.
  #lookSoon(): void {
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (!this.#log.isOpen || this.#log.peers.length === 0) return
      if (this.#requests === undefined || this.#requests.missing(1).length === 0) return
      this.#lookMs = Math.min(2 * this.#lookMs, LONGEST_LOOK_MS)
      this.#nothing.clear()
      this.#requests.update()
      // Also where nobody may be asked for anything now.
      this.#lookSoon()
    }, this.#lookMs)
    this.#timer.unref()
  }
}
