import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import c from 'compact-encoding'
import type Protomux from 'protomux'
import { keyBytes, type FeedKey } from '../../format/keys/feed-key.ts'
import { hex } from '../../hex.ts'
import { RateLimiter } from '../../rate-limiter.ts'
import {
  listOf,
  PeerProtocol,
  struct,
  type OnMisdeed,
  type ProtocolPeer,
} from '../../peers/peer-protocol.ts'

/** How far a device is with one log. */
export interface LogState {
  readonly length: number
  /** Length of the unbroken beginning that is held. */
  readonly held: number
}

export interface WakeupOptions {
  readonly feedKeys: () => Iterable<FeedKey>
  /** How far this device is with one of them; undefined for nothing to announce. */
  readonly stateOf: (feedKey: FeedKey) => Promise<LogState | undefined>
  /** Whether a peer may know that a newsletter is here. */
  readonly mayAnnounce: (feedKey: FeedKey, peer: Uint8Array) => boolean
  /** A peer says how far it is with a newsletter that is here too; `peer` stands for its connection. */
  readonly onState: (feedKey: FeedKey, state: LogState, peer: object) => void
  readonly onMisdeed: OnMisdeed
}

/** Protomux protocol name; the number rises with an incompatible change. */
const PROTOCOL = 'hyperletter/shelf/1'

const TOKEN_BYTES = 16

/** The largest varint. */
const VARINT_BYTES = 9

/** Newsletters in one message. */
const MAX_PER_MESSAGE = 256

const MAX_BYTES = VARINT_BYTES + MAX_PER_MESSAGE * (TOKEN_BYTES + 2 * VARINT_BYTES)

/** Claims read from one connection. */
const RATE = { perSecond: 64, burst: 16_384 }

/** News of several newsletters, or a sync that appends again and again, are announced together. */
const GATHER_MS = 100

/** How long the tokens of a connection are kept: computing a thousand takes some milliseconds. */
const KEEP_TOKENS_MS = 30_000

/** How far a peer is with one newsletter, which only a device that has it too recognizes. */
interface Claim extends LogState {
  readonly token: Uint8Array
}

/** Message: count (varint), then that many of token (16 bytes), length and held (varints). */
export const wakeupEncoding = listOf(
  struct({ token: c.fixed(TOKEN_BYTES), length: c.uint, held: c.uint }),
  MAX_PER_MESSAGE,
)

interface WakeupState {
  /** What the peer claimed, of newsletters that are here too. */
  readonly states: Map<FeedKey, LogState>
  /** The peer's token in hex → newsletter. */
  tokens: ReadonlyMap<string, FeedKey> | undefined
  /** What the peer reads of us: it drops what exceeds that. */
  readonly sent: RateLimiter
}

type WakeupPeer = ProtocolPeer<readonly Claim[], WakeupState>

/**
 * Two devices announce to each other how far they are with the newsletters that both have, so that the logs of those
 * need not be open for news of them to be noticed. Of a newsletter that a peer does not have it learns nothing but
 * that there is one more: a claim carries a token that only a holder of the feed key can compute, another one for
 * each connection and direction.
 */
export class Wakeup {
  readonly #options: WakeupOptions
  readonly #protocol: PeerProtocol<readonly Claim[], WakeupState>
  readonly #changed = new Set<FeedKey>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: WakeupOptions) {
    this.#options = options
    this.#protocol = new PeerProtocol<readonly Claim[], WakeupState>({
      protocol: PROTOCOL,
      encoding: wakeupEncoding,
      maxBytes: MAX_BYTES,
      rate: RATE,
      costOf: (claims) => Math.max(1, claims.length),
      newState: () => ({ states: new Map(), tokens: undefined, sent: new RateLimiter(RATE) }),
      onMessage: (claims, peer) => this.#onClaims(claims, peer),
      onMisdeed: options.onMisdeed,
    })
  }

  /**
   * Opens the channel on a new connection.
   * @returns whether the peer speaks this protocol, once that is known; false too if the connection ends.
   */
  async attach(mux: Protomux): Promise<boolean> {
    const peer = this.#protocol.attach(mux)
    if (peer === undefined || !(await peer.opened)) return false
    await this.#announce(peer, this.#options.feedKeys())
    return true
  }

  added(feedKey: FeedKey): void {
    for (const { state } of this.#protocol) state.tokens = undefined
    this.changed(feedKey)
  }

  /** Announces to peers soon how far this device is now with a newsletter. */
  changed(feedKey: FeedKey): void {
    if (this.#protocol.size === 0) return
    this.#changed.add(feedKey)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const changed = [...this.#changed]
      this.#changed.clear()
      for (const peer of this.#protocol) this.#announce(peer, changed).catch(() => undefined)
    }, GATHER_MS).unref()
  }

  speaks(peer: Uint8Array): boolean {
    return this.#protocol.get(peer) !== undefined
  }

  /** How far the connected peers are that have a newsletter too. */
  statesOf(feedKey: FeedKey): LogState[] {
    return [...this.#protocol].flatMap(({ state }) => state.states.get(feedKey) ?? [])
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#protocol.close()
  }

  async #announce(peer: WakeupPeer, feedKeys: Iterable<FeedKey>): Promise<void> {
    const { stateOf, mayAnnounce } = this.#options
    const { handshakeHash, isInitiator } = peer.connection
    let batch: Claim[] = []
    const send = async () => {
      const waitMs = peer.state.sent.reserve(batch.length)
      if (waitMs > 0) await sleep(waitMs, undefined, { ref: false })
      if (batch.length > 0 && this.#protocol.has(peer)) peer.send(batch)
      batch = []
    }
    for (const feedKey of feedKeys) {
      if (!mayAnnounce(feedKey, peer.publicKey)) continue
      const state = await stateOf(feedKey)
      if (state === undefined) continue
      const token = tokenOf(feedKey, handshakeHash, isInitiator)
      batch.push({ token, length: state.length, held: state.held })
      if (!this.#protocol.has(peer)) return
      if (batch.length === MAX_PER_MESSAGE) await send()
    }
    await send()
  }

  #onClaims(claims: readonly Claim[], peer: WakeupPeer): void {
    const tokens = this.#tokensOf(peer)
    for (const { token, length, held } of claims) {
      const feedKey = tokens.get(hex(token))
      if (feedKey === undefined) continue
      const state = { length, held: Math.min(held, length) }
      peer.state.states.set(feedKey, state)
      this.#options.onState(feedKey, state, peer)
    }
  }

  #tokensOf({ state, publicKey, connection }: WakeupPeer): ReadonlyMap<string, FeedKey> {
    if (state.tokens !== undefined) return state.tokens
    const { handshakeHash, isInitiator } = connection
    const tokens = new Map<string, FeedKey>()
    for (const feedKey of this.#options.feedKeys()) {
      // What this peer may not know of here, is not taken from it either.
      if (!this.#options.mayAnnounce(feedKey, publicKey)) continue
      tokens.set(hex(tokenOf(feedKey, handshakeHash, !isInitiator)), feedKey)
    }
    state.tokens = tokens
    setTimeout(() => (state.tokens = undefined), KEEP_TOKENS_MS).unref()
    return tokens
  }
}

function tokenOf(feedKey: FeedKey, handshakeHash: Uint8Array, byInitiator: boolean): Buffer {
  const mac = createHmac('sha256', keyBytes(feedKey)).update(PROTOCOL)
  return mac
    .update(handshakeHash)
    .update(byInitiator ? 'a' : 'b')
    .digest()
    .subarray(0, TOKEN_BYTES)
}
