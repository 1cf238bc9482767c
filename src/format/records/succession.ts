import {
  decodeZ32,
  encodeZ32,
  feedKeyOf,
  KEY_BYTES,
  keyBytes,
  type FeedKey,
} from '../keys/feed-key.ts'
import { HyperletterError } from '../../errors.ts'
import { blake2b, isSignatureOf, sign, type SigningKeyPair } from '../crypto.ts'
import { concat, equal, uint64 } from '../bytes.ts'

/** "This newsletter continues at …", signed with the recovery key of the newsletter that ends. */
export interface Succession {
  readonly from: FeedKey
  readonly to: FeedKey
  /** Milliseconds since 1970, claimed by who signed. Of two statements the later one counts. */
  readonly issuedAt: number
  /** 64 bytes. */
  readonly signature: Uint8Array
}

/** Also the domain of the signature: no other signature of this project begins with it. */
const MARK = new TextEncoder().encode('hyperletter/1/succession')
const MASK_DOMAIN = new TextEncoder().encode('hyperletter/1/succession/mask')

const TIME_BYTES = 8
const SIGNATURE_BYTES = 64
const SIGNED_BYTES = MARK.length + 2 * KEY_BYTES + TIME_BYTES

/** Length in bytes of a whole statement, always. */
export const SUCCESSION_BYTES = SIGNED_BYTES + SIGNATURE_BYTES

/** Length in bytes of what the DHT keeps of a statement. */
const MASKED_BYTES = TIME_BYTES + KEY_BYTES + SIGNATURE_BYTES

/** Characters of a statement as text: 5 bits each, without a rest. */
export const SUCCESSION_CHARACTERS = (SUCCESSION_BYTES * 8) / 5

/** The last moment that a date can stand for. */
const MAX_TIME = 8.64e15

/** What every statement begins with as text; the character behind it carries bits of the next byte. */
const TEXT_START = encodeZ32(MARK).slice(0, Math.floor((MARK.length * 8) / 5))

/** Layout: docs/format.md, "Succession". @param recovery of the newsletter `from`. */
export function signSuccession(
  { from, to, issuedAt }: Omit<Succession, 'signature'>,
  recovery: SigningKeyPair,
): Succession {
  const signature = sign(signedPart({ from, to, issuedAt }), recovery)
  return { from, to, issuedAt, signature }
}

/** Whether the holder of the recovery phrase signed it. @param recoveryKey 32 bytes, from block 0 of `from`. */
export function isSigned(statement: Succession, recoveryKey: Uint8Array): boolean {
  return isSignatureOf(signedPart(statement), statement.signature, recoveryKey)
}

/** The 160 bytes that peers send each other. */
export function encodeSuccession(statement: Succession): Uint8Array {
  return concat([signedPart(statement), statement.signature])
}

/** Says nothing of the signature: see `isSigned`. @throws INVALID_STATEMENT */
export function decodeSuccession(bytes: Uint8Array): Succession {
  if (bytes.length !== SUCCESSION_BYTES) throw refused('it is too long or too short')
  if (!equal(bytes.subarray(0, MARK.length), MARK)) throw refused('it begins with something else')
  let at = MARK.length
  const next = (length: number) => bytes.slice(at, (at += length))
  const from = feedKeyOf(next(KEY_BYTES))
  const to = feedKeyOf(next(KEY_BYTES))
  const issuedAt = readTime(next(TIME_BYTES))
  if (from === to) throw refused('it leads to the newsletter that it comes from')
  return { from, to, issuedAt, signature: next(SIGNATURE_BYTES) }
}

/** A statement as text, to print or to carry in a file: 256 characters. */
export function formatSuccession(statement: Succession): string {
  return encodeZ32(encodeSuccession(statement))
}

/** White space around it does no harm. @throws INVALID_STATEMENT */
export function parseSuccession(text: string): Succession {
  const trimmed = text.trim()
  if (!/^[ybndrfg8ejkmcpqxot1uwisza345h769]*$/.test(trimmed)) {
    throw refused('it has characters that no statement has')
  }
  if (trimmed.length !== SUCCESSION_CHARACTERS) {
    throw refused(`it has ${trimmed.length} characters of ${SUCCESSION_CHARACTERS}`)
  }
  return decodeSuccession(decodeZ32(trimmed))
}

/** Whether a text is meant to be a statement, valid or not. */
export function looksLikeSuccession(text: string): boolean {
  return text.trimStart().startsWith(TEXT_START)
}

/**
 * A statement for nodes of the DHT, which must not learn the feed keys: without the key of `from`, the
 * rest of it says nothing of `to`. 104 bytes.
 */
export function maskSuccession({ from, to, issuedAt, signature }: Succession): Uint8Array {
  const time = uint64(issuedAt)
  return concat([time, xor(keyBytes(to), mask(from, time)), signature])
}

/** The statement behind what the DHT gave for newsletter `from`. @throws INVALID_STATEMENT */
export function unmaskSuccession(value: Uint8Array, from: FeedKey): Succession {
  if (value.length !== MASKED_BYTES) throw refused('it is too long or too short')
  const time = value.slice(0, TIME_BYTES)
  const to = xor(value.slice(TIME_BYTES, TIME_BYTES + KEY_BYTES), mask(from, time))
  const signature = value.slice(TIME_BYTES + KEY_BYTES)
  return decodeSuccession(concat([MARK, keyBytes(from), to, time, signature]))
}

function signedPart({ from, to, issuedAt }: Omit<Succession, 'signature'>): Uint8Array {
  return concat([MARK, keyBytes(from), keyBytes(to), uint64(issuedAt)])
}

function mask(from: FeedKey, time: Uint8Array): Uint8Array {
  return blake2b([MASK_DOMAIN, keyBytes(from), time])
}

function readTime(bytes: Uint8Array): number {
  const time = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (time > BigInt(MAX_TIME)) throw refused('it is of no date')
  return Number(time)
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ (b[i] ?? 0))
}

function refused(what: string): HyperletterError {
  return new HyperletterError('INVALID_STATEMENT', `Not a statement of succession: ${what}.`)
}
