import { createHmac } from 'node:crypto'
import c, { type Encoder } from 'compact-encoding'
import type Protomux from 'protomux'
import type { Message } from 'protomux'
import { keyBytes, type FeedKey } from '../../format/keys/feed-key.ts'
import { hex } from '../../hex.ts'
import { RateLimiter } from '../../rate-limiter.ts'

/** How far somebody is with one log. */
export interface LogState {
  readonly length: number
  /** Length of the unbroken beginning that is held. */
  readonly held: number
}

export interface WakeupOptions {
  /** All newsletters here. */
  readonly feedKeys: () => Iterable<FeedKey>
  /** How far this device is with one of them; undefined for nothing to tell. */
  readonly stateOf: (feedKey: FeedKey) => Promise<LogState | undefined>
  /** Whether a peer may know that a newsletter is here. */
  readonly mayTell: (feedKey: FeedKey, peer: Uint8Array) => boolean
  /** A peer told how far it is with a newsletter that is here too. */
  readonly onTold: (feedKey: FeedKey, state: LogState) => void
}

/** Protomux protocol name; the number rises with an incompatible change. */
const PROTOCOL = 'hyperletter/shelf/1'

const TOKEN_BYTES = 16

/** Newsletters in one message. */
const MAX_PER_MESSAGE = 256

/** Newsletters that a peer may tell of at once, and for each second of the connection. */
const CLAIMS = { perSecond: 64, burst: 16_384 }

/** News of several newsletters, or a sync that appends again and again, are told together. */
const GATHER_MS = 100

/** How long the tokens of a connection are kept: computing a thousand takes some milliseconds. */
const KEEP_TOKENS_MS = 30_000

interface Told extends LogState {
  readonly token: Uint8Array
}

/** Message: count (varint), then that many of token (16 bytes), length and held (varints). */
const shelfEncoding: Encoder<readonly Told[]> = {
  preencode(state, told) {
    c.uint.preencode(state, told.length)
    for (const it of told) {
      state.end += TOKEN_BYTES
      c.uint.preencode(state, it.length)
      c.uint.preencode(state, it.held)
    }
  },
  encode(state, told) {
    c.uint.encode(state, told.length)
    for (const it of told) {
      token.encode(state, it.token)
      c.uint.encode(state, it.length)
      c.uint.encode(state, it.held)
    }
  },
  decode(state) {
    const count = c.uint.decode(state)
    if (count > MAX_PER_MESSAGE) throw new Error('Too many newsletters in one message')
    return Array.from({ length: count }, () => ({
      token: token.decode(state),
      length: c.uint.decode(state),
      held: c.uint.decode(state),
    }))
  },
}

const token = c.fixed(TOKEN_BYTES)

interface Member {
  readonly mux: Protomux
  readonly message: Message<readonly Told[]>
  /** What the peer told, of newsletters that are here too. */
  readonly states: Map<FeedKey, LogState>
  /** The peer's token in hex → newsletter. */
  tokens: ReadonlyMap<string, FeedKey> | undefined
  readonly limiter: RateLimiter
}

/**
 * Two devices tell each other how far they are with the newsletters that both have, so that the logs
 * of those need not be open for news of them to be noticed. Of a newsletter that a peer does not have
 * it learns nothing but that there is one more: what is told is a token that only who knows the feed
 * key can compute, another one for each connection and direction.
 */
export class Wakeup {
  readonly #options: WakeupOptions
  readonly #members = new Map<string, Member>()
  readonly #changed = new Set<FeedKey>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: WakeupOptions) {
    this.#options = options
  }

  /**
   * Opens the channel on a new connection, beside replication.
   * @returns whether the peer speaks this protocol, once that is known; false too if the connection ends.
   */
  async attach(mux: Protomux): Promise<boolean> {
    const name = hex(mux.stream.remotePublicKey)
    const channel = mux.createChannel({
      protocol: PROTOCOL,
      messages: [
        { encoding: shelfEncoding, onmessage: (told: readonly Told[]) => this.#hear(name, told) },
      ],
      onclose: () => {
        if (this.#members.get(name)?.mux === mux) this.#members.delete(name)
      },
    })
    const message = channel?.messages[0] as Message<readonly Told[]> | undefined
    if (channel === null || message === undefined) return false
    const member = { mux, message, states: new Map(), tokens: undefined }
    this.#members.set(name, { ...member, limiter: new RateLimiter(CLAIMS) })
    channel.open()
    if (!(await channel.fullyOpened())) return false
    await this.#tell(name, this.#options.feedKeys())
    return true
  }

  /** A newsletter is here now. */
  added(feedKey: FeedKey): void {
    for (const member of this.#members.values()) member.tokens = undefined
    this.changed(feedKey)
  }

  /** Tells peers soon how far this device is now with a newsletter. */
  changed(feedKey: FeedKey): void {
    if (this.#members.size === 0) return
    this.#changed.add(feedKey)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      const changed = [...this.#changed]
      this.#changed.clear()
      for (const name of this.#members.keys()) this.#tell(name, changed).catch(() => undefined)
    }, GATHER_MS)
    this.#timer.unref()
  }

  speaks(peer: Uint8Array): boolean {
    return this.#members.has(hex(peer))
  }

  /** How far the connected peers are that have a newsletter too. */
  statesOf(feedKey: FeedKey): LogState[] {
    return [...this.#members.values()].flatMap(({ states }) => states.get(feedKey) ?? [])
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#members.clear()
  }

  async #tell(name: string, feedKeys: Iterable<FeedKey>): Promise<void> {
    const { stateOf, mayTell } = this.#options
    const member = this.#members.get(name)
    if (member === undefined) return
    const { stream } = member.mux
    let batch: Told[] = []
    const send = () => {
      if (batch.length > 0 && this.#members.get(name) === member) member.message.send(batch)
      batch = []
    }
    for (const feedKey of feedKeys) {
      if (!mayTell(feedKey, stream.remotePublicKey)) continue
      const state = await stateOf(feedKey)
      if (state === undefined) continue
      const own = tokenOf(feedKey, stream.handshakeHash, stream.isInitiator)
      batch.push({ token: own, length: state.length, held: state.held })
      if (batch.length === MAX_PER_MESSAGE) send()
    }
    send()
  }

  #hear(name: string, told: readonly Told[]): void {
    const member = this.#members.get(name)
    if (member === undefined || !member.limiter.take(told.length)) return
    const tokens = this.#tokensOf(member)
    for (const { token: theirs, length, held } of told) {
      const feedKey = tokens.get(hex(theirs))
      if (feedKey === undefined) continue
      const state = { length, held: Math.min(held, length) }
      member.states.set(feedKey, state)
      this.#options.onTold(feedKey, state)
    }
  }

  #tokensOf(member: Member): ReadonlyMap<string, FeedKey> {
    if (member.tokens !== undefined) return member.tokens
    const { handshakeHash, isInitiator, remotePublicKey } = member.mux.stream
    const tokens = new Map<string, FeedKey>()
    for (const feedKey of this.#options.feedKeys()) {
      // What this peer may not know of here, is not taken from it either.
      if (!this.#options.mayTell(feedKey, remotePublicKey)) continue
      tokens.set(hex(tokenOf(feedKey, handshakeHash, !isInitiator)), feedKey)
    }
    member.tokens = tokens
    setTimeout(() => (member.tokens = undefined), KEEP_TOKENS_MS).unref()
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
