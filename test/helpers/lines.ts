import { randomBytes } from 'node:crypto'
import { keyBytes } from '../../src/format/keys/feed-key.ts'
import { encodeEnvelope, findWork, workPrefix } from '../../src/format/letters/envelope.ts'
import { encodeHead, encodeLetterContent } from '../../src/format/letters/letter.ts'
import { carryLine } from '../../src/format/letters/line.ts'
import { keyPairOf, nativeCrypto } from '../../src/log/keys.ts'
import { signWith } from '../../src/log/sealing.ts'
import { feedKey } from './letters.ts'

/** Bits of work of a line. */
export const LINE_BITS = 4

interface LineOptions {
  readonly seed?: Uint8Array
  readonly at?: number
  readonly text?: string
  readonly bits?: number
  readonly talkKey?: Uint8Array
}

/** A line of a conversation, as its sender gives it to peers. */
export function lineOf(options: LineOptions = {}): Uint8Array {
  const {
    seed = randomBytes(32),
    at = Date.now(),
    text = 'Hello.',
    bits = LINE_BITS,
    talkKey,
  } = options
  const keys = keyPairOf(seed)
  const content = encodeLetterContent({ text, salt: Buffer.alloc(16, 7).toString('base64url') })
  const { carriedAs, carried } = carryLine(content, talkKey, randomBytes)
  const head = { sender: keys.publicKey, writtenAt: at, carriedAs }
  const crypto = { crypto: nativeCrypto, sign: signWith(keys) }
  const signed = encodeHead(feedKey, head, { content, carried }, crypto)
  const prefix = workPrefix({ feedKey: keyBytes(feedKey), ...head })
  const nonce =
    bits === 0 ? undefined : findWork(prefix, bits, { from: 0, count: 10_000 }, nativeCrypto)
  return encodeEnvelope(signed, carried, nonce ? { kind: 'work', nonce } : { kind: 'none' })
}
