import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import crypto from 'hypercore-crypto'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../../../src/errors.ts'
import { feedKeyOf, parseFeedKey } from '../../../src/format/keys/feed-key.ts'
import { deriveKeys } from '../../../src/format/keys/recovery.ts'
import {
  decodeSuccession,
  encodeSuccession,
  formatSuccession,
  isSigned,
  looksLikeSuccession,
  maskSuccession,
  parseSuccession,
  signSuccession,
  unmaskSuccession,
  type Succession,
} from '../../../src/format/records/succession.ts'

const refused = expect.objectContaining({ code: 'INVALID_STATEMENT' }) as Error
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const vectors = JSON.parse(
  readFileSync(new URL('../../../fixtures/records/keys.json', import.meta.url), 'utf8'),
) as { phrase: string; feedKey: string }[]

// The worked example of docs/format.md.
const BYTES =
  '68797065726c65747465722f312f73756363657373696f6e87f9b422774916dd650ccc7ffc02a178a015b7f6a9189240' +
  'c87f3addce0cdc74413c81fa4191a88d5952d458822d131d9ee280bea1ceebf06e3949942d54cae200740e489d010000' +
  'b40e3f460730aec49fc1d45bc4660953e57ea56966aff1605e4b56389d12ef5f958fd13398080ff57549e35212fa5a4b' +
  'c806d8e8efea9d02ee14d3bf70e4ac00'
const TEXT =
  'pbhzy3m1pt1ze7dfqezunm5uqitsg3muqpws65w89g4nr74jn5qskdgcx96yfemawyk5x7ijdnjrb1d98mqhhdghqtyu3yx4' +
  'ege4tdk3kmkftytpncq37awyz4oh749opahwufbpkufqrydwb3rj4yeyyn4yhx4gyhak7tr9a8kfztdgbfj6k9ifpfuk9hmy' +
  'm3ficqr7nmzi9fcx4r33onyx6i4wua41nm7fw16ey5cqt59kuwbqhfguz7aqjmyy'
const MASKED =
  '00740e489d010000c11e4b2aa1f9145e7dd38e5e44ca4847f1e9357307d95460172b9d3453843eb1b40e3f460730aec4' +
  '9fc1d45bc4660953e57ea56966aff1605e4b56389d12ef5f958fd13398080ff57549e35212fa5a4bc806d8e8efea9d02' +
  'ee14d3bf70e4ac00'

/** What comes of bytes: a code, or whether the statement in them is signed. */
function outcomeOf(parse: () => Succession, recoveryKey: Uint8Array): string {
  try {
    return isSigned(parse(), recoveryKey) ? 'signed' : 'not signed'
  } catch (error) {
    return codeOf(error) ?? 'no code'
  }
}

async function example() {
  const [old, next] = vectors
  const { recovery, signing } = await deriveKeys(old?.phrase ?? '')
  const from = parseFeedKey(old?.feedKey ?? '')
  const to = parseFeedKey(next?.feedKey ?? '')
  const issuedAt = Date.parse('2026-04-01T08:00:00Z')
  return { unsigned: { from, to, issuedAt }, recovery, signing }
}

