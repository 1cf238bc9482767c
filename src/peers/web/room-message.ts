import c from 'compact-encoding'
import { bytesUpTo, listOf, oneOf, type Encoded, type OfKind } from '../peer-protocol.ts'

/** By which tabs of one newsletter find each other through a gateway (docs/protocol.md). */
export const ROOMS = 'hyperletter/rooms/1'

export const MAX_NAMED = 8

/** Of an offer or answer of WebRTC: some eighty addresses. */
export const MAX_SIGNAL_BYTES = 8 * 1024

/** Of one message between two tabs by way of the gateway. */
export const MAX_RELAYED_BYTES = 64 * 1024

/** The largest message, with its kind, a key and numbers. */
export const MAX_ROOM_BYTES = MAX_RELAYED_BYTES + 64

/** What a signal is. */
export const OFFER = 0
export const ANSWER = 1

/**
 * Message: its kind (varint), and what that kind has. `topic`: discovery key of a core that both sides replicate. `id`:
 * key of a tab, to the gateway: for whom; from it: from whom.
 */
export const roomEncoding = oneOf({
  /** A tab enters the room of a newsletter, or asks again who is there. */
  join: { topic: c.fixed32 },
  /**
   * Some of the others in the room, drawn at random, by the keys by which the gateway knows them. `stunPort`: UDP port
   * at which the gateway answers STUN; 0 is none.
   */
  named: { topic: c.fixed32, stunPort: c.uint, ids: listOf(c.fixed32, MAX_NAMED) },
  /** `OFFER` or `ANSWER`: a session description (RFC 8866) with all its candidates, UTF-8. */
  signal: { id: c.fixed32, what: c.uint, sdp: bytesUpTo(MAX_SIGNAL_BYTES) },
  /** Bytes of a connection that goes by way of the gateway; `taken`: how many of the other side have been read. */
  relay: { id: c.fixed32, taken: c.uint, bytes: bytesUpTo(MAX_RELAYED_BYTES) },
  /** There is no such connection, or no longer. */
  leave: { id: c.fixed32 },
})

export type RoomMessage = Encoded<typeof roomEncoding>
export type Named = OfKind<RoomMessage, 'named'>
export type Signal = OfKind<RoomMessage, 'signal'>
export type Relay = OfKind<RoomMessage, 'relay'>
