import { concat, equal, uint64, uint64At } from '../bytes.ts'
import { fromHex, hex } from '../../hex.ts'
import type { Crypto } from '../crypto.ts'
import { decodeZ32, keyBytes, type FeedKey } from '../keys/feed-key.ts'
import { LETTER_ID_BYTES } from './letter.ts'

const TIME_BYTES = 8
const SIGNATURE_BYTES = 64

/** What an author says to whoever carries letters. Also the domains of its signatures. */
const MARKS = {
  receipt: new TextEncoder().encode('hyperletter/1/receipt'),
  mutes: new TextEncoder().encode('hyperletter/1/mutes'),
} as const

/** Letters of one receipt, and senders that are muted. */
export const MAX_NAMED = 256

/**
 * A receipt: "These letters have reached the author." It says nothing of whether they are published. Mutes: "Carry no
 * letters of these senders"; the newest counts as a whole.
 */
export interface Statement {
  readonly kind: keyof typeof MARKS
  /** Milliseconds since 1970. */
  readonly at: number
  /** Ids of letters, or what `muteOf` makes of senders; in hex. */
  readonly names: readonly string[]
}

/** @param sign by the signing key of the newsletter. */
export function encodeStatement(
  feedKey: FeedKey,
  { kind, at, names }: Statement,
  sign: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  const signed = concat([MARKS[kind], keyBytes(feedKey), uint64(at), ...names.map(fromHex)])
  return concat([signed, sign(signed)])
}

/** A statement of this newsletter that its signing key signed; undefined if it is none. */
export function verifyStatement(
  bytes: Uint8Array,
  feedKey: FeedKey,
  signingKey: Uint8Array,
  { verify }: Pick<Crypto, 'verify'>,
): Statement | undefined {
  const kind = bytes[MARKS.mutes.length - 1] === MARKS.mutes.at(-1) ? 'mutes' : 'receipt'
  const start = concat([MARKS[kind], keyBytes(feedKey)])
  const fixed = start.length + TIME_BYTES
  const signed = bytes.subarray(0, -SIGNATURE_BYTES)
  const count = (signed.byteLength - fixed) / LETTER_ID_BYTES
  if (!Number.isInteger(count) || count < 0 || count > MAX_NAMED) return undefined
  if (!equal(signed.subarray(0, start.length), start)) return undefined
  if (!verify(signed, bytes.subarray(-SIGNATURE_BYTES), signingKey)) return undefined
  const names = Array.from({ length: count }, (_, i) => {
    const from = fixed + i * LETTER_ID_BYTES
    return hex(signed.subarray(from, from + LETTER_ID_BYTES))
  })
  return { kind, at: uint64At(signed, start.length), names }
}

/** What mutes call a sender, in hex: nobody else learns from them who it is. @param sender z-base-32 */
export function muteOf(feedKey: FeedKey, sender: string, { hash }: Pick<Crypto, 'hash'>): string {
  return hex(hash([keyBytes(feedKey), decodeZ32(sender)]).subarray(0, LETTER_ID_BYTES))
}
