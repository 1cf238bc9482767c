import type Protomux from 'protomux'
import type { Log, LogPeer } from '../../format/log.ts'
import { hex } from '../../hex.ts'
import { USES_INTERNALS } from '../../log/internals/version.ts'
import { PeerProtocol, type OnMisdeed, type ProtocolPeer } from '../../peers/peer-protocol.ts'
import {
  MAX_RANGE_BYTES,
  NOT_HERE,
  rangeEncoding,
  type Ask,
  type AskedRun,
  type Give,
  type Lack,
  type RangeMessage,
} from './range-message.ts'
import { RunGiver } from './run-giver.ts'
import type { RunSource } from './run-taker.ts'

/** Runs that one peer may ask for, and cancel: as many as Hypercore may be asked for blocks. */
const ASKED = { burst: 10_000, perSecond: 4_000 }

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
}

type RangePeer = ProtocolPeer<RangeMessage, RangeState>

/**
 * Sends and asks for several blocks in a row with one proof, for logs that both sides of a connection replicate.
 * Peers without it are asked for single blocks.
 */
export class RangeChannel {
  readonly #onMisdeed: OnMisdeed
  readonly #logs = new Map<string, Log>()
  readonly #protocol: PeerProtocol<RangeMessage, RangeState>

  constructor({ onMisdeed }: { readonly onMisdeed: OnMisdeed }) {
    this.#onMisdeed = onMisdeed
    this.#protocol = new PeerProtocol<RangeMessage, RangeState>({
      protocol: 'hyperletter/ranges/1',
      encoding: rangeEncoding,
      maxBytes: MAX_RANGE_BYTES,
      rate: ASKED,
      // What was asked for is no flood.
      costOf: (message) =>
        message.kind === 'ask' ? message.runs.length : Number(message.kind === 'cancel'),
      newState: () => ({ speaks: false, nextId: 0, asked: new Map() }),
      onMessage: (message, peer) => this.#onMessage(message, peer),
      onFlood: (peer) => this.#hangUp(peer, 'peer floods with requests'),
      onMisdeed,
    })
  }

  /** Gives runs of a log, and takes them, until the returned function is called. */
  add(log: Log): { readonly source: RunSource; readonly stop: () => void } {
    const topic = hex(log.discoveryKey)
    if (USES_INTERNALS) this.#logs.set(topic, log)
    return {
      source: {
        speaks: (peer) => this.#logs.get(topic) === log && this.#stateOf(peer)?.speaks === true,
        ask: (peer, run, onAnswer) => this.#ask(log, peer, run, onAnswer),
        cancel: (peer, id) => this.#cancel(peer, id),
      },
      stop: () => {
        if (this.#logs.get(topic) === log) this.#logs.delete(topic)
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
    void peer.opened.then((isOpen) => (peer.state.speaks = isOpen))
  }

  /** Gives and takes nothing more. */
  close(): void {
    this.#logs.clear()
    this.#protocol.close()
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
      case 'unknown':
    }
  }

  // A log that is being closed, or was never shared here, has nothing for anybody.
  #onAsk({ topic, id, runs }: Ask, sender: RangePeer): void {
    const log = this.#logs.get(hex(topic))
    const peer = log?.peers.find((it) => sender.publicKey.equals(it.publicKey))
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

  #hangUp({ publicKey, connection }: RangePeer, what: string): void {
    this.#onMisdeed(publicKey, what)
    connection.destroy()
  }
}

const TOO_MANY = 'peer sent more blocks than it was asked for'
