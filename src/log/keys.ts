import type { Manifest } from 'hypercore'
import crypto from 'hypercore-crypto'
import type { Crypto, SigningKeyPair } from '../format/crypto.ts'
import { SIGNER_NAMESPACE } from '../format/bundle/format.ts'

/** What the key of a newsletter is the hash of: one signer. @param publicKey 32 bytes. */
export function manifestOf(publicKey: Uint8Array): Manifest {
  const signer = {
    signature: 'ed25519' as const,
    namespace: asBuffer(SIGNER_NAMESPACE),
    publicKey: asBuffer(publicKey),
  }
  return {
    version: 1,
    hash: 'blake2b',
    allowPatch: false,
    quorum: 1,
    signers: [signer],
    prologue: null,
    linked: null,
    userData: null,
  }
}

/** What a log is announced under, which does not reveal its key: 32 bytes. @param key 32 bytes. */
export function discoveryKeyOf(key: Uint8Array): Uint8Array {
  return crypto.discoveryKey(key)
}

/** @param seed 32 bytes; random when absent. */
export function keyPairOf(seed?: Uint8Array): SigningKeyPair {
  return crypto.keyPair(seed)
}

/** The same bytes, for Hypercore. In browsers, which have no Buffer, it takes them as they are. */
export function asBuffer(bytes: Uint8Array): Buffer {
  if (typeof Buffer === 'undefined') return bytes as Buffer
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** On libsodium: ten times as fast as what runs everywhere. In browsers, on what stands for it there. */
export const nativeCrypto: Crypto = crypto
