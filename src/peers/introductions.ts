import c, { type Encoder } from 'compact-encoding'
import type Protomux from 'protomux'
import type { Message } from 'protomux'
import { hex } from '../hex.ts'
import { RateLimiter } from '../rate-limiter.ts'

/** Protomux protocol name; the number rises with an incompatible change. */
const PROTOCOL = 'hyperletter/peers/1'

/** Peers told in one message. More than a reader needs to be part of a mesh. */
const MAX_PEERS_PER_MESSAGE = 32

/** Messages accepted from one connection in its lifetime per second of it, plus a first burst. */
const MESSAGES = { perSecond: 4, burst: 256 }

/** Peers that arrive together are told together. */
const GATHER_MS = 100

const KEY_BYTES = 32

interface Peers {
  readonly topic: Uint8Array
  /** Swarm public keys, 32 bytes each. */
  readonly keys: readonly Uint8Array[]
}

/** Message: topic (32 bytes), count (varint), that many keys of 32 bytes. A decode error ends the connection. */
const peersEncoding: Encoder<Peers> = {
  preencode(state, { topic, keys }) {
    c.fixed32.preencode(state, topic)
    c.uint.preencode(state, keys.length)
    state.end += keys.length * KEY_BYTES
  },
  encode(state, { topic, keys }) {
    c.fixed32.encode(state, topic)
    c.uint.encode(state, keys.length)
    for (const key of keys) c.fixed32.encode(state, key)
  },
  decode(state) {
    const topic = c.fixed32.decode(state)
    const count = c.uint.decode(state)
    if (count > MAX_PEERS_PER_MESSAGE) throw new Error('Too many peers in one message')
    return { topic, keys: Array.from({ length: count }, () => c.fixed32.decode(state)) }
  },
}

export interface IntroductionsOptions {
  /** Asked to connect to a peer that `teller`, a public key in hex, told us of. */
  readonly onPeer: (key: Uint8Array, teller: string) => void
}

/** A topic whose peers are introduced to each other. */
interface IntroducedTopic {
  readonly topic: Uint8Array
  /** Public keys of the peers that proved to know what the topic stands for, the latest last. */
  readonly members: () => readonly Uint8Array[]
}

/**
 * Introduces the peers of a topic to each other. Peers that join a topic at the same moment do not
 * find each other: each looked up before the other had announced, and the stack looks again after
 * ten minutes. Whoever both are connected to introduces them within `GATHER_MS`.
 *
 * Only members of a topic are named, and only to other members; an introduction counts only if it comes from a
 * member. It is a public key to dial; the connection then proves it.
 */
export class Introductions {
  readonly #options: IntroductionsOptions
  readonly #topics = new Map<string, IntroducedTopic>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #channels = new Map<string, Message<Peers>>()
  /** `topic:teller` → keys told already, in hex. */
  readonly #told = new Map<string, Set<string>>()

  constructor(options: IntroductionsOptions) {
    this.#options = options
  }

  /** Introduces the members of a topic to each other until `delete`. */
  add(topic: Uint8Array, members: () => readonly Uint8Array[]): void {
    this.#topics.set(hex(topic), { topic, members })
    this.changed(topic)
  }

  /** A topic has a new member. */
  changed(topic: Uint8Array): void {
    if (this.#topics.has(hex(topic))) this.#gather(hex(topic))
  }

  delete(topic: Uint8Array): void {
    const name = hex(topic)
    clearTimeout(this.#timers.get(name))
    this.#timers.delete(name)
    this.#topics.delete(name)
  }

  /** Opens the channel on a new connection, beside replication. */
  attach(mux: Protomux): void {
    const teller = hex(mux.stream.remotePublicKey)
    const limiter = new RateLimiter(MESSAGES)
    const channel = mux.createChannel({
      protocol: PROTOCOL,
      messages: [
        {
          encoding: peersEncoding,
          onmessage: (peers: Peers) => {
            if (limiter.take()) this.#hear(peers, teller)
          },
        },
      ],
      onclose: () => this.#forget(teller),
    })
    if (channel === null) return
    channel.open()
    const [message] = channel.messages
    if (message !== undefined) this.#channels.set(teller, message as Message<Peers>)
    for (const topic of this.#topics.keys()) this.#gather(topic)
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
    this.#topics.clear()
    this.#channels.clear()
    this.#told.clear()
  }

  #gather(topic: string): void {
    if (this.#timers.has(topic)) return
    const timer = setTimeout(() => {
      this.#timers.delete(topic)
      this.#tell(topic)
    }, GATHER_MS)
    this.#timers.set(topic, timer)
  }

  #tell(topic: string): void {
    const introduced = this.#topics.get(topic)
    if (introduced === undefined) return
    const members = new Map(introduced.members().map((key) => [hex(key), key]))
    for (const member of members.keys()) {
      const message = this.#channels.get(member)
      if (message === undefined) continue
      const told = this.#toldTo(topic, member)
      const fresh = [...members].filter(([key]) => key !== member && !told.has(key))
      // The latest arrivals are those who know the fewest others.
      const chosen = fresh.slice(-MAX_PEERS_PER_MESSAGE)
      if (chosen.length === 0) continue
      for (const [key] of chosen) told.add(key)
      message.send({ topic: introduced.topic, keys: chosen.map(([, bytes]) => bytes) })
    }
  }

  #hear({ topic, keys }: Peers, teller: string): void {
    const members = this.#topics.get(hex(topic))?.members() ?? []
    if (!members.some((key) => hex(key) === teller)) return
    for (const key of keys) this.#options.onPeer(key, teller)
  }

  #toldTo(topic: string, member: string): Set<string> {
    const name = `${topic}:${member}`
    const told = this.#told.get(name) ?? new Set<string>()
    this.#told.set(name, told)
    return told
  }

  #forget(teller: string): void {
    this.#channels.delete(teller)
    for (const name of this.#told.keys()) if (name.endsWith(teller)) this.#told.delete(name)
  }
}
