import { Point, sign, utils } from '@noble/ed25519'
import { chacha20, chacha20poly1305, hchacha } from '@noble/ciphers/chacha.js'
import { poly1305 } from '@noble/ciphers/_poly1305.js'
import { xsalsa20 } from '@noble/ciphers/salsa.js'
import { blake2b } from '@noble/hashes/blake2.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { equal } from '../../format/bytes.ts'
import { isSignatureOf, keyPairOf } from '../../format/crypto.ts'

/*
 * What Hypercore, Noise and their streams call of libsodium, under its names and with its order of arguments: what is
 * written comes first. It stands for the package sodium-universal in tabs.
 */

export const crypto_generichash_BYTES = 32
export const crypto_sign_PUBLICKEYBYTES = 32
export const crypto_sign_SECRETKEYBYTES = 64
export const crypto_sign_BYTES = 64
export const crypto_scalarmult_ed25519_BYTES = 32
export const crypto_aead_chacha20poly1305_ietf_ABYTES = 16
export const crypto_aead_chacha20poly1305_ietf_NPUBBYTES = 12
export const crypto_stream_KEYBYTES = 32
export const crypto_stream_NONCEBYTES = 24
export const crypto_secretstream_xchacha20poly1305_KEYBYTES = 32
export const crypto_secretstream_xchacha20poly1305_HEADERBYTES = 24
export const crypto_secretstream_xchacha20poly1305_ABYTES = 17
export const crypto_secretstream_xchacha20poly1305_STATEBYTES = 52
export const crypto_secretstream_xchacha20poly1305_TAG_MESSAGE = 0
export const crypto_secretstream_xchacha20poly1305_TAG_FINAL = 3

const TAG_REKEY = 2

export function randombytes_buf(out: Uint8Array): void {
  crypto.getRandomValues(out as Uint8Array<ArrayBuffer>)
}

export function sodium_memzero(bytes: Uint8Array): void {
  bytes.fill(0)
}

export function sodium_free(): void {
  // The memory is that of the script.
}

/** Adds one to a little-endian number. */
export function sodium_increment(number: Uint8Array): void {
  for (let i = 0; i < number.length; i++) {
    const next = ((number[i] ?? 0) + 1) & 255
    number[i] = next
    if (next !== 0) return
  }
}

export function crypto_generichash(out: Uint8Array, input: Uint8Array, key?: Uint8Array): void {
  crypto_generichash_batch(out, [input], key)
}

export function crypto_generichash_batch(
  out: Uint8Array,
  inputs: readonly Uint8Array[],
  key?: Uint8Array | null,
): void {
  const hash = blake2b.create({ dkLen: out.length, ...(key ? { key } : {}) })
  for (const it of inputs) hash.update(it)
  out.set(hash.digest())
}

export function crypto_hash_sha512(out: Uint8Array, input: Uint8Array): void {
  out.set(sha512(input))
}

export function crypto_sign_keypair(publicKey: Uint8Array, secretKey: Uint8Array): void {
  crypto_sign_seed_keypair(publicKey, secretKey, utils.randomSecretKey())
}

export function crypto_sign_seed_keypair(
  publicKey: Uint8Array,
  secretKey: Uint8Array,
  seed: Uint8Array,
): void {
  const pair = keyPairOf(seed)
  publicKey.set(pair.publicKey)
  secretKey.set(pair.secretKey)
}

export function crypto_sign_ed25519_sk_to_pk(publicKey: Uint8Array, secretKey: Uint8Array): void {
  publicKey.set(secretKey.subarray(32))
}

export function crypto_sign_detached(
  signature: Uint8Array,
  message: Uint8Array,
  secretKey: Uint8Array,
): void {
  signature.set(sign(message, secretKey.subarray(0, 32)))
}

/** By RFC 8032 as libsodium does, and not by the looser ZIP 215: or a tab would take what daemons refuse. */
export function crypto_sign_verify_detached(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return isSignatureOf(message, signature, publicKey)
}

/** @throws Error for a point that is not of the main subgroup, or where the result is the neutral element. */
export function crypto_scalarmult_ed25519_noclamp(
  out: Uint8Array,
  scalar: Uint8Array,
  point: Uint8Array,
): void {
  const at = Point.fromBytes(point)
  if (at.isSmallOrder() || !at.isTorsionFree()) throw new Error('Not a point of the main subgroup.')
  // The top bit does not count; of a point of this order, multiples repeat.
  const factor = numberOf(scalar) & (2n ** 255n - 1n)
  out.set(at.multiply(factor % Point.CURVE().n).toBytes())
}

export function crypto_stream_xor(
  out: Uint8Array,
  input: Uint8Array,
  nonce: Uint8Array,
  key: Uint8Array,
): void {
  out.set(xsalsa20(key, nonce, input))
}

export function crypto_aead_chacha20poly1305_ietf_encrypt(
  out: Uint8Array,
  message: Uint8Array,
  additional: Uint8Array | null,
  _secretNonce: null,
  nonce: Uint8Array,
  key: Uint8Array,
): number {
  out.set(chacha20poly1305(key, nonce, additional ?? undefined).encrypt(message))
  return out.length
}

