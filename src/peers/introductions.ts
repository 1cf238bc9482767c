import c from 'compact-encoding'
import type Protomux from 'protomux'
import { hex } from '../hex.ts'
import {
  listOf,
  PeerProtocol,
  struct,
  type Encoded,
  type OnMisdeed,
  type ProtocolPeer,
} from './peer-protocol.ts'
import type { RelayOffer } from './relay/relays.ts'

const MAX_PEERS_PER_MESSAGE = 32

/** Messages accepted from one connection. */
const RATE = { perSecond: 4, burst: 256 }

/** Peers that arrive together are named together; those beyond one message follow after as long. */
const GATHER_MS = 100

const KEY_BYTES = 32

/** The largest varint. */
const VARINT_BYTES = 9

const MAX_RELAYS = 1

const MAX_BYTES =
  KEY_BYTES +
  2 * (VARINT_BYTES + MAX_PEERS_PER_MESSAGE * KEY_BYTES) +
  VARINT_BYTES +
  MAX_RELAYS * (KEY_BYTES + VARINT_BYTES)

/** Remembered of what one peer named for a topic: more than a device accepts connections. */
const MAX_NAMED = 1_024

const keyList = listOf(c.fixed32, MAX_PEERS_PER_MESSAGE)
const relay = struct({ key: c.fixed32, bytesPerSecond: c.uint })

/**
 * Message: topic (32 bytes), count (varint), that many keys of 32 bytes; then the same of those that have gone; then
 * count (varint), that many relays, each a key of 32 bytes and a rate (varint).
 */
export const introductionEncoding = struct(
  { topic: c.fixed32, keys: keyList },
  {
    /** Of peers that were named before and have gone. Absent: the sender does not tell. */
    gone: keyList,
    /** The sender's relay, or that it has none any more. Absent: as before. */
    relays: listOf(relay, MAX_RELAYS),
  },
)

type Introduction = Encoded<typeof introductionEncoding>

export interface IntroductionsOptions {
  /** Asked to connect to a peer that `introducer`, a public key in hex, named. */
  readonly onPeer: (key: Uint8Array, introducer: string, topic: Uint8Array) => void
  /** What this device offers peers of every topic; nothing where absent. */
  readonly relay?: () => RelayOffer | undefined
  /** A peer, by its public key in hex, offers its relay to peers of a topic, or does not any more. */
  readonly onRelay?: (peer: string, topic: Uint8Array, offer: RelayOffer | undefined) => void
  readonly onMisdeed: OnMisdeed
}

/** A topic whose peers are introduced to each other. */
interface IntroducedTopic {
  readonly topic: Uint8Array
  /** Public keys of the peers that proved to know what the topic stands for, the latest last. */
  readonly members: () => readonly Uint8Array[]
  timer: NodeJS.Timeout | undefined
}

/** What was said on a connection, by topics in hex. */
interface Introduced {
  /** Keys, by themselves in hex, that the peer was sent. */
  readonly sent: Map<string, Map<string, Uint8Array>>
  /** The relay that the peer was told of; absent where none. */
  readonly offered: Map<string, string>
  /** Keys, by themselves in hex, that the peer named; only if it also names those that left. */
  readonly named: Map<string, Map<string, Uint8Array>>
}

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
      newState: () => ({ sent: new Map(), offered: new Map(), named: new Map() }),
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

  /** All members of a topic that a peer serves, as it says; undefined where it does not name those that left. */
  namedBy(topic: Uint8Array, publicKey: Uint8Array): Iterable<Uint8Array> | undefined {
    return this.#protocol.get(publicKey)?.state.named.get(hex(topic))?.values()
  }

  changed(topic: Uint8Array): void {
    const introduced = this.#topics.get(hex(topic))
    if (introduced !== undefined) this.#gather(introduced)
  }

  relayChanged(): void {
    for (const introduced of this.#topics.values()) this.#gather(introduced)
  }

  delete(topic: Uint8Array): void {
    clearTimeout(this.#topics.get(hex(topic))?.timer)
    this.#topics.delete(hex(topic))
  }

  attach(mux: Protomux): void {
    this.#protocol.attach(mux)
    this.relayChanged()
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
    const offer = this.#options.relay?.()
    const offered = offer === undefined ? '' : `${hex(offer.key)} ${offer.bytesPerSecond}`
    let hasMore = false
    for (const [member, publicKey] of keys) {
      const peer = this.#protocol.get(publicKey)
      if (peer === undefined) continue
      const sent = peer.state.sent.get(name) ?? new Map<string, Uint8Array>()
      peer.state.sent.set(name, sent)
      const fresh = [...keys].filter(([key]) => key !== member && !sent.has(key))
      const missing = [...sent].filter(([key]) => !keys.has(key))
      const gone = missing.slice(0, MAX_PEERS_PER_MESSAGE)
      // The latest arrivals know the fewest others.
      const most = MAX_PEERS_PER_MESSAGE - gone.length
      const chosen = most === 0 ? [] : fresh.slice(-most)
      const isTold = (peer.state.offered.get(name) ?? '') === offered
      if (chosen.length === 0 && gone.length === 0 && isTold) continue
      peer.state.offered.set(name, offered)
      if (fresh.length + missing.length > chosen.length + gone.length) hasMore = true
      for (const [key, bytes] of chosen) sent.set(key, bytes)
      for (const [key] of gone) sent.delete(key)
      const bytesOf = (them: typeof chosen) => them.map(([, bytes]) => bytes)
      const relays = isTold ? {} : { relays: offer === undefined ? [] : [offer] }
      peer.send({ topic, keys: bytesOf(chosen), gone: bytesOf(gone), ...relays })
    }
    return hasMore
  }

  #onIntroduction(
    { topic, keys, gone, relays }: Introduction,
    { publicKey, state }: ProtocolPeer<Introduction, Introduced>,
  ): void {
    const name = hex(topic)
    const members = this.#topics.get(name)?.members() ?? []
    if (!members.some((key) => publicKey.equals(key))) return
    if (gone !== undefined) {
      const all = state.named.get(name) ?? new Map<string, Uint8Array>()
      state.named.set(name, all)
      for (const key of gone) all.delete(hex(key))
      for (const key of keys) if (all.size < MAX_NAMED) all.set(hex(key), key)
    }
    if (relays !== undefined) this.#options.onRelay?.(hex(publicKey), topic, relays[0])
    for (const key of keys) this.#options.onPeer(key, hex(publicKey), topic)
  }
}
