import c from 'compact-encoding'
import type Protomux from 'protomux'
import { hex } from '../hex.ts'
import { listOf, PeerProtocol, struct, type OnMisdeed, type ProtocolPeer } from './peer-protocol.ts'

/** Peers named in one message. */
const MAX_PEERS_PER_MESSAGE = 32

/** Messages accepted from one connection. */
const RATE = { perSecond: 4, burst: 256 }

/** Peers that arrive together are named together; those beyond one message follow after as long. */
const GATHER_MS = 100

const KEY_BYTES = 32

/** The largest varint. */
const VARINT_BYTES = 9

const MAX_BYTES = KEY_BYTES + VARINT_BYTES + MAX_PEERS_PER_MESSAGE * KEY_BYTES

interface Introduction {
  readonly topic: Uint8Array
  /** Swarm public keys, 32 bytes each. */
  readonly keys: readonly Uint8Array[]
}

/** Message: topic (32 bytes), count (varint), that many keys of 32 bytes. */
export const introductionEncoding = struct<Introduction>({
  topic: c.fixed32,
  keys: listOf(c.fixed32, MAX_PEERS_PER_MESSAGE),
})

export interface IntroductionsOptions {
  /** Asked to connect to a peer that `introducer`, a public key in hex, named. */
  readonly onPeer: (key: Uint8Array, introducer: string) => void
  readonly onMisdeed: OnMisdeed
}

/** A topic whose peers are introduced to each other. */
interface IntroducedTopic {
  readonly topic: Uint8Array
  /** Public keys of the peers that proved to know what the topic stands for, the latest last. */
  readonly members: () => readonly Uint8Array[]
  timer: NodeJS.Timeout | undefined
}

/** Topic in hex → keys in hex that a peer was sent. */
type Introduced = Map<string, Set<string>>

/**
 * Introduces the peers of a topic to each other. Peers that join a topic at the same moment do not
 * find each other: each looked up before the other had announced, and the stack looks again after
 * ten minutes. A peer that both are connected to introduces them within `GATHER_MS`.
 *
 * Only members of a topic are named, and only to other members; an introduction counts only if it comes from a
 * member. It is a public key to dial; the connection then proves it.
 */
export class Introductions {
  readonly #options: IntroductionsOptions
  readonly #topics = new Map<string, IntroducedTopic>()
  readonly #protocol: PeerProtocol<Introduction, Introduced>

  constructor(options: IntroductionsOptions) {
    this.#options = options
    this.#protocol = new PeerProtocol<Introduction, Introduced>({
      protocol: 'hyperletter/peers/1',
      encoding: introductionEncoding,
      maxBytes: MAX_BYTES,
      rate: RATE,
      newState: () => new Map(),
      onMessage: (message, peer) => this.#onIntroduction(message, peer),
      onMisdeed: options.onMisdeed,
    })
  }

  /** Introduces the members of a topic to each other until `delete`. */
  add(topic: Uint8Array, members: () => readonly Uint8Array[]): void {
    this.delete(topic)
    this.#topics.set(hex(topic), { topic, members, timer: undefined })
    this.changed(topic)
  }

  /** A topic has a new member. */
  changed(topic: Uint8Array): void {
    const introduced = this.#topics.get(hex(topic))
    if (introduced !== undefined) this.#gather(introduced)
  }

  delete(topic: Uint8Array): void {
    clearTimeout(this.#topics.get(hex(topic))?.timer)
    this.#topics.delete(hex(topic))
  }

  /** Opens the channel on a new connection. */
  attach(mux: Protomux): void {
    this.#protocol.attach(mux)
    for (const introduced of this.#topics.values()) this.#gather(introduced)
  }

  close(): void {
    for (const { timer } of this.#topics.values()) clearTimeout(timer)
    this.#topics.clear()
    this.#protocol.close()
  }

  #gather(introduced: IntroducedTopic): void {
    introduced.timer ??= setTimeout(() => {
      introduced.timer = undefined
      if (this.#introduce(introduced)) this.#gather(introduced)
    }, GATHER_MS)
  }

  /** Gives whether peers remain that another message has to name. */
  #introduce({ topic, members }: IntroducedTopic): boolean {
    const name = hex(topic)
    const keys = new Map(members().map((key) => [hex(key), key]))
    let hasMore = false
    for (const [member, publicKey] of keys) {
      const peer = this.#protocol.get(publicKey)
      if (peer === undefined) continue
      const sent = peer.state.get(name) ?? new Set()
      peer.state.set(name, sent)
      const fresh = [...keys].filter(([key]) => key !== member && !sent.has(key))
      // The latest arrivals know the fewest others.
      const chosen = fresh.slice(-MAX_PEERS_PER_MESSAGE)
      if (chosen.length === 0) continue
      if (fresh.length > chosen.length) hasMore = true
      for (const [key] of chosen) sent.add(key)
      peer.send({ topic, keys: chosen.map(([, bytes]) => bytes) })
    }
    return hasMore
  }

  #onIntroduction(
    { topic, keys }: Introduction,
    { publicKey }: ProtocolPeer<Introduction, Introduced>,
  ): void {
    const members = this.#topics.get(hex(topic))?.members() ?? []
    if (!members.some((key) => publicKey.equals(key))) return
    for (const key of keys) this.#options.onPeer(key, hex(publicKey))
  }
}
