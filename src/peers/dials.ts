import type { Duplex } from 'node:stream'
import type Hyperswarm from 'hyperswarm'
import { codeOf } from '../errors.ts'
import { hex } from '../hex.ts'

export interface AttemptCounts {
  readonly tried: number
  readonly connected: number
  /** By the code of the failure. */
  readonly failed: Readonly<Record<string, number>>
}

/** Codes of the stack are few; those that a peer may cause beyond that count together. */
const MAX_CODES = 32

/** A dial of a peer that is reachable is through by then, also over a slow link. */
const STALE_AFTER_MS = 1_500

interface Dial {
  readonly startedAt: number
  readonly stream: Duplex
}

/** The dials of a DHT node: those under way, and how the others ended, which the swarm does not say. */
export class DialTracker {
  /** By the peer's key in hex. */
  readonly #underWay = new Map<string, Dial>()
  readonly #failed = new Map<string, number>()
  #tried = 0
  #connected = 0

  /** @param stream of a dial that has just begun. */
  add(key: Uint8Array, stream: Duplex): void {
    const peer = hex(key)
    const dial: Dial = { startedAt: Date.now(), stream }
    let isOpen = false
    const end = () => {
      if (this.#underWay.get(peer) === dial) this.#underWay.delete(peer)
    }
    this.#underWay.set(peer, dial)
    this.#tried++
    stream.once('close', end)
    stream.once('open', () => {
      isOpen = true
      this.#connected++
      end()
    })
    stream.on('error', (error: Error) => {
      if (!isOpen) this.#count(codeOf(error) ?? error.message)
    })
  }

  /**
   * Ends our dial of a peer, by its key in hex, when the peer itself dials. Of two connections between the same
   * peers Hyperswarm keeps the one that the order of their keys says, also where that is a dial to a former address
   * which takes 8 s to fail: a peer that came back under another address would wait for it.
   */
  endStale(peer: string): void {
    const dial = this.#underWay.get(peer)
    if (dial !== undefined && Date.now() - dial.startedAt > STALE_AFTER_MS) dial.stream.destroy()
  }

  /** Ends the dials that are not through: they began before the network changed, and would fail only later. */
  endAll(): void {
    for (const { stream } of this.#underWay.values()) stream.destroy()
  }

  counts(): AttemptCounts {
    return {
      tried: this.#tried,
      connected: this.#connected,
      failed: Object.fromEntries(this.#failed),
    }
  }

  #count(code: string): void {
    const name = this.#failed.has(code) || this.#failed.size < MAX_CODES ? code : 'OTHER'
    this.#failed.set(name, (this.#failed.get(name) ?? 0) + 1)
  }
}

/** What dials: `leavePeer` stops trying, and a connection stays. */
type Dialer = Pick<Hyperswarm, 'joinPeer' | 'leavePeer'>

const DIAL_DEADLINE_MS = 15_000

/** Introduced peers being dialed at a time, over all topics. */
const MAX_DIALS = 64

/** Introductions of one peer that did not lead to a connection so far; more of it are ignored. */
const MAX_UNCONFIRMED = 16

/** A dial that failed is forgiven after this: honest introducers err too, now and then. */
const FORGIVE_MS = 10 * 60_000

interface IntroducedDial {
  readonly timer: NodeJS.Timeout
  /** In hex. */
  readonly introducer: string
}

/** Dials peers that other peers introduced; a liar costs a few dials in all. */
export class IntroducedDials {
  readonly #dialer: Dialer
  readonly #dials = new Map<string, IntroducedDial>()
  /** Introducer → introductions that did not lead to a connection so far. */
  readonly #unconfirmed = new Map<string, number>()

  constructor(dialer: Dialer) {
    this.#dialer = dialer
  }

  /** Dials a peer that is not connected; gives up after a while. Both keys are in hex. */
  begin(peer: string, introducer: string): void {
    const unconfirmed = this.#unconfirmed.get(introducer) ?? 0
    if (unconfirmed >= MAX_UNCONFIRMED || this.#dials.size >= MAX_DIALS) return
    if (this.#dials.has(peer)) return
    this.#unconfirmed.set(introducer, unconfirmed + 1)
    const timer = setTimeout(() => {
      this.#end(peer)
      setTimeout(() => this.#confirm(introducer), FORGIVE_MS).unref()
    }, DIAL_DEADLINE_MS)
    this.#dials.set(peer, { timer, introducer })
    this.#dialer.joinPeer(Buffer.from(peer, 'hex'))
  }

  /** A peer is connected: its introducer was right. */
  connected(peer: string): void {
    const introducer = this.#dials.get(peer)?.introducer
    if (introducer === undefined) return
    this.#confirm(introducer)
    this.#end(peer)
  }

  close(): void {
    for (const { timer } of this.#dials.values()) clearTimeout(timer)
    this.#dials.clear()
  }

  #confirm(introducer: string): void {
    const unconfirmed = (this.#unconfirmed.get(introducer) ?? 1) - 1
    if (unconfirmed === 0) this.#unconfirmed.delete(introducer)
    else this.#unconfirmed.set(introducer, unconfirmed)
  }

  // Once connected, or given up, it is a peer like any other: it is not redialed for ever.
  #end(peer: string): void {
    clearTimeout(this.#dials.get(peer)?.timer)
    if (this.#dials.delete(peer)) this.#dialer.leavePeer(Buffer.from(peer, 'hex'))
  }
}

/** Peers that are dialed again after an outage: the latest ones. */
const MAX_KNOWN = 64

/** When they are dialed, in milliseconds after the network came back: theirs may come back later. */
const REDIAL_AT_MS = [0, 3_000, 7_000, 12_000, 30_000]

const GIVE_UP_MS = 60_000

/** Dials the peers that were connected before the network went away. */
export class KnownPeers {
  readonly #dialer: Dialer
  /** Public keys in hex, the latest at the end; and whether they are connected now. */
  readonly #peers = new Map<string, boolean>()
  #timers: NodeJS.Timeout[] = []

  constructor(dialer: Dialer) {
    this.#dialer = dialer
  }

  connected(peer: string): void {
    this.#peers.delete(peer)
    this.#peers.set(peer, true)
    const [oldest] = this.#peers.keys()
    if (this.#peers.size > MAX_KNOWN && oldest !== undefined) this.#peers.delete(oldest)
  }

  disconnected(peer: string): void {
    if (!this.#peers.delete(peer)) return
    this.#peers.set(peer, false)
  }

  /** Does not dial this peer again. */
  forget(peer: string): void {
    this.#peers.delete(peer)
  }

  /** Dials, several times, the peers that are not connected. */
  dialAll(): void {
    this.close()
    const dialed = new Set<string>()
    const dial = () => {
      for (const [peer, isConnected] of this.#peers) {
        if (isConnected) continue
        dialed.add(peer)
        this.#dialer.joinPeer(Buffer.from(peer, 'hex'))
      }
    }
    const giveUp = () => {
      for (const peer of dialed) this.#dialer.leavePeer(Buffer.from(peer, 'hex'))
    }
    this.#timers = [
      ...REDIAL_AT_MS.map((atMs) => setTimeout(dial, atMs)),
      setTimeout(giveUp, GIVE_UP_MS),
    ]
    for (const timer of this.#timers) timer.unref()
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers = []
  }
}
