import c, { type Encoder } from 'compact-encoding'
import { MAX_ENVELOPE_BYTES } from '../../format/letters/envelope.ts'
import { LETTER_ID_BYTES } from '../../format/letters/letter.ts'
import { bytesUpTo, listOf, oneOf, type Encoded, type OfKind } from '../../peers/peer-protocol.ts'

export const MAX_IDS = 256

/** The largest message: a letter, and what stands before it. */
export const MAX_LETTER_MESSAGE_BYTES = 1 + 32 + 3 + MAX_ENVELOPE_BYTES

/** No work is enough for a letter. */
export const NO_WORK_IS_ENOUGH = 255

/** A number that versions before it do not send; 0 then. */
const addedCount: Encoder<number> = {
  ...c.uint,
  decode: (state) => (state.start < state.end ? c.uint.decode(state) : 0),
}

/** Ids of letters, or of lines. */
export const idList = listOf(c.fixed(LETTER_ID_BYTES), MAX_IDS)

/** A letter that was asked for, or what the author says to carriers. */
const letter = { topic: c.fixed32, bytes: bytesUpTo(MAX_ENVELOPE_BYTES) }

/**
 * Message: its kind (varint), and what that kind has. A `topic` is the discovery key of the core of a newsletter, which
 * both sides replicate.
 */
export const letterEncoding = oneOf({
  /** Letters that the sender has. The first `favoured` are said to be of senders who were published or admitted. */
  have: { topic: c.fixed32, ids: idList, favoured: addedCount },
  want: { topic: c.fixed32, ids: idList },
  letter,
  statement: letter,
  /** Tell me once more what there is: it came before the newsletter was open here. */
  ask: { topic: c.fixed32 },
  /**
   * I did not keep your letter. `bits` of work would do now; 0: as many letters of its sender are here as may be;
   * `NO_WORK_IS_ENOUGH`: only its author's word helps.
   */
  refused: { topic: c.fixed32, id: c.fixed(LETTER_ID_BYTES), bits: c.uint8 },
})

export type LetterMessage = Encoded<typeof letterEncoding>
export type OfferedLetters = OfKind<LetterMessage, 'have'>

/** @param ids in hex, favoured ones first. */
export function haveOf(
  topic: Uint8Array,
  ids: readonly string[],
  favoured: number,
): OfferedLetters {
  return { kind: 'have', topic, ids: ids.map((it) => Buffer.from(it, 'hex')), favoured }
}
