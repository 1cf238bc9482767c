import { createRequire } from 'node:module'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import * as portable from '../../../src/browser/peer/sodium.ts'

/** Functions of libsodium by name; the first argument is what is written. */
type Sodium = Record<string, (...args: unknown[]) => unknown>

const native = createRequire(import.meta.url)('sodium-native') as Sodium
const ours = portable as unknown as Sodium

/** What a call writes, gives, and whether it throws, in both. */
function assertSame(name: string, outBytes: readonly number[], ...args: unknown[]): Uint8Array[] {
  expect([typeof ours[name], typeof native[name]]).toEqual(['function', 'function'])
  const [a, b] = [ours, native].map((it) => {
    const outs = outBytes.map((bytes) => Buffer.alloc(bytes))
    try {
      const result = it[name]?.(...outs, ...args)
      return { outs, result: typeof result === 'boolean' ? result : undefined }
    } catch {
      return { failed: true }
    }
  })
  expect([name, a]).toEqual([name, b])
  return a?.outs ?? []
}

function isRefused(work: () => unknown): boolean {
  try {
    work()
    return false
  } catch {
    return true
  }
}

const LENGTHS = [0, 1, 15, 16, 17, 63, 64, 65, 128, 1_000, 16_384]

describe('what stands for libsodium in a tab', () => {
  it('hashes, signs and encrypts as it does', () => {
    for (const bytes of LENGTHS) {
      const message = randomBytes(bytes)
      assertSame('crypto_generichash', [32], message)
      assertSame('crypto_generichash', [64], message, randomBytes(32))
      assertSame('crypto_generichash_batch', [32], [message, randomBytes(7), message])
      assertSame('crypto_hash_sha512', [64], message)
      assertSame('crypto_stream_xor', [bytes], message, randomBytes(24), randomBytes(32))
      const [publicKey, secretKey] = assertSame(
        'crypto_sign_seed_keypair',
        [32, 64],
        randomBytes(32),
      )
      const [signature = new Uint8Array()] = assertSame(
        'crypto_sign_detached',
        [64],
        message,
        secretKey,
      )
      expect(ours['crypto_sign_verify_detached']?.(signature, message, publicKey)).toBe(true)
      signature[bytes % 64] = (signature[bytes % 64] ?? 0) ^ 1
      assertSame('crypto_sign_verify_detached', [], signature, message, publicKey)
      const [nonce, key, more] = [randomBytes(12), randomBytes(32), randomBytes(bytes % 40)]
      const [sealed = new Uint8Array()] = assertSame(
        'crypto_aead_chacha20poly1305_ietf_encrypt',
        [bytes + 16],
        message,
        more,
        null,
        nonce,
        key,
      )
      const out = Buffer.alloc(bytes)
      const open = (it: Sodium) =>
        it['crypto_aead_chacha20poly1305_ietf_decrypt']?.(out, null, sealed, more, nonce, key)
      expect([open(ours), out]).toEqual([bytes, message])
      sealed[0] = (sealed[0] ?? 0) ^ 1
      expect([ours, native].map((it) => isRefused(() => open(it)))).toEqual([true, true])
    }
  })

  it('refuses points of small order, and what is no point', () => {
    for (let i = 0; i < 12; i++) {
      const [publicKey] = assertSame('crypto_sign_seed_keypair', [32, 64], randomBytes(32))
      assertSame('crypto_scalarmult_ed25519_noclamp', [32], randomBytes(32), publicKey)
      assertSame('crypto_scalarmult_ed25519_noclamp', [32], randomBytes(32), randomBytes(32))
    }
    // Of https://eprint.iacr.org/2020/1244, table 6a: the points of small order, in all their encodings.
    for (const point of [
      '0100000000000000000000000000000000000000000000000000000000000000',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      '0000000000000000000000000000000000000000000000000000000000000080',
      '0000000000000000000000000000000000000000000000000000000000000000',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ]) {
      const bytes = Buffer.from(point, 'hex')
      assertSame('crypto_scalarmult_ed25519_noclamp', [32], randomBytes(32), bytes)
      assertSame(
        'crypto_sign_verify_detached',
        [],
        Buffer.concat([bytes, Buffer.alloc(32)]),
        bytes,
        bytes,
      )
    }
  })

  it('opens streams of it, and writes what it opens, past a change of keys', () => {
    const prefix = 'crypto_secretstream_xchacha20poly1305_'
    for (const [from, to] of [
      [ours, native],
      [native, ours],
    ] as const) {
      const [key, header] = [randomBytes(32), Buffer.alloc(24)]
      const [sending, receiving] = [Buffer.alloc(52), Buffer.alloc(52)]
      from[`${prefix}init_push`]?.(sending, header, key)
      to[`${prefix}init_pull`]?.(receiving, header, key)
      for (const [i, bytes] of [...LENGTHS, ...LENGTHS].entries()) {
        const message = randomBytes(bytes)
        const sealed = Buffer.alloc(bytes + 17)
        // In place, as streams do it.
        sealed.set(message, 1)
        const tag = [0, 2, 0, 3][i % 4]
        from[`${prefix}push`]?.(sending, sealed, sealed.subarray(1, 1 + bytes), null, tag)
        const [opened, found] = [Buffer.alloc(bytes), Buffer.alloc(1)]
        const altered = Buffer.from(sealed)
        altered[bytes + 3] = (altered[bytes + 3] ?? 0) ^ 1
        const pull = (it: Buffer) => to[`${prefix}pull`]?.(receiving, opened, found, it, null)
        expect(isRefused(() => pull(altered))).toBe(true)
        pull(sealed)
        expect([opened, found[0], sending]).toEqual([message, tag, receiving])
        // The counter is about to overflow, which changes keys.
        if (i === 5) for (const it of [sending, receiving]) it.fill(255, 32, 36)
      }
    }
  })

  it('counts up, and forgets', () => {
    for (const start of [
      [0, 0],
      [255, 0],
      [255, 255],
    ]) {
      const [a, b] = [Buffer.from(start), Buffer.from(start)]
      ours['sodium_increment']?.(a)
      native['sodium_increment']?.(b)
      expect(a).toEqual(b)
    }
    const secret = randomBytes(8)
    portable.sodium_memzero(secret)
    expect(secret).toEqual(Buffer.alloc(8))
  })
})
