import { attempt } from '../../errors.ts'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { concat } from '../bytes.ts'
import { blake2b, type Crypto } from '../crypto.ts'
import { keyBytes, type EncryptionKey, type FeedKey } from '../keys/feed-key.ts'
import { paragraph } from '../records/text.ts'
import { decodeEnvelope, hasLaterStamp, type Envelope } from './envelope.ts'
import {
  decodeHead,
  decodeLetterContent,
  isLaterHead,
  type CarriedAs,
  type LetterContent,
} from './letter.ts'

/** A line of a conversation is a short letter that is carried open, or readable for members of a private newsletter. */

/** Longest text of a line, in code points. */
export const MAX_LINE = 1_000

/** Longest envelope of a line, in bytes. */
export const MAX_LINE_BYTES = 8_192

const MARK = new TextEncoder().encode('hyperletter/1/talk')
const NONCE_BYTES = 24

const text = paragraph(MAX_LINE)

/** What members of a private newsletter share: it is derived from the key that reads it. */
export function talkKeyOf(feedKey: FeedKey, encryptionKey: EncryptionKey): Uint8Array {
  return blake2b([concat([MARK, keyBytes(feedKey), keyBytes(encryptionKey)])])
}

/** @param talkKey of a private newsletter; absent for one that everybody may read. */
export function carryLine(
  content: Uint8Array,
  talkKey: Uint8Array | undefined,
  random: (length: number) => Uint8Array,
): { readonly carriedAs: CarriedAs; readonly carried: Uint8Array } {
  if (talkKey === undefined) return { carriedAs: 'open', carried: content }
  const nonce = random(NONCE_BYTES)
  const carried = concat([nonce, xsalsa20poly1305(talkKey, nonce).encrypt(content)])
  return { carriedAs: 'members', carried }
}

/** The parts of a line; undefined if it is none, or is carried in another way than lines of its newsletter are. */
export function decodeLine(
  bytes: Uint8Array,
  talkKey: Uint8Array | undefined,
  crypto: Crypto,
): Envelope | undefined {
  if (bytes.byteLength > MAX_LINE_BYTES) return undefined
  return decodeEnvelope(bytes, crypto, talkKey === undefined ? 'open' : 'members')
}

/** Whether bytes that are no line to this version may be one to a later version. */
export function isLaterLine(bytes: Uint8Array): boolean {
  return decodeHead(bytes) === undefined ? isLaterHead(bytes) : hasLaterStamp(bytes)
}

/** What a line says; undefined if it cannot be read, or is longer than a line may be. */
export function lineContent(
  { head, carried }: Envelope,
  talkKey: Uint8Array | undefined,
  crypto: Crypto,
): LetterContent | undefined {
  const bytes = talkKey === undefined ? carried : opened(carried, talkKey)
  const content = bytes && decodeLetterContent(bytes, head, crypto)
  const isLine = content !== undefined && text.safeParse(content.text).success
  return isLine && content.private !== true ? content : undefined
}

function opened(carried: Uint8Array, talkKey: Uint8Array): Uint8Array | undefined {
  const nonce = carried.subarray(0, NONCE_BYTES)
  if (nonce.byteLength < NONCE_BYTES) return undefined
  return attempt(() => xsalsa20poly1305(talkKey, nonce).decrypt(carried.subarray(NONCE_BYTES)))
}
