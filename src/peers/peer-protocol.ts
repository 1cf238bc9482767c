import { attempt } from '../errors.ts'
import c, { type Encoder, type State } from 'compact-encoding'
import type { Connection } from 'hyperswarm'
import type Protomux from 'protomux'
import type { Channel, ChannelOptions, Message } from 'protomux'
import { hex } from '../hex.ts'
import { RateLimiter, type Rate } from '../rate-limiter.ts'

/** The protocol by which Hypercore replicates; its channels are named by discovery keys. */
const REPLICATION = 'hypercore/alpha'

/** A later version appends fields to a message: bytes that it may be longer by. What follows the last known one is ignored. */
const GROWTH_BYTES = 256

/** What may wait to be sent to a peer that goes on asking: far more than one that reads has waiting. */
const MAX_UNSENT_BYTES = 32 * 1024 * 1024

/** Called when a peer did what no honest one does. */
export type OnMisdeed = (publicKey: Uint8Array, what: string) => void

export interface PeerProtocolOptions<T, S> {
  /** Protomux protocol name; its number rises with an incompatible change. */
  readonly protocol: string
  readonly encoding: Encoder<T>
  /** Of a message with all the fields that are known. Much longer ones are not decoded. */
  readonly maxBytes: number
  /** How many messages of one connection are read; more are dropped. */
  readonly rate: Rate
  /** What a message takes of `rate`; 1 when absent. */
  readonly costOf?: (message: T) => number
  /** Makes what is remembered of a connection. */
  readonly newState: (publicKey: Buffer) => S
  readonly onMessage: (message: T, peer: ProtocolPeer<T, S>) => void
  readonly onFlood?: (peer: ProtocolPeer<T, S>) => void
  /** Called when a message cannot be decoded; the connection ends. */
  readonly onMisdeed: OnMisdeed
}

/** A connected peer, from the side of one protocol. */
export interface ProtocolPeer<T, S> {
  readonly publicKey: Buffer
  readonly connection: Connection
  readonly state: S
  /** Whether the peer speaks the protocol, once that is known; false too if the connection ends. */
  readonly opened: Promise<boolean>
  readonly send: (message: T) => void
  /** Resolves when what was sent is on its way, or the connection has ended. */
  readonly drained: () => Promise<void>
}

/**
 * A protocol with one kind of message, beside replication on the same connection. Messages are bounded before they
 * are decoded, and limited in number.
 */
export class PeerProtocol<T, S> implements Iterable<ProtocolPeer<T, S>> {
  readonly #options: PeerProtocolOptions<T, S>
  readonly #peers = new Map<string, ProtocolPeer<T, S>>()

  constructor(options: PeerProtocolOptions<T, S>) {
    this.#options = options
  }

