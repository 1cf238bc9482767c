import c from 'compact-encoding'
import { bytesUpTo, listOf, oneOf, struct, type UnknownKind } from '../peer-protocol.ts'

/** By which tabs of one newsletter find each other through a gateway (docs/protocol.md). */
export const ROOMS = 'hyperletter/rooms/1'

/** Tabs named in one message. */
export const MAX_NAMED = 8

/** Of an offer or answer of WebRTC: some eighty addresses. */
export const MAX_SIGNAL_BYTES = 8 * 1024

/** Of one message between two tabs by way of the gateway. */
export const MAX_RELAYED_BYTES = 64 * 1024

/** The largest message, with its kind, a key and numbers. */
export const MAX_ROOM_BYTES = MAX_RELAYED_BYTES + 64

/** A tab enters the room of a newsletter, or asks again who is there. */
export interface Join {
  readonly kind: 'join'
  /** Discovery key of a core that both sides replicate. */
  readonly topic: Uint8Array
}

/** Some of the others in the room, drawn at random. */
export interface Named {
  readonly kind: 'named'
  readonly topic: Uint8Array
  /** UDP port at which the gateway answers STUN; 0 is none. */
  readonly stunPort: number
  /** The keys by which the gateway knows them, 32 bytes each. */
  readonly ids: readonly Uint8Array[]
}

export const OFFER = 0
export const ANSWER = 1

/** To the gateway: for whom; from it: from whom. The same holds for the kinds below. */
export interface Signal {
  readonly kind: 'signal'
  readonly id: Uint8Array
  /** `OFFER` or `ANSWER`. */
  readonly what: number
  /** A session description (RFC 8866) with all its candidates, UTF-8. */
  readonly sdp: Uint8Array
}

/** Bytes of a connection that goes by way of the gateway. */
export interface Relay {
  readonly kind: 'relay'
  readonly id: Uint8Array
  /** How many bytes of the other side have been read so far. */
  readonly taken: number
  /** May be none. */
  readonly bytes: Uint8Array
}

/** There is no such connection, or no longer. */
export interface Leave {
  readonly kind: 'leave'
  readonly id: Uint8Array
}

export type RoomMessage = Join | Named | Signal | Relay | Leave | UnknownKind

/** Message: its kind (varint), and what that kind has. */
export const roomEncoding = oneOf<RoomMessage>([
  ['join', struct<Omit<Join, 'kind'>>({ topic: c.fixed32 })],
  [
    'named',
    struct<Omit<Named, 'kind'>>({
      topic: c.fixed32,
      stunPort: c.uint,
      ids: listOf(c.fixed32, MAX_NAMED),
    }),
  ],
  [
    'signal',
    struct<Omit<Signal, 'kind'>>({ id: c.fixed32, what: c.uint, sdp: bytesUpTo(MAX_SIGNAL_BYTES) }),
  ],
  [
    'relay',
    struct<Omit<Relay, 'kind'>>({
      id: c.fixed32,
      taken: c.uint,
      bytes: bytesUpTo(MAX_RELAYED_BYTES),
    }),
  ],
  ['leave', struct<Omit<Leave, 'kind'>>({ id: c.fixed32 })],
])
