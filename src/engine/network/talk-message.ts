import c from 'compact-encoding'
import { MAX_LINE_BYTES } from '../../format/letters/line.ts'
import { bytesUpTo, oneOf, type Encoded } from '../../peers/peer-protocol.ts'
import { idList } from './letter-message.ts'

/** The largest message: a line, or the ids of all that was said. */
export const MAX_TALK_MESSAGE_BYTES = 1 + 32 + 3 + MAX_LINE_BYTES

/** Message: its kind (varint), and what that kind has. `topic`, `have`, `want` and `ask` as in `letterEncoding`. */
export const talkEncoding = oneOf({
  have: { topic: c.fixed32, ids: idList },
  want: { topic: c.fixed32, ids: idList },
  /** A line that was said now, or that was asked for. */
  line: { topic: c.fixed32, bytes: bytesUpTo(MAX_LINE_BYTES) },
  ask: { topic: c.fixed32 },
})

export type TalkMessage = Encoded<typeof talkEncoding>
