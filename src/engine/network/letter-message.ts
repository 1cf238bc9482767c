import c, { type Encoder } from 'compact-encoding'
import { MAX_ENVELOPE_BYTES } from '../../format/letters/envelope.ts'
import { LETTER_ID_BYTES } from '../../format/letters/letter.ts'
import { bytesUpTo, listOf, oneOf, struct, type UnknownKind } from '../../peers/peer-protocol.ts'

/** Ids in one message. */
export const MAX_IDS = 256

/** The largest message: a letter, and what stands before it. */
export const MAX_LETTER_MESSAGE_BYTES = 1 + 32 + 3 + MAX_ENVELOPE_BYTES

/** About one newsletter, by the discovery key of its core, which both sides replicate. */
interface About {
  readonly topic: Uint8Array
}

/** Letters, or lines, that the sender of the message has, or wants. */
export interface LetterIds extends About {
  readonly kind: 'have' | 'want'
  readonly ids: readonly Uint8Array[]
}

/** Letters that the sender of the message has. */
export interface OfferedLetters extends About {
  readonly kind: 'have'
  readonly ids: readonly Uint8Array[]
  /** So many of them, the first, are said to be of senders who were published or admitted. */
  readonly favoured: number
}

/** Letters that the sender of the message wants. */
interface WantedLetters extends About {
  readonly kind: 'want'
  readonly ids: readonly Uint8Array[]
}

/** A letter that was asked for, or what the author says to carriers. */
export interface LetterBytes extends About {
  readonly kind: 'letter' | 'statement'
  readonly bytes: Uint8Array
}

/** Tell me once more what there is: it came before the newsletter was open here. */
export interface LetterQuestion extends About {
  readonly kind: 'ask'
}

/** No work is enough for a letter. */
export const NO_WORK_IS_ENOUGH = 255

/**
 * I did not keep your letter. `bits` of work would do now; 0: as many letters of its sender are here as may be;
 * `NO_WORK_IS_ENOUGH`: only its author's word helps.
 */
export interface LetterRefusal extends About {
  readonly kind: 'refused'
  readonly id: Uint8Array
  readonly bits: number
}

export type LetterMessage =
  OfferedLetters | WantedLetters | LetterBytes | LetterQuestion | LetterRefusal | UnknownKind

/** Encodes a message of ids. */
export const letterIds = struct<Omit<LetterIds, 'kind'>>({
  topic: c.fixed32,
  ids: listOf(c.fixed(LETTER_ID_BYTES), MAX_IDS),
})
const bytes = struct<Omit<LetterBytes, 'kind'>>({
  topic: c.fixed32,
  bytes: bytesUpTo(MAX_ENVELOPE_BYTES),
})

/** @param ids in hex, favoured ones first. */
export function haveOf(
  topic: Uint8Array,
  ids: readonly string[],
  favoured: number,
): OfferedLetters {
  return { kind: 'have', topic, ids: ids.map((it) => Buffer.from(it, 'hex')), favoured }
}

/** A number that versions before it do not send; 0 then. */
const addedCount: Encoder<number> = {
  ...c.uint,
  decode: (state) => (state.start < state.end ? c.uint.decode(state) : 0),
}

/** Message: its kind (varint), and what that kind has. */
export const letterEncoding: Encoder<LetterMessage> = oneOf<LetterMessage>([
  [
    'have',
    struct<Omit<OfferedLetters, 'kind'>>({
      topic: c.fixed32,
      ids: listOf(c.fixed(LETTER_ID_BYTES), MAX_IDS),
      favoured: addedCount,
    }),
  ],
  ['want', letterIds],
  ['letter', bytes],
  ['statement', bytes],
  ['ask', struct<Omit<LetterQuestion, 'kind'>>({ topic: c.fixed32 })],
  [
    'refused',
    struct<Omit<LetterRefusal, 'kind'>>({
      topic: c.fixed32,
      id: c.fixed(LETTER_ID_BYTES),
      bits: c.uint8,
    }),
  ],
])
