import crypto from 'hypercore-crypto'
import { blake2b, type SigningKeyPair } from '../format/crypto.ts'
import { concat } from '../format/bytes.ts'
import { asBuffer } from './keys.ts'

const MARK = new TextEncoder().encode('hyperletter/1/letters')
const SEED_BYTES = 32

/** The X25519 pair to which letters of a newsletter are sealed: every device that signs has it, and the phrase gives it back. */
export function letterKeysOf({ secretKey }: SigningKeyPair): SigningKeyPair {
  const seed = blake2b([concat([MARK, secretKey.subarray(0, SEED_BYTES)])])
  return crypto.encryptionKeyPair(asBuffer(seed))
}

/** Bytes that only the holder of `publicKey` can read (crypto_box_seal of libsodium): 48 more. */
export function seal(bytes: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return crypto.encrypt(asBuffer(bytes), asBuffer(publicKey))
}

/** What was sealed; undefined if it was for somebody else, or is nothing that was. */
export function unseal(sealed: Uint8Array, keys: SigningKeyPair): Uint8Array | undefined {
  const pair = { publicKey: asBuffer(keys.publicKey), secretKey: asBuffer(keys.secretKey) }
  return crypto.decrypt(asBuffer(sealed), pair) ?? undefined
}

/** @returns 64 bytes. */
export function signWith({ secretKey }: SigningKeyPair): (message: Uint8Array) => Uint8Array {
  return (message) => crypto.sign(asBuffer(message), asBuffer(secretKey))
}
