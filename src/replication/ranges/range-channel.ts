import type Protomux from 'protomux'
import type { Log, LogPeer } from '../../format/log.ts'
import { hex } from '../../hex.ts'
import { Announcements, noteAnnounced } from '../../log/internals/announcements.ts'
import { USES_INTERNALS } from '../../log/internals/version.ts'
import { PeerProtocol, type OnMisdeed, type ProtocolPeer } from '../../peers/peer-protocol.ts'
import { Beginnings } from './beginnings.ts'
import {
  MAX_BITMAP_BYTES,
  MAX_RANGE_BYTES,
  NOT_HERE,
  rangeEncoding,
  type Ask,
  type AskedRun,
  type Begin,
  type Give,
  type Have,
  type Hear,
  type Lack,
  type RangeMessage,
} from './range-message.ts'
import { RunGiver } from './run-giver.ts'
import type { RunSource } from './run-taker.ts'

/**
 * Runs that one peer may ask for and cancel, and announcements of it: as many as Hypercore may be asked for blocks. Some
 * blocks that are announced take as long as one that is asked for.
 */
const ASKED = { burst: 10_000, perSecond: 4_000 }
const ANNOUNCED_FOR_ONE = 8

/** Cancelled runs of one peer that may still arrive; of older ones nothing does. */
const MOST_CANCELLED = 1_024

interface AskedOf {
  /** Blocks that have not come. */
  left: number
  /** Absent once it is cancelled. */
  onAnswer?: (answer: Give | Lack) => string | undefined
}

interface RangeState {
  giver?: RunGiver
  speaks: boolean
  nextId: number
  readonly asked: Map<number, AskedOf>
  /** Topics by the number under which the peer is to announce blocks … */
  readonly heard: string[]
  /** … and the numbers under which it hears of them from here. */
  readonly numbers: Map<string, number>
}

type RangePeer = ProtocolPeer<RangeMessage, RangeState>

/**
 * Sends and asks for several blocks in a row with one proof, for logs that both sides of a connection replicate, and
 * announces blocks together. Peers without it are asked for single blocks, and told of each.
 */
export class RangeChannel {
  readonly #onMisdeed: OnMisdeed
  readonly #logs = new Map<string, Log>()
  readonly #beginnings = new Beginnings()
  readonly #protocol: PeerProtocol<RangeMessage, RangeState>