  /** Opens the channel on a new connection. Undefined if the connection has ended or has one already. */
  attach(mux: Protomux): ProtocolPeer<T, S> | undefined {
    const { protocol, encoding, newState } = this.#options
    const connection = mux.stream
    const publicKey = connection.remotePublicKey
    const name = hex(publicKey)
    const limiter = new RateLimiter(this.#options.rate)
    let waiting: (() => void)[] = []
    const onDrained = () => {
      for (const resolve of waiting) resolve()
      waiting = []
    }
    const channel = mux.createChannel({
      protocol,
      messages: [
        {
          // Decoded below: what throws in here may end the process.
          encoding: { ...encoding, decode: (state) => c.raw.decode(state) },
          onmessage: (bytes: Uint8Array) => {
            if (peer !== undefined && this.#peers.get(name) === peer) {
              this.#onMessage(bytes, peer, limiter)
            }
          },
        },
      ],
      ondrain: onDrained,
      onclose: () => {
        onDrained()
        if (this.#peers.get(name) === peer) this.#peers.delete(name)
      },
    })
    const message = channel?.messages[0] as Message<T> | undefined
    const peer = message && {
      publicKey,
      connection,
      state: newState(publicKey),
      opened: channel?.fullyOpened() ?? Promise.resolve(false),
      send: (it: T) => void message.send(it),
      drained: () =>
        new Promise<void>((resolve) => {
          if (mux.drained || this.#peers.get(name) !== peer) resolve()
          else waiting.push(resolve)
        }),
    }
    if (peer === undefined) return undefined
    this.#peers.set(name, peer)
    channel?.open()
    return peer
  }

  get size(): number {
    return this.#peers.size
  }

  get(publicKey: Uint8Array): ProtocolPeer<T, S> | undefined {
    return this.#peers.get(hex(publicKey))
  }

  has(peer: ProtocolPeer<T, S>): boolean {
    return this.get(peer.publicKey) === peer
  }

  [Symbol.iterator](): IterableIterator<ProtocolPeer<T, S>> {
    return this.#peers.values()
  }

  /** Takes no further messages. The connections stay. */
  close(): void {
    this.#peers.clear()
  }

  #onMessage(bytes: Uint8Array, peer: ProtocolPeer<T, S>, limiter: RateLimiter): void {
    const { protocol, onMessage, onFlood, onMisdeed, costOf } = this.#options
    const message = this.#decode(bytes)
    if (message === undefined) {
      onMisdeed(peer.publicKey, `peer sent an invalid message of ${protocol}`)
      peer.connection.destroy()
    } else if (unsentBytes(peer.connection) > MAX_UNSENT_BYTES) {
      onMisdeed(peer.publicKey, 'peer asks, and does not read')
      peer.connection.destroy()
    } else if (limiter.take(costOf?.(message) ?? 1)) onMessage(message, peer)
    else onFlood?.(peer)
  }

  #decode(bytes: Uint8Array): T | undefined {
    const { encoding, maxBytes } = this.#options
    if (bytes.byteLength > maxBytes + GROWTH_BYTES) return undefined
    return attempt(() => c.decode(encoding, bytes))
  }
}

// What streamx keeps of a stream.
function unsentBytes(connection: Connection): number {
  const { _writableState: state } = connection as { readonly _writableState?: { buffered: number } }
  return state?.buffered ?? 0
}

/** Fields of a message in their order, and how each is encoded. */
type Fields = Readonly<Record<string, Encoder<never, unknown>>>

/** What an encoding encodes. */
export type Encoded<E> = E extends Encoder<never, infer T> ? T : never

type Struct<F extends Fields> = { readonly [K in keyof F]: Encoded<F[K]> }

/**
 * The fields of a message one after the other, in the order in which they are given.
 * @param later that came with later versions: absent, with all behind them, in messages of earlier ones.
 */
export function struct<F extends Fields, L extends Fields = F>(
  fields: F,
  later?: L,
): Encoder<Struct<F> & Partial<Struct<L>>> {
  type T = Struct<F> & Partial<Struct<L>>
  const all = Object.entries({ ...fields, ...later }) as unknown as [keyof T, Encoder][]
  const least = Object.keys(fields).length
  const write = (how: 'preencode' | 'encode') => (state: State, it: T) => {
    for (const [at, [name, field]] of all.entries())
      if (at < least || it[name] !== undefined) field[how](state, it[name])
  }
  return {
    preencode: write('preencode'),
    encode: write('encode'),
    decode(state) {
      const found: Partial<Record<keyof T, unknown>> = {}
      for (const [at, [name, field]] of all.entries())
        if (at < least || state.start < state.end) found[name] = field.decode(state)
      return found as T
    },
  }
}

/** Bytes, their length (varint) before them. More than `most` are not decoded. */
export function bytesUpTo(most: number): Encoder<Uint8Array> {
  return {
    ...c.buffer,
    decode(state) {
      // Nothing at all arrives as null.
      const bytes = c.buffer.decode(state) ?? new Uint8Array()
      if (bytes.byteLength > most) throw new Error('A part of a message is too large')
      return bytes
    },
  }
}

/** A list, its count (varint) before it. More than `most` are not decoded. */
export function listOf<T>(one: Encoder<T>, most: number): Encoder<readonly T[]> {
  return {
    preencode(state, items) {
      c.uint.preencode(state, items.length)
      for (const it of items) one.preencode(state, it)
    },
    encode(state, items) {
      c.uint.encode(state, items.length)
      for (const it of items) one.encode(state, it)
    },
    decode(state) {
      const count = c.uint.decode(state)
      if (count > most) throw new Error('A message has too many parts')
      return Array.from({ length: count }, () => one.decode(state))
    },
  }
}

/** One of `kinds`, or what a later version says, which is passed over. */
type OneOf<K extends Readonly<Record<string, Fields>>> =
  | { readonly [N in keyof K]: { readonly kind: N } & Struct<K[N]> }[keyof K]
  | { readonly kind: 'unknown' }

/** The messages of one kind. */
export type OfKind<M extends { readonly kind: string }, K extends M['kind']> = Extract<
  M,
  { readonly kind: K }
>

/**
 * One of several kinds of message: its kind (varint), then what that kind has.
 * @param kinds in the order of their numbers, from 0 on.
 */
export function oneOf<K extends Readonly<Record<string, Fields>>>(kinds: K): Encoder<OneOf<K>> {
  const names = Object.keys(kinds)
  const bodies = Object.values(kinds).map((it) => struct(it)) as Encoder<object>[]
  const numberOf = ({ kind }: OneOf<K>) => {
    const found = names.indexOf(kind as string)
    return found === -1 ? names.length : found
  }
  return {
    preencode(state, message) {
      const number = numberOf(message)
      c.uint.preencode(state, number)
      bodies[number]?.preencode(state, message)
    },
    encode(state, message) {
      const number = numberOf(message)
      c.uint.encode(state, number)
      bodies[number]?.encode(state, message)
    },
    decode(state) {
      const number = c.uint.decode(state)
      return { kind: names[number] ?? 'unknown', ...bodies[number]?.decode(state) } as OneOf<K>
    },
  }
}

/**
 * Keeps cores off one connection: no channel for them opens, whichever side asks, and none is looked for. To be called
 * before anything else uses the multiplexer.
 */
export function refuseCores(mux: Protomux, isRefused: (discoveryKey: Uint8Array) => boolean): void {
  const create = mux.createChannel.bind(mux) as (options: ChannelOptions<unknown>) => Channel | null
  const pair = mux.pair.bind(mux)
  const createChannel = (options: ChannelOptions<unknown>): Channel | null => {
    const { protocol, id } = options
    if (protocol === REPLICATION && id != null && isRefused(id)) return null
    return create(options)
  }
  const guardedPair: typeof pair = (name, onPair) =>
    pair(name, (id) => {
      const isCore = name.protocol === REPLICATION && id !== null
      return isCore && isRefused(id) ? undefined : onPair(id)
    })
  Object.assign(mux, { createChannel, pair: guardedPair })
}

/** Whether a core is replicated on a connection, by both sides. @param discoveryKey of that core; any when absent. */
export function isReplicating(mux: Protomux, discoveryKey?: Uint8Array): boolean {
  const isIt = (id: Uint8Array | null) =>
    discoveryKey === undefined || (id !== null && hex(id) === hex(discoveryKey))
  return [...mux].some((it) => it.protocol === REPLICATION && it.opened && isIt(it.id))
}
