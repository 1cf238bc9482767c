import { concat, equal, uint64 } from '../bytes.ts'
import type { Crypto } from '../crypto.ts'
import { encodeZ32, KEY_BYTES, keyBytes, type FeedKey } from '../keys/feed-key.ts'
import { LETTER_HEAD_BYTES, MAX_LETTER_BYTES } from '../records/letters.ts'
import {
  decodeHead,
  isLaterHead,
  isSigned,
  letterId,
  type CarriedAs,
  type LetterHead,
} from './letter.ts'

/** What sealing adds, in bytes (crypto_box_seal of libsodium). */
const SEAL_BYTES = 48

const SIGNATURE_BYTES = 64

/** What follows the kind of a stamp, by that kind, in bytes: nothing, a nonce, or an admission key with its signature. */
const STAMP_BYTES = [0, 8, KEY_BYTES + SIGNATURE_BYTES]

/** Longest envelope in bytes. */
export const MAX_ENVELOPE_BYTES =
  LETTER_HEAD_BYTES + 1 + Math.max(...STAMP_BYTES) + MAX_LETTER_BYTES + SEAL_BYTES

const DAY_MS = 86_400_000

/** How long a letter is carried, and how far the clock of its sender may be ahead. */
export const CARRIED_MS = 14 * DAY_MS
export const AHEAD_MS = 3_600_000

/** Work that is asked for where the profile says nothing of it, and where it cannot be read. */
export const DEFAULT_WORK_BITS = 18
export const BLIND_WORK_BITS = 16

/** Why a carrier should take a letter. */
export type Stamp =
  /** A letter of the sender was published before. */
  | { readonly kind: 'none' }
  /** Work of the sender for one day. */
  | { readonly kind: 'work'; readonly nonce: Uint8Array }
  /** The author gave the sender a code. */
  | { readonly kind: 'admission'; readonly key: Uint8Array; readonly signature: Uint8Array }

/** A letter on its way: the head, a stamp, and the sealed content. */
export interface Envelope {
  readonly id: string
  readonly head: LetterHead
  readonly stamp: Stamp
  readonly carried: Uint8Array
  readonly bytes: Uint8Array
}

export function encodeEnvelope(head: Uint8Array, carried: Uint8Array, stamp: Stamp): Uint8Array {
  return concat([head, encodeStamp(stamp), carried])
}

function encodeStamp(stamp: Stamp): Uint8Array {
  if (stamp.kind === 'none') return Uint8Array.of(0)
  if (stamp.kind === 'work') return concat([Uint8Array.of(1), stamp.nonce])
  return concat([Uint8Array.of(2), stamp.key, stamp.signature])
}

/**
 * The parts of an envelope; undefined if it has others, is too long, or is carried in another way. Nothing is verified.
 */
export function decodeEnvelope(
  bytes: Uint8Array,
  crypto: Crypto,
  carriedAs: CarriedAs = 'sealed',
): Envelope | undefined {
  if (bytes.byteLength > MAX_ENVELOPE_BYTES) return undefined
  const head = decodeHead(bytes)
  const stampBytes = STAMP_BYTES[bytes[LETTER_HEAD_BYTES] ?? STAMP_BYTES.length]
  if (head?.carriedAs !== carriedAs || stampBytes === undefined) return undefined
  const start = LETTER_HEAD_BYTES + 1
  const end = start + stampBytes
  if (bytes.byteLength <= end + (carriedAs === 'sealed' ? SEAL_BYTES : 0)) return undefined
  // A copy: the bytes may be part of much more.
  const own = new Uint8Array(bytes)
  const stamp = decodeStamp(own.subarray(start, end))
  return { id: letterId(head, crypto), head, stamp, carried: own.subarray(end), bytes: own }
}

function decodeStamp(bytes: Uint8Array): Stamp {
  if (bytes.byteLength === 0) return { kind: 'none' }
  if (bytes.byteLength === STAMP_BYTES[1]) return { kind: 'work', nonce: bytes }
  return {
    kind: 'admission',
    key: bytes.subarray(0, KEY_BYTES),
    signature: bytes.subarray(KEY_BYTES),
  }
}

/** Whether bytes that are no envelope to this version may be one to a later version. */
export function isLaterEnvelope(bytes: Uint8Array): boolean {
  if (isLaterHead(bytes)) return true
  return decodeHead(bytes) !== undefined && hasLaterStamp(bytes)
}

/** Whether the stamp of an envelope is of a kind that this version does not know. */
export function hasLaterStamp(bytes: Uint8Array): boolean {
  return (bytes[LETTER_HEAD_BYTES] ?? 0) >= STAMP_BYTES.length
}

/** Whether a letter may still be, or already be, on its way at this time. */
export function isTimely(
  { head: { writtenAt } }: { readonly head: Pick<LetterHead, 'writtenAt'> },
  now: number,
): boolean {
  return writtenAt > now - CARRIED_MS && writtenAt < now + AHEAD_MS
}

/** Whether what is carried is what the sender signed for this newsletter. A peer that sends another is to blame. */
export function isGenuine({ head, carried }: Envelope, feedKey: FeedKey, crypto: Crypto): boolean {
  return (
    equal(head.feedKey, keyBytes(feedKey)) &&
    equal(crypto.hash([carried]), head.carriedHash) &&
    isSigned(head, crypto)
  )
}

/** Bits of work of a letter; 0 without a stamp for it. It is that of a sender for a day, whatever else the letter says. */
export function workOf({ head, stamp }: Pick<Envelope, 'head' | 'stamp'>, crypto: Crypto): number {
  return stamp.kind === 'work' ? leadingZeros(crypto.hash([workPrefix(head), stamp.nonce])) : 0
}

/** What comes before the nonce: newsletter, sender and day. */
export function workPrefix({
  feedKey,
  sender,
  writtenAt,
}: Pick<LetterHead, 'feedKey' | 'sender' | 'writtenAt'>): Uint8Array {
  const day = uint64(Math.floor(writtenAt / DAY_MS)).slice(0, 4)
  return concat([feedKey, sender, day])
}

/** Looks for a nonce among some numbers. */
export function findWork(
  prefix: Uint8Array,
  bits: number,
  { from, count }: { readonly from: number; readonly count: number },
  { hash }: Pick<Crypto, 'hash'>,
): Uint8Array | undefined {
  for (let number = from; number < from + count; number++) {
    const nonce = uint64(number)
    if (leadingZeros(hash([prefix, nonce])) >= bits) return nonce
  }
  return undefined
}

function leadingZeros(hash: Uint8Array): number {
  const at = hash.findIndex((it) => it !== 0)
  return at < 0 ? hash.length * 8 : at * 8 + Math.clz32(hash[at] ?? 0) - 24
}

const ADMISSION_MARK = new TextEncoder().encode('hyperletter/1/admit')

/** What an admission code signs: that a sender may write to the author of a newsletter. */
export function admissionOf({
  feedKey,
  sender,
}: Pick<LetterHead, 'feedKey' | 'sender'>): Uint8Array {
  return concat([ADMISSION_MARK, feedKey, sender])
}

/** The admission key of a letter, z-base-32, where its holder admitted the sender. */
export function admittedBy({ head, stamp }: Envelope, crypto: Crypto): string | undefined {
  if (stamp.kind !== 'admission') return undefined
  const isGood = crypto.verify(admissionOf(head), stamp.signature, stamp.key)
  return isGood ? encodeZ32(stamp.key) : undefined
}
