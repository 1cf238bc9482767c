import { HyperletterError } from '../../errors.ts'
import { fromHex } from '../../hex.ts'

declare const brand: unique symbol

/** A feed key as people see it: 52 z-base-32 characters. It verifies, and for a public newsletter reads, the feed. */
export type FeedKey = string & { readonly [brand]: 'FeedKey' }

/** A 32-byte symmetric key of a private newsletter, as 52 z-base-32 characters. */
export type EncryptionKey = string & { readonly [brand]: 'EncryptionKey' }

/** Length in bytes of a Hypercore key and of an encryption key. */
export const KEY_BYTES = 32

const Z32_KEY = /^[ybndrfg8ejkmcpqxot1uwisza345h769]{52}$/
const HEX_KEY = /^[0-9a-f]{64}$/

/**
 * Parses a feed key in z-base-32 (52 characters) or hex (64 characters).
 * @throws INVALID_LINK saying what is wrong with it.
 */
export function parseFeedKey(text: string): FeedKey {
  return parseKey(text, 'a feed key') as FeedKey
}

/** Parses an encryption key, in the same two spellings. @throws INVALID_LINK */
export function parseEncryptionKey(text: string): EncryptionKey {
  return parseKey(text, 'an encryption key') as EncryptionKey
}

/** The 32 bytes of a key. */
export function keyBytes(key: FeedKey | EncryptionKey): Uint8Array {
  return decodeZ32(key)
}

/** @param bytes 32 bytes of a Hypercore key. */
export function feedKeyOf(bytes: Uint8Array): FeedKey {
  return encodeZ32(bytes) as FeedKey
}

/** @param bytes 32 bytes. */
export function encryptionKeyOf(bytes: Uint8Array): EncryptionKey {
  return encodeZ32(bytes) as EncryptionKey
}

function parseKey(text: string, what: string): string {
  if (Z32_KEY.test(text)) return canonical(decodeZ32(text), text, what)
  if (HEX_KEY.test(text)) return encodeZ32(fromHex(text))
  throw new HyperletterError('INVALID_LINK', `Not ${what}: ${complaint(text)}.`)
}

// 52 characters carry 260 bits: the last 4 must be zero, or two spellings would name one key.
function canonical(bytes: Uint8Array, text: string, what: string): string {
  const again = encodeZ32(bytes.subarray(0, KEY_BYTES))
  if (again === text) return text
  throw new HyperletterError('INVALID_LINK', `Not ${what}: its last character is mistyped.`)
}

function complaint(text: string): string {
  if (text === '') return 'it is empty'
  const lower = text.toLowerCase()
  if (lower !== text && (Z32_KEY.test(lower) || HEX_KEY.test(lower))) {
    return 'it has capital letters, but keys are written in small letters'
  }
  const other = /[^0-9a-zA-Z]/u.exec(text)?.[0]
  if (other !== undefined) return `it has “${other}”, which no key has`
  if (text.length !== 52 && text.length !== 64) {
    return `it has ${text.length} characters, but a key has 52 (or 64 in hex)`
  }
  const wrong = text.length === 52 ? /[^ybndrfg8ejkmcpqxot1uwisza345h769]/.exec(text) : null
  return wrong === null
    ? 'it has letters or digits that no key has (l, v, 0 and 2 are not used)'
    : `its ${ordinal(wrong.index + 1)} character is “${wrong[0]}”; keys have no l, v, 0 and 2`
}

function ordinal(number: number): string {
  const isTeen = number % 100 > 10 && number % 100 < 14
  return `${number}${(isTeen ? undefined : ['', 'st', 'nd', 'rd'][number % 10]) || 'th'}`
}

/** z-base-32 (https://philzimmermann.com/docs/human-oriented-base-32-encoding.txt), as Hypercore's tools write keys. */
const ALPHABET = 'ybndrfg8ejkmcpqxot1uwisza345h769'

/** Bytes as text: 5 bits a character, the last filled up with zeros. */
export function encodeZ32(bytes: Uint8Array): string {
  let text = ''
  let pending = 0
  let bits = 0
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xfff
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(pending >>> (bits - 5)) & 31]
  }
  return bits === 0 ? text : text + ALPHABET[(pending << (5 - bits)) & 31]
}

/** The whole bytes in `text`; bits that are over count for nothing. @throws Error on another character. */
export function decodeZ32(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array((text.length * 5) >>> 3)
  let pending = 0
  for (let i = 0; i < text.length; i++) {
    const value = ALPHABET.indexOf(text.charAt(i))
    if (value === -1) throw new Error(`Character ${i} is not one of z-base-32.`)
    pending = ((pending << 5) | value) & 0xfff
    const end = (i + 1) * 5
    if (end % 8 < 5) bytes[(end >>> 3) - 1] = pending >>> (end % 8)
  }
  return bytes
}