/** @throws Error if it was not encrypted so. */
export function crypto_aead_chacha20poly1305_ietf_decrypt(
  out: Uint8Array,
  _secretNonce: null,
  input: Uint8Array,
  additional: Uint8Array | null,
  nonce: Uint8Array,
  key: Uint8Array,
): number {
  out.set(chacha20poly1305(key, nonce, additional ?? undefined).decrypt(input))
  return out.length
}

export function crypto_secretstream_xchacha20poly1305_keygen(key: Uint8Array): void {
  randombytes_buf(key)
}

export function crypto_secretstream_xchacha20poly1305_init_push(
  state: Uint8Array,
  header: Uint8Array,
  key: Uint8Array,
): void {
  randombytes_buf(header)
  crypto_secretstream_xchacha20poly1305_init_pull(state, header, key)
}

export function crypto_secretstream_xchacha20poly1305_init_pull(
  state: Uint8Array,
  header: Uint8Array,
  key: Uint8Array,
): void {
  const derived = new Uint32Array(8)
  hchacha(SIGMA, words(key), words(header.subarray(0, 16)), derived)
  state.fill(0)
  state.set(new Uint8Array(derived.buffer))
  state[COUNTER] = 1
  state.set(header.subarray(16, 24), INNER_NONCE)
}

export function crypto_secretstream_xchacha20poly1305_push(
  state: Uint8Array,
  out: Uint8Array,
  message: Uint8Array,
  additional: Uint8Array | null,
  tag: number,
): number {
  const key = state.subarray(0, 32)
  const nonce = state.subarray(COUNTER, PADDING)
  const block = new Uint8Array(64)
  block[0] = tag
  const sealed = chacha20(key, nonce, block, undefined, 1)
  const body = chacha20(key, nonce, new Uint8Array(message), undefined, 2)
  const mac = macOf(state, additional, sealed, body)
  out[0] = sealed[0] ?? 0
  out.set(body, 1)
  out.set(mac, 1 + body.length)
  advance(state, mac, tag)
  return body.length + crypto_secretstream_xchacha20poly1305_ABYTES
}

/** @throws Error if it was altered, or is not the next one. */
export function crypto_secretstream_xchacha20poly1305_pull(
  state: Uint8Array,
  out: Uint8Array,
  tag: Uint8Array,
  input: Uint8Array,
  additional: Uint8Array | null,
): number {
  const key = state.subarray(0, 32)
  const nonce = state.subarray(COUNTER, PADDING)
  const length = input.length - crypto_secretstream_xchacha20poly1305_ABYTES
  if (length < 0) throw new Error('Too short.')
  const block = new Uint8Array(64)
  block[0] = input[0] ?? 0
  const opened = chacha20(key, nonce, block, undefined, 1)
  const [found = 0] = opened
  opened[0] = input[0] ?? 0
  // A copy: `out` may be the same memory, and words are faster where they are aligned.
  const body = input.slice(1, 1 + length)
  const mac = macOf(state, additional, opened, body)
  if (!equal(mac, input.subarray(1 + length))) throw new Error('It was altered.')
  out.set(chacha20(key, nonce, body, body, 2))
  tag[0] = found
  advance(state, mac, found)
  return length
}

/** Offsets in the state: key, counter, inner nonce, padding. */
const COUNTER = 32
const INNER_NONCE = 36
const PADDING = 44

/** "expand 32-byte k" */
const SIGMA = Uint32Array.of(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574)

function macOf(
  state: Uint8Array,
  additional: Uint8Array | null,
  block: Uint8Array,
  body: Uint8Array,
): Uint8Array {
  const nonce = state.subarray(COUNTER, PADDING)
  const key = chacha20(state.subarray(0, 32), nonce, new Uint8Array(32))
  const mac = poly1305.create(key)
  const extra = additional?.length ?? 0
  if (additional !== null) mac.update(additional)
  mac.update(new Uint8Array(-extra & 15))
  mac.update(block)
  mac.update(body)
  // So libsodium pads; 16 minus that would be usual, and is another stream.
  mac.update(new Uint8Array(body.length & 15))
  const lengths = new DataView(new ArrayBuffer(16))
  lengths.setUint32(0, extra, true)
  lengths.setUint32(8, block.length + body.length, true)
  mac.update(new Uint8Array(lengths.buffer))
  return mac.digest()
}

function advance(state: Uint8Array, mac: Uint8Array, tag: number): void {
  for (let i = 0; i < 8; i++) {
    state[INNER_NONCE + i] = (state[INNER_NONCE + i] ?? 0) ^ (mac[i] ?? 0)
  }
  const counter = state.subarray(COUNTER, INNER_NONCE)
  sodium_increment(counter)
  if ((tag & TAG_REKEY) === 0 && counter.some((it) => it !== 0)) return
  const nonce = state.subarray(COUNTER, PADDING)
  const old = new Uint8Array(40)
  old.set(state.subarray(0, 32))
  old.set(state.subarray(INNER_NONCE, PADDING), 32)
  const renewed = chacha20(state.slice(0, 32), nonce.slice(), old)
  state.set(renewed.subarray(0, 32))
  state.set(renewed.subarray(32), INNER_NONCE)
  counter.set([1, 0, 0, 0])
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(new Uint8Array(bytes).buffer)
}

function numberOf(littleEndian: Uint8Array): bigint {
  return littleEndian.reduceRight((sum, it) => (sum << 8n) | BigInt(it), 0n)
}
