import c from 'compact-encoding'
import HyperDHT from 'hyperdht'
import type Protomux from 'protomux'
import { orAborted } from '../../async.ts'
import type { Dht } from '../dht.ts'
import {
  bytesUpTo,
  oneOf,
  PeerProtocol,
  type Encoded,
  type OfKind,
  type OnMisdeed,
  type ProtocolPeer,
} from '../peer-protocol.ts'
import { NOWHERE } from './hidden-dial.ts'

/** Bytes of a message of a Noise handshake; hyperdht's have some 200. */
const MAX_NOISE_BYTES = 1_024

/** Messages accepted from one connection. */
const RATE = { perSecond: 1, burst: 64 }

/** Handshakes that are passed on at a time, for all peers and for one. */
const MAX_FORWARDING = 16
const MAX_OF_PEER = 4

/** How long passing one on may take. */
const DEADLINE_MS = 10_000

/** Bytes beside the noise. */
const HEAD_BYTES = 64

const noise = bytesUpTo(MAX_NOISE_BYTES)

/** Message: its kind (varint), and what that kind has. */
export const relayEncoding = oneOf({
  /** `peer`: public key of the peer that is dialed. */
  dial: { id: c.uint, peer: c.fixed32, noise },
  /** No noise: the peer was not reached. */
  answer: { id: c.uint, noise },
})

type RelayMessage = Encoded<typeof relayEncoding>

export interface HandshakeForwardingOptions {
  readonly dht: Dht
  /** Whether a peer may dial another one by way of this device. */
  readonly mayForward: (from: Uint8Array, to: Uint8Array) => boolean
  readonly onMisdeed: OnMisdeed
}

interface PeerState {
  /** Dials that it passes on for this device, by their numbers. */
  readonly waiting: Map<number, (noise: Uint8Array) => void>
  /** Dials that this device passes on for it now. */
  forwarding: number
}

/**
 * Passes on handshakes between peers, one of which hides its address: to the peer that is dialed they come from here.
 * They are end-to-end encrypted.
 */
export class HandshakeForwarding {
  readonly #options: HandshakeForwardingOptions
  readonly #protocol: PeerProtocol<RelayMessage, PeerState>
  #forwarding = 0
  #lastId = 0

  constructor(options: HandshakeForwardingOptions) {
    this.#options = options
    this.#protocol = new PeerProtocol<RelayMessage, PeerState>({
      protocol: 'hyperletter/relay/1',
      encoding: relayEncoding,
      maxBytes: MAX_NOISE_BYTES + HEAD_BYTES,
      rate: RATE,
      newState: () => ({ waiting: new Map(), forwarding: 0 }),
      onMessage: (message, peer) => void this.#onMessage(message, peer),
      onMisdeed: options.onMisdeed,
    })
  }

  attach(mux: Protomux): void {
    this.#protocol.attach(mux)
  }

  /** Has a connected device pass the first message of a handshake on. Rejects if there is no answer in time. */
  async forward(device: string, peer: Uint8Array, first: Uint8Array): Promise<Uint8Array> {
    const by = this.#protocol.get(Buffer.from(device, 'hex'))
    if (by === undefined) throw new Error('The device that relays is not connected.')
    const id = ++this.#lastId
    const answered = new Promise<Uint8Array>((resolve) => by.state.waiting.set(id, resolve))
    try {
      by.send({ kind: 'dial', id, peer, noise: first })
      const answer = await orAborted(answered, AbortSignal.timeout(DEADLINE_MS))
      if (answer.byteLength > 0) return answer
    } finally {
      by.state.waiting.delete(id)
    }
    throw new Error('The peer was not reached.')
  }

  close(): void {
    this.#protocol.close()
  }

  async #onMessage(message: RelayMessage, from: ProtocolPeer<RelayMessage, PeerState>) {
    const { state } = from
    if (message.kind === 'answer') state.waiting.get(message.id)?.(message.noise)
    if (message.kind !== 'dial') return
    const { id, peer } = message
    const isAllowed =
      this.#forwarding < MAX_FORWARDING &&
      state.forwarding < MAX_OF_PEER &&
      this.#options.mayForward(from.publicKey, peer)
    if (isAllowed) state.forwarding++
    const answer = isAllowed ? await this.#deliver(message) : new Uint8Array()
    if (isAllowed) state.forwarding--
    if (this.#protocol.has(from)) from.send({ kind: 'answer', id, noise: answer })
  }

  async #deliver({ peer, noise: first }: OfKind<RelayMessage, 'dial'>): Promise<Uint8Array> {
    const { dht } = this.#options
    const target = HyperDHT.hash(peer)
    const query = dht.findPeer(peer, { retries: 1 })
    this.#forwarding++
    const timer = setTimeout(() => query.destroy(), DEADLINE_MS)
    try {
      for await (const { from } of query) {
        // In place of the address of the peer that dials.
        const handshake = { noise: first, peerAddress: NOWHERE }
        const reply = await dht._router
          .peerHandshake(target, handshake, from)
          .catch(() => undefined)
        if (reply !== undefined && reply.noise.byteLength <= MAX_NOISE_BYTES) return reply.noise
      }
    } catch {
      // It was given up.
    } finally {
      clearTimeout(timer)
      query.destroy()
      this.#forwarding--
    }
    return new Uint8Array()
  }
}