  constructor({ onMisdeed }: { readonly onMisdeed: OnMisdeed }) {
    this.#onMisdeed = onMisdeed
    this.#protocol = new PeerProtocol<RangeMessage, RangeState>({
      protocol: 'hyperletter/ranges/1',
      encoding: rangeEncoding,
      maxBytes: MAX_RANGE_BYTES,
      rate: ASKED,
      costOf,
      newState: () => ({
        speaks: false,
        nextId: 0,
        asked: new Map(),
        heard: [],
        numbers: new Map(),
      }),
      onMessage: (message, peer) => this.#onMessage(message, peer),
      onFlood: (peer) => this.#hangUp(peer, 'peer floods with requests'),
      onMisdeed,
    })
  }

  /** Gives runs of a log, and takes them, until the returned function is called. */
  add(log: Log): { readonly source: RunSource; readonly stop: () => void } {
    const topic = hex(log.discoveryKey)
    const stops = USES_INTERNALS ? this.#announce(topic, log) : []
    return {
      source: {
        speaks: (peer) => this.#logs.get(topic) === log && this.#stateOf(peer)?.speaks === true,
        ask: (peer, run, onAnswer) => this.#ask(log, peer, run, onAnswer),
        cancel: (peer, id) => this.#cancel(peer, id),
        begin: (onHead) => this.#beginnings.want(log, onHead),
      },
      stop: () => {
        for (const it of stops) it()
        if (this.#logs.get(topic) === log) this.#logs.delete(topic)
        this.#beginnings.forget(topic)
        for (const { state } of this.#protocol) state.giver?.forget(log)
      },
    }
  }

  /** Opens the channel on a new connection. */
  attach(mux: Protomux): void {
    if (!USES_INTERNALS) return
    const peer = this.#protocol.attach(mux)
    if (peer === undefined) return
    peer.state.giver = new RunGiver(peer)
    this.#beginnings.ask(peer, () => peer.state.nextId++)
    void peer.opened.then((isOpen) => {
      peer.state.speaks = isOpen
      for (const log of this.#logs.values()) if (peerIn(log, peer)) this.#hear(log, peer)
    })
  }

  /** Gives and takes nothing more. */
  close(): void {
    this.#logs.clear()
    this.#protocol.close()
  }

  #announce(topic: string, log: Log): readonly (() => void)[] {
    const announcements = new Announcements(log, {
      hears: (peer) => this.#stateOf(peer)?.numbers.has(topic) === true,
      announce: (peer, blocks) => this.#have(topic, peer, blocks),
    })
    const onPeer = (peer: LogPeer) => {
      announcements.holdBack(peer)
      const to = this.#protocol.get(peer.publicKey)
      if (to === undefined) return
      this.#hear(log, to)
      this.#beginnings.answer(topic, log, peer, to)
    }
    this.#logs.set(topic, log)
    for (const peer of log.peers) onPeer(peer)
    return [
      log.events.on('announcements', 'peer-add', onPeer),
      log.events.on('announcements', 'peer-remove', (peer) => announcements.forget(peer)),
      () => announcements.close(),
    ]
  }

  #hear({ discoveryKey }: Log, { state, send }: RangePeer): void {
    if (!state.speaks) return
    const number = state.heard.push(hex(discoveryKey)) - 1
    send({ kind: 'hear', topic: discoveryKey, number })
  }

  #have(topic: string, to: LogPeer, blocks: readonly number[]): void {
    const peer = this.#protocol.get(to.publicKey)
    const number = peer?.state.numbers.get(topic)
    if (peer === undefined || number === undefined) return
    let first = 0
    for (let i = 1; i <= blocks.length; i++) {
      const [start = 0, end = Infinity] = [blocks[first], blocks[i]]
      if (end - start < 8 * MAX_BITMAP_BYTES) continue
      peer.send({ kind: 'have', number, blocks: blocks.slice(first, i) })
      first = i
    }
  }

  #stateOf(peer: LogPeer): RangeState | undefined {
    return this.#protocol.get(peer.publicKey)?.state
  }

  #ask(log: Log, to: LogPeer, run: AskedRun, onAnswer: NonNullable<AskedOf['onAnswer']>): number {
    const peer = this.#protocol.get(to.publicKey)
    if (peer === undefined) return -1
    const { state } = peer
    const id = state.nextId++
    state.asked.set(id, { left: run.blocks, onAnswer })
    peer.send({ kind: 'ask', topic: log.discoveryKey, id, runs: [run] })
    return id
  }

  #cancel(to: LogPeer, id: number): void {
    const peer = this.#protocol.get(to.publicKey)
    const asked = peer?.state.asked
    const cancelled = asked?.get(id)
    if (peer === undefined || asked === undefined || cancelled === undefined) return
    // It may be on its way already.
    asked.delete(id)
    asked.set(id, { left: cancelled.left })
    for (const [other, { onAnswer }] of asked) {
      if (asked.size <= MOST_CANCELLED) break
      if (onAnswer === undefined) asked.delete(other)
    }
    peer.send({ kind: 'cancel', id })
  }

  #onMessage(message: RangeMessage, peer: RangePeer): void {
    // What came in the same frame as a misdeed.
    if (peer.connection.destroying) return
    switch (message.kind) {
      case 'ask':
        return this.#onAsk(message, peer)
      case 'cancel':
        return peer.state.giver?.cancel(message.id)
      case 'give':
      case 'lack':
        return this.#onAnswer(message, peer)
      case 'begin':
        return this.#onBegin(message, peer)
      case 'head': {
        const misdeed = this.#beginnings.onHead(message, peer, (log) => peerIn(log, peer))
        return misdeed === undefined ? undefined : this.#hangUp(peer, misdeed)
      }
      case 'hear':
        return this.#onHear(message, peer)
      case 'have':
        return this.#onHave(message, peer)
      case 'unknown':
    }
  }

  // A log that is being closed, or was never shared here, has nothing for anybody.
  #onAsk({ topic, id, runs }: Ask, sender: RangePeer): void {
    const log = this.#logs.get(hex(topic))
    const peer = log && peerIn(log, sender)
    for (const [i, run] of runs.entries()) {
      if (log !== undefined && peer !== undefined)
        sender.state.giver?.ask({ log, peer, id: id + i, run })
      else sender.send({ kind: 'lack', id: id + i, why: NOT_HERE })
    }
  }

  #onAnswer(answer: Give | Lack, peer: RangePeer): void {
    const { asked } = peer.state
    const about = asked.get(answer.id)
    if (about === undefined) return this.#hangUp(peer, 'peer sent blocks that nobody asked for')
    if (answer.kind === 'give') about.left -= answer.blocks.length
    if (answer.kind === 'lack' || about.left <= 0) asked.delete(answer.id)
    const misdeed = about.left < 0 ? TOO_MANY : about.onAnswer?.(answer)
    if (misdeed !== undefined) this.#hangUp(peer, misdeed)
  }

  #onBegin(message: Begin, sender: RangePeer): void {
    this.#beginnings.onBegin(message, sender)
    const topic = hex(message.topic)
    const log = this.#logs.get(topic)
    const peer = log && peerIn(log, sender)
    if (log && peer) this.#beginnings.answer(topic, log, peer, sender)
  }

  // No more than there are logs here is kept.
  #onHear({ topic, number }: Hear, { state }: RangePeer): void {
    if (this.#logs.has(hex(topic))) state.numbers.set(hex(topic), number)
  }

  #onHave({ number, blocks }: Have, sender: RangePeer): void {
    const topic = sender.state.heard[number]
    if (topic === undefined) return this.#hangUp(sender, 'peer told of what nobody asked about')
    const log = this.#logs.get(topic)
    const peer = log && peerIn(log, sender)
    if (log?.isOpen === true && peer !== undefined) noteAnnounced(log, peer, blocks)
  }

  #hangUp({ publicKey, connection }: RangePeer, what: string): void {
    this.#onMisdeed(publicKey, what)
    connection.destroy()
  }
}

const TOO_MANY = 'peer sent more blocks than it was asked for'

// What was asked for is no flood.
function costOf(message: RangeMessage): number {
  switch (message.kind) {
    case 'ask':
      return message.runs.length
    case 'have':
      return 1 + message.blocks.length / ANNOUNCED_FOR_ONE
    case 'begin':
    case 'cancel':
    case 'hear':
      return 1
    default:
      return 0
  }
}

function peerIn(log: Log, { publicKey }: RangePeer): LogPeer | undefined {
  return log.peers.find((it) => publicKey.equals(it.publicKey))
}
