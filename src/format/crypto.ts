import {
  getPublicKey,
  hashes,
  sign as signWithSeed,
  verify as verifySignature,
} from '@noble/ed25519'
import { blake2b as blake2bOf } from '@noble/hashes/blake2.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { attempt } from '../errors.ts'

// Ed25519 and BLAKE2b as libsodium has them, without anything that only Node has.

const HASH_BYTES = 32
const SEED_BYTES = 32

hashes.sha512 = sha512

/** An Ed25519 key pair in the layout of libsodium: the secret key is the seed followed by the public key. */
export interface SigningKeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** 64 bytes. */
  readonly secretKey: Uint8Array
}

/** What logs and bundles are verified with. The package hypercore-crypto is one, on libsodium. */
export interface Crypto {
  /** BLAKE2b-256 over the concatenation of `parts`: 32 bytes. */
  hash(parts: readonly Uint8Array[]): Uint8Array
  /** Ed25519. False for anything of a wrong length, without throwing. */
  verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean
}

/** The one that runs everywhere. */
export const portable: Crypto = { hash: blake2b, verify: isSignatureOf }

export function blake2b(parts: readonly Uint8Array[]): Uint8Array {
  const hash = blake2bOf.create({ dkLen: HASH_BYTES })
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** @param seed 32 bytes. */
export function keyPairOf(seed: Uint8Array): SigningKeyPair {
  const publicKey = getPublicKey(seed)
  const secretKey = new Uint8Array(2 * SEED_BYTES)
  secretKey.set(seed)
  secretKey.set(publicKey, SEED_BYTES)
  return { publicKey, secretKey }
}

/** @returns 64 bytes. */
export function sign(message: Uint8Array, { secretKey }: SigningKeyPair): Uint8Array {
  return signWithSeed(message, secretKey.subarray(0, SEED_BYTES))
}

/**
 * Whether `signature` is that of `message` by the holder of `publicKey`. Strict: keys of
 * small order and numbers that are not reduced are refused. False for anything of a wrong length, without throwing.
 */
export function isSignatureOf(
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  const options = { zip215: false }
  return attempt(() => verifySignature(signature, message, publicKey, options)) ?? false
}