describe('a statement of succession', () => {
  it('is signed and written as documented', async () => {
    const { unsigned, recovery } = await example()
    const statement = signSuccession(unsigned, recovery)
    expect(hex(encodeSuccession(statement))).toBe(BYTES)
    expect(formatSuccession(statement)).toBe(TEXT)
    expect(hex(maskSuccession(statement))).toBe(MASKED)
    expect(isSigned(statement, recovery.publicKey)).toBe(true)
  })

  it('comes back from bytes, from text and from what the DHT keeps', async () => {
    const { unsigned, recovery } = await example()
    const statement = signSuccession(unsigned, recovery)
    const plain = { ...statement, signature: hex(statement.signature) }
    for (const again of [
      decodeSuccession(encodeSuccession(statement)),
      parseSuccession(`\n ${formatSuccession(statement)}\r\n`),
      unmaskSuccession(maskSuccession(statement), statement.from),
    ]) {
      expect({ ...again, signature: hex(again.signature) }).toEqual(plain)
      expect(isSigned(again, recovery.publicKey)).toBe(true)
    }
  })

  it('of the device that publishes is not signed', async () => {
    const { unsigned, recovery, signing } = await example()
    expect(isSigned(signSuccession(unsigned, signing), recovery.publicKey)).toBe(false)
  })

  it('is not signed for another newsletter, another successor or another date', async () => {
    const { unsigned, recovery } = await example()
    const { signature } = signSuccession(unsigned, recovery)
    const other = parseFeedKey(vectors[2]?.feedKey ?? '')
    for (const change of [{ from: other }, { to: other }, { issuedAt: unsigned.issuedAt + 1 }]) {
      expect(isSigned({ ...unsigned, ...change, signature }, recovery.publicKey)).toBe(false)
    }
  })

  it('is not signed by a signature of the recovery key over the same keys without the domain', async () => {
    const { unsigned, recovery } = await example()
    const { from, to } = unsigned
    const signature = crypto.sign(Buffer.from(BYTES.slice(48, 192), 'hex'), recovery.secretKey)
    expect(isSigned({ from, to, issuedAt: unsigned.issuedAt, signature }, recovery.publicKey)).toBe(
      false,
    )
  })

  it('with any bit changed is refused or not signed', async () => {
    const { unsigned, recovery } = await example()
    const bytes = encodeSuccession(signSuccession(unsigned, recovery))
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Uint8Array.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const outcome = outcomeOf(() => decodeSuccession(changed), recovery.publicKey)
      expect(outcome, `bit ${bit}`).toMatch(/^(INVALID_STATEMENT|not signed)$/)
    }
  })

  it('is refused at any other length', async () => {
    const { unsigned, recovery } = await example()
    const bytes = encodeSuccession(signSuccession(unsigned, recovery))
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSuccession(bytes.subarray(0, length))).toThrow(refused)
    }
    expect(() => decodeSuccession(new Uint8Array([...bytes, 0]))).toThrow(refused)
  })

  it('that leads to where it comes from is refused', async () => {
    const { unsigned, recovery } = await example()
    const circle = signSuccession({ ...unsigned, to: unsigned.from }, recovery)
    expect(() => decodeSuccession(encodeSuccession(circle))).toThrow(refused)
  })

  it('of no date is refused', () => {
    const bytes = Buffer.from(BYTES, 'hex')
    bytes.fill(0xff, 88, 96)
    expect(() => decodeSuccession(bytes)).toThrow(refused)
  })

  it('is refused as text that is cut, capital or something else', () => {
    const bad = ['', TEXT.slice(1), `${TEXT}y`, TEXT.toUpperCase(), 'l'.repeat(256), `${TEXT} y`]
    for (const text of bad) expect(() => parseSuccession(text)).toThrow(refused)
    expect(looksLikeSuccession(TEXT.slice(0, 60))).toBe(true)
    expect(looksLikeSuccession('hyperletter-bundle')).toBe(false)
  })

  it('from hostile bytes is refused or decodes, and nothing else', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ minLength: 160, maxLength: 160 }),
      fc.uint8Array({ minLength: 104, maxLength: 104 }),
    )
    const from = feedKeyOf(new Uint8Array(32))
    fc.assert(
      fc.property(bytes, (it) => {
        for (const parse of [decodeSuccession, (b: Uint8Array) => unmaskSuccession(b, from)]) {
          const outcome = outcomeOf(() => parse(it), new Uint8Array(32).fill(9))
          expect(outcome).toMatch(/^(INVALID_STATEMENT|not signed)$/)
        }
      }),
    )
  })
})

describe('what the DHT keeps', () => {
  it('says neither which newsletter ends nor where it continues', async () => {
    const { unsigned, recovery } = await example()
    const masked = hex(maskSuccession(signSuccession(unsigned, recovery)))
    expect(masked).not.toContain(BYTES.slice(48, 112))
    expect(masked).not.toContain(BYTES.slice(112, 176))
  })

  it('leads nobody astray who asks for another newsletter', async () => {
    const { unsigned, recovery } = await example()
    const value = maskSuccession(signSuccession(unsigned, recovery))
    const statement = unmaskSuccession(value, parseFeedKey(vectors[2]?.feedKey ?? ''))
    expect(isSigned(statement, recovery.publicKey)).toBe(false)
  })
})
