import c, { type Encoder } from 'compact-encoding'
import { MAX_LINE_BYTES } from '../../format/letters/line.ts'
import { bytesUpTo, oneOf, struct, type UnknownKind } from '../../peers/peer-protocol.ts'
import { letterIds, type LetterIds, type LetterQuestion } from './letter-message.ts'

/** The largest message: a line, or the ids of all that was said. */
export const MAX_TALK_MESSAGE_BYTES = 1 + 32 + 3 + MAX_LINE_BYTES

/** A line that was said now, or that was asked for. */
export interface TalkLine {
  readonly kind: 'line'
  readonly topic: Uint8Array
  readonly bytes: Uint8Array
}

export type TalkMessage = LetterIds | TalkLine | LetterQuestion | UnknownKind

/** Message: its kind (varint), and what that kind has. */
export const talkEncoding: Encoder<TalkMessage> = oneOf<TalkMessage>([
  ['have', letterIds],
  ['want', letterIds],
  ['line', struct<Omit<TalkLine, 'kind'>>({ topic: c.fixed32, bytes: bytesUpTo(MAX_LINE_BYTES) })],
  ['ask', struct<Omit<LetterQuestion, 'kind'>>({ topic: c.fixed32 })],
])
