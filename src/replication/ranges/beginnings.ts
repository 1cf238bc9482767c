import type { Log, LogPeer } from '../../format/log.ts'
import { hex } from '../../hex.ts'
import { readHead } from '../../log/internals/log-heads.ts'
import type { Begin, HeadMessage, RangeMessage } from './range-message.ts'
import type { OnHead } from './run-taker.ts'

/** Of the blocks in a head: what a new connection takes at once, before it has found its speed. */
const MOST = { blocks: 64, bytes: 8 * 1024 }

/** Peers that are asked for the head of a log; each that has it sends it. */
const ASKED_OF_ONE_LOG = 2

/** Logs that one peer may ask for before it is known whether both have them. */
const MOST_BEGUN = 64

interface Correspondent {
  send(message: RangeMessage): void
}

interface Wanted {
  readonly log: Log
  readonly onHead: OnHead
  asked: number
}

/**
 * How a copy that has nothing of a log begins. It asks for the head when a connection opens, together with all else that is
 * sent first, and so it has the newest entry one round trip sooner than where each side first hears what the other has.
 */
export class Beginnings {
  readonly #wanted = new Map<string, Wanted>()
  /** What each peer was asked for: its number and topic. */
  readonly #asked = new WeakMap<Correspondent, Map<number, string>>()
  /** What each peer asks for: the topic, and the number until it is answered. */
  readonly #begun = new WeakMap<Correspondent, Map<string, number | undefined>>()

  /** Asks peers that connect for the head of a log, until one gives it. */
  want(log: Log, onHead: OnHead): void {
    this.#wanted.set(hex(log.discoveryKey), { log, onHead, asked: 0 })
  }

  forget(topic: string): void {
    this.#wanted.delete(topic)
  }

  /** Asks a peer that has just connected for what is wanted. @param nextId gives the number of a request. */
  ask(peer: Correspondent, nextId: () => number): void {
    for (const [topic, wanted] of this.#wanted) {
      const { log } = wanted
      if (!log.isOpen || log.length > 0 || wanted.asked >= ASKED_OF_ONE_LOG) continue
      wanted.asked++
      const id = nextId()
      ofPeer(this.#asked, peer).set(id, topic)
      peer.send({ kind: 'begin', topic: log.discoveryKey, id })
    }
  }

  /** A peer asks for a head. */
  onBegin({ topic, id }: Begin, sender: Correspondent): void {
    const begun = ofPeer(this.#begun, sender)
    if (begun.size < MOST_BEGUN && !begun.has(hex(topic))) begun.set(hex(topic), id)
  }

  /** Both sides replicate a log: the peer gets its head, once, if it asked for it. */
  answer(topic: string, log: Log, peer: LogPeer, to: Correspondent): void {
    const begun = this.#begun.get(to)
    const id = begun?.get(topic)
    if (id === undefined) return
    begun?.set(topic, undefined)
    const read = readHead(log, peer, MOST)
    read.then(
      (head) => {
        const isPeer = log.isOpen && log.peers.includes(peer)
        if (head !== undefined && isPeer) to.send({ kind: 'head', id, ...head })
      },
      // What it takes is not here, or is being closed: Hypercore answers as far as it can.
      () => undefined,
    )
  }

  /** @returns what no honest peer would have done. */
  onHead(head: HeadMessage, sender: Correspondent, peerIn: (log: Log) => LogPeer | undefined) {
    const asked = this.#asked.get(sender)
    const topic = asked?.get(head.id)
    if (asked === undefined || topic === undefined) return 'peer sent a head that nobody asked for'
    asked.delete(head.id)
    const wanted = this.#wanted.get(topic)
    const peer = wanted?.log.isOpen === true ? peerIn(wanted.log) : undefined
    if (wanted === undefined || peer === undefined) return undefined
    this.#wanted.delete(topic)
    return wanted.onHead(peer, head)
  }
}

function ofPeer<K, V>(maps: WeakMap<Correspondent, Map<K, V>>, peer: Correspondent): Map<K, V> {
  let found = maps.get(peer)
  if (found === undefined) maps.set(peer, (found = new Map<K, V>()))
  return found
}
