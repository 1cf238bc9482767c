import { readFileSync } from 'node:fs'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha512 } from '@noble/hashes/sha2.js'
import crypto from 'hypercore-crypto'
import Hypercore from 'hypercore'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { encryptionKeyOf, feedKeyOf } from '../../../src/format/keys/feed-key.ts'
import { createRecoveryPhrase, deriveKeys } from '../../../src/format/keys/recovery.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const refused = expect.objectContaining({ code: 'INVALID_INPUT' }) as Error

const vectors = z
  .array(
    z.strictObject({
      phrase: z.string(),
      bip39Seed: z.string(),
      signingSeed: z.string(),
      signingPublicKey: z.string(),
      recoverySeed: z.string(),
      recoveryPublicKey: z.string(),
      /** The recovery public key in z-base-32, as block 0 has it. */
      recoveryKey: z.string(),
      encryptionKey: z.string(),
      encryptionKeyZ32: z.string(),
      feedKey: z.string(),
      feedKeyHex: z.string(),
      discoveryKey: z.string(),
    }),
  )
  .min(3)
  .parse(
    JSON.parse(
      readFileSync(new URL('../../../fixtures/records/keys.json', import.meta.url), 'utf8'),
    ),
  )
const PHRASE = vectors[0]?.phrase ?? ''

describe('a recovery phrase', () => {
  it.each(vectors)('"$phrase" gives the documented keys', async (vector) => {
    const { signing, recovery, encryptionKey } = await deriveKeys(vector.phrase)
    expect(hex(signing.secretKey)).toBe(vector.signingSeed + vector.signingPublicKey)
    expect(hex(signing.publicKey)).toBe(vector.signingPublicKey)
    expect(hex(recovery.secretKey)).toBe(vector.recoverySeed + vector.recoveryPublicKey)
    expect(hex(recovery.publicKey)).toBe(vector.recoveryPublicKey)
    expect(feedKeyOf(recovery.publicKey)).toBe(vector.recoveryKey)
    expect(hex(encryptionKey)).toBe(vector.encryptionKey)
    expect(encryptionKeyOf(encryptionKey)).toBe(vector.encryptionKeyZ32)
  })

  it.each(vectors)('"$phrase" leads to the documented feed and discovery key', (vector) => {
    const publicKey = Buffer.from(vector.signingPublicKey, 'hex')
    const key = Hypercore.key({ version: 1, signers: [{ publicKey }] })
    expect(feedKeyOf(key)).toBe(vector.feedKey)
    expect(hex(key)).toBe(vector.feedKeyHex)
    expect(hex(crypto.discoveryKey(key))).toBe(vector.discoveryKey)
  })

  it.each(vectors)('"$phrase" derives as the format says, from the BIP-39 seed', (vector) => {
    const seed = Buffer.from(vector.bip39Seed, 'hex')
    const expand = (info: string) => hex(hkdf(sha512, seed, undefined, Buffer.from(info), 32))
    expect(expand('hyperletter/1/signing')).toBe(vector.signingSeed)
    expect(expand('hyperletter/1/recovery')).toBe(vector.recoverySeed)
    expect(expand('hyperletter/1/encryption')).toBe(vector.encryptionKey)
  })

  it('is 24 words, new each time, and gives keys', async () => {
    const [one, two] = [await createRecoveryPhrase(), await createRecoveryPhrase()]
    expect(one.split(' ')).toHaveLength(24)
    expect(one).not.toBe(two)
    expect((await deriveKeys(one)).signing).not.toEqual((await deriveKeys(two)).signing)
  })

  it('gives key pairs that sign', async () => {
    const { signing, recovery } = await deriveKeys(PHRASE)
    for (const { publicKey, secretKey } of [signing, recovery]) {
      const message = Buffer.from('This newsletter continues.')
      expect(crypto.verify(message, crypto.sign(message, secretKey), publicKey)).toBe(true)
    }
  })

  it('may be typed in capitals, on several lines, with wide letters', async () => {
    const { signing } = await deriveKeys(PHRASE)
    const wide = PHRASE.replace('art', '\uff41\uff52\uff54')
    for (const typed of [PHRASE.toUpperCase(), `\n ${PHRASE.replaceAll(' ', ' \t\n')} `, wide]) {
      expect((await deriveKeys(typed)).signing).toEqual(signing)
    }
  })

  it.each([
    ['empty', ''],
    ['a word short', PHRASE.replace('abandon ', '')],
    ['a word long', `${PHRASE} art`],
    ['of 12 words', `${'abandon '.repeat(11)}about`],
    ['of a wrong last word', PHRASE.replace('art', 'zoo')],
    ['of unknown words', PHRASE.replace('art', 'arx')],
    ['of a million words', 'zoo '.repeat(1_000_000)],
    ['not words at all', '\u001b[2J \ud83c 0x00'],
  ])('is refused when it is %s', async (_, phrase) => {
    await expect(deriveKeys(phrase)).rejects.toThrow(refused)
  })

  it('that is wrong is refused with its first wrong word and place', async () => {
    const words = PHRASE.split(' ')
    words[6] = 'abadnon'
    words[8] = 'abondon'
    await expect(deriveKeys(words.join(' '))).rejects.toThrow(/"abadnon" \(word 7\)/)
  })

  it('in the wrong order is refused for its checksum', async () => {
    const { phrase } = vectors[2] ?? { phrase: '' }
    const [first, second, ...rest] = phrase.split(' ')
    await expect(deriveKeys([second, first, ...rest].join(' '))).rejects.toThrow(/checksum/)
  })

  it('never puts what is not a word into the refusal', async () => {
    await expect(deriveKeys(PHRASE.replace('art', 'a\u001b[2Jrt'))).rejects.toThrow(
      // eslint-disable-next-line no-control-regex
      /^[^\u0000-\u001f]*$/,
    )
  })
})
