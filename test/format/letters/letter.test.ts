import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { portable } from '../../../src/format/crypto.ts'
import { concat } from '../../../src/format/bytes.ts'
import { encodeZ32, type FeedKey } from '../../../src/format/keys/feed-key.ts'
import {
  admittedBy,
  decodeEnvelope,
  isGenuine,
  isLaterEnvelope,
  isTimely,
  workOf,
} from '../../../src/format/letters/envelope.ts'
import { decodeLetterContent, senderOf, verifyLetter } from '../../../src/format/letters/letter.ts'
import { encodeStatement, muteOf, verifyStatement } from '../../../src/format/letters/statement.ts'
import { LETTER_HEAD_BYTES } from '../../../src/format/records/letters.ts'
import { keyPairOf, nativeCrypto } from '../../../src/log/keys.ts'
import { letterKeysOf, signWith, unseal } from '../../../src/log/sealing.ts'
import { feedKey, letterOf, signing } from '../../helpers/letters.ts'

const OTHER = encodeZ32(keyPairOf(new Uint8Array(32).fill(3)).publicKey) as FeedKey
const DAY = 86_400_000

/** The bytes with one bit flipped. */
function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice()
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

describe('a letter', () => {
  const { envelope, content } = letterOf({ bits: 8 })
  const { head, carried } = envelope

  it('is read by its author alone, and verified wherever code runs', () => {
    const opened = unseal(carried, letterKeysOf(signing))
    expect(opened && Buffer.from(opened)).toEqual(Buffer.from(content))
    expect(unseal(carried, letterKeysOf(keyPairOf(new Uint8Array(32).fill(2))))).toBeUndefined()
    for (const crypto of [nativeCrypto, portable]) {
      expect(isGenuine(envelope, feedKey, crypto)).toBe(true)
      expect(decodeLetterContent(content, head, crypto)).toMatchObject({ text: 'Hello.' })
      const block = concat([head.bytes, content])
      expect(verifyLetter(block, feedKey, crypto)?.content.text).toBe('Hello.')
      expect(verifyLetter(block, OTHER, crypto)).toBeUndefined()
    }
    expect(head.bytes).toHaveLength(LETTER_HEAD_BYTES)
  })

  it('is refused whichever bit was changed, on its way and published', () => {
    const carriedFrom = envelope.bytes.length - carried.length
    for (let at = 0; at < envelope.bytes.length; at++) {
      // The stamp is nobody's signature.
      if (at > LETTER_HEAD_BYTES && at < carriedFrom) continue
      const changed = decodeEnvelope(flipped(envelope.bytes, at), nativeCrypto)
      expect(changed !== undefined && isGenuine(changed, feedKey, nativeCrypto), `${at}`).toBe(
        false,
      )
    }
    const block = concat([head.bytes, content])
    for (let at = 0; at < block.length; at++) {
      expect(verifyLetter(flipped(block, at), feedKey, nativeCrypto), `${at}`).toBeUndefined()
    }
  })

  it('is refused for another newsletter, cut off, too long, or without content', () => {
    expect(isGenuine(envelope, OTHER, nativeCrypto)).toBe(false)
    for (const length of [0, 100, LETTER_HEAD_BYTES, LETTER_HEAD_BYTES + 10]) {
      expect(decodeEnvelope(envelope.bytes.slice(0, length), nativeCrypto)).toBeUndefined()
    }
    const long = concat([envelope.bytes, new Uint8Array(20_000)])
    expect(decodeEnvelope(long, nativeCrypto)).toBeUndefined()
  })

  it('is carried for 14 days, and may be an hour ahead', () => {
    const at = head.writtenAt
    expect([at, at + 13.9 * DAY, at - 3_000_000].map((it) => isTimely(envelope, it))).toEqual([
      true,
      true,
      true,
    ])
    expect([at + 14.1 * DAY, at - 4_000_000].map((it) => isTimely(envelope, it))).toEqual([
      false,
      false,
    ])
  })

  it('has the work of its sender for a day', () => {
    expect(workOf(envelope, nativeCrypto)).toBeGreaterThanOrEqual(8)
    expect(workOf({ head, stamp: { kind: 'none' } }, nativeCrypto)).toBe(0)
    const tomorrow = { ...head, writtenAt: head.writtenAt + DAY }
    expect(workOf({ head: tomorrow, stamp: envelope.stamp }, portable)).not.toBe(
      workOf(envelope, nativeCrypto),
    )
  })
})

describe('an admission', () => {
  const code = new Uint8Array(32).fill(5)
  const { envelope } = letterOf({ code })
  const key = encodeZ32(keyPairOf(code).publicKey)

  it('is that of a code for one sender', () => {
    expect(admittedBy(envelope, portable)).toBe(key)
    const { head } = letterOf({}).envelope
    expect(admittedBy({ ...envelope, head }, nativeCrypto)).toBeUndefined()
    expect(admittedBy(letterOf({ bits: 1 }).envelope, nativeCrypto)).toBeUndefined()
    const stampAt = LETTER_HEAD_BYTES + 1
    for (let at = stampAt; at < stampAt + 96; at++) {
      const changed = decodeEnvelope(flipped(envelope.bytes, at), nativeCrypto)
      expect(changed && admittedBy(changed, nativeCrypto), `${at}`).toBeUndefined()
    }
  })
})

describe('what a later version carries', () => {
  it('is told from what no version does', () => {
    const { bytes } = letterOf({ bits: 1 }).envelope
    const open = bytes.slice()
    open[20] = 1
    const stamped = bytes.slice()
    stamped[LETTER_HEAD_BYTES] = 3
    for (const it of [open, stamped]) {
      expect(decodeEnvelope(it, nativeCrypto)).toBeUndefined()
      expect(isLaterEnvelope(it)).toBe(true)
    }
    for (const it of [bytes, bytes.slice(1), bytes.slice(0, 100), new Uint8Array(300)]) {
      expect(isLaterEnvelope(it)).toBe(false)
    }
  })
})

describe.each(['receipt', 'mutes'] as const)('a statement: %s', (kind) => {
  const names = ['00'.repeat(16), muteOf(feedKey, encodeZ32(signing.publicKey), nativeCrypto)]
  const statement = encodeStatement(feedKey, { kind, at: 1, names }, signWith(signing))

  it('names letters or senders, and is signed by the newsletter', () => {
    const found = verifyStatement(statement, feedKey, signing.publicKey, portable)
    expect(found).toEqual({ kind, at: 1, names })
  })

  it('is refused whichever bit was changed, for another newsletter, and cut off', () => {
    for (let at = 0; at < statement.length; at++) {
      const found = verifyStatement(
        flipped(statement, at),
        feedKey,
        signing.publicKey,
        nativeCrypto,
      )
      expect(found, `${at}`).toBeUndefined()
    }
    expect(verifyStatement(statement, OTHER, signing.publicKey, nativeCrypto)).toBeUndefined()
    for (const length of [0, 60, statement.length - 16]) {
      const cut = statement.slice(0, length)
      expect(verifyStatement(cut, feedKey, signing.publicKey, nativeCrypto)).toBeUndefined()
    }
  })
})

describe('the vectors of docs/format.md', () => {
  const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
  const vectors = JSON.parse(read('fixtures/records/letters.json')) as Record<
    | 'feedKey'
    | 'signingSeed'
    | 'signingPublicKey'
    | 'letterPublicKey'
    | 'sender'
    | 'content'
    | 'head'
    | 'carried'
    | 'id'
    | 'mute'
    | 'admissionKey'
    | 'receipt'
    | 'mutes',
    string
  > & { stamps: Record<'none' | 'work' | 'admission', string>; workBits: number }
  const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
  const newsletter = vectors.feedKey as FeedKey
  const content = new TextEncoder().encode(vectors.content)

  it('lead from the signing pair to the letter, and are shown', () => {
    const author = keyPairOf(bytes(vectors.signingSeed))
    expect(encodeZ32(letterKeysOf(author).publicKey)).toBe(vectors.letterPublicKey)
    const opened = unseal(bytes(vectors.carried), letterKeysOf(author))
    expect(opened && new TextDecoder().decode(opened)).toBe(vectors.content)
    const block = concat([bytes(vectors.head), content])
    const found = verifyLetter(block, newsletter, portable)
    expect(found && senderOf(found.head)).toBe(vectors.sender)
    expect(found?.content).toMatchObject({ name: 'Ada', issue: 1 })
    const page = read('docs/format.md').replaceAll('\n', '')
    expect(page).toContain(Buffer.from(block).toString('hex') + vectors.id)
  })

  it('have a stamp of each kind', () => {
    const envelopes = Object.entries(vectors.stamps).map(([kind, hex]) => {
      const envelope = decodeEnvelope(Buffer.from(hex, 'hex'), portable)
      if (envelope === undefined) throw new Error(`The envelope with ${kind} is none.`)
      expect(isGenuine(envelope, newsletter, portable)).toBe(true)
      return [kind, envelope.id, workOf(envelope, portable), admittedBy(envelope, portable)]
    })
    expect(envelopes).toEqual([
      ['none', vectors.id, 0, undefined],
      ['work', vectors.id, vectors.workBits, undefined],
      ['admission', vectors.id, 0, vectors.admissionKey],
    ])
  })

  it('have a receipt and mutes', () => {
    const key = bytes(vectors.signingPublicKey)
    const at = Date.parse('2026-04-03T08:00:00Z')
    expect(muteOf(newsletter, vectors.sender, portable)).toBe(vectors.mute)
    expect(
      [vectors.receipt, vectors.mutes].map((it) =>
        verifyStatement(bytes(it), newsletter, key, portable),
      ),
    ).toEqual([
      { kind: 'receipt', at, names: [vectors.id] },
      { kind: 'mutes', at, names: [vectors.mute] },
    ])
  })
})

describe('the content of a letter', () => {
  const salt = Buffer.alloc(16, 7).toString('base64url')
  const read = (json: object | string) => {
    const text = typeof json === 'string' ? json : JSON.stringify(json)
    const content = new TextEncoder().encode(text)
    const contentHash = portable.hash([content])
    return decodeLetterContent(content, { ...letterOf().envelope.head, contentHash }, portable)
  }

  it.each([
    ['no text', { salt }],
    ['nothing in its text', { salt, text: '' }],
    ['a text that is too long', { salt, text: 'a'.repeat(8_193) }],
    ['an escape sequence', { salt, text: '\u001b[2J' }],
    ['no salt', { text: 'Hello.' }],
    ['a short salt', { text: 'Hello.', salt: 'AAAA' }],
    ['a name of two lines', { salt, text: 'Hello.', name: 'A\nda' }],
    ['issue 0', { salt, text: 'Hello.', issue: 0 }],
    ['a letter that is no number', { salt, text: 'Hello.', letter: '1' }],
    ['what is private by half', { salt, text: 'Hello.', private: 'yes' }],
    ['a member named __proto__', `{"text":"Hello.","salt":"${salt}","__proto__":{}}`],
    ['more bytes than a letter', { salt, text: 'Hello.', later: 'a'.repeat(16_384) }],
    ['no JSON', 'Hello.'],
  ])('is refused with %s', (_, json) => {
    expect(read(json)).toBeUndefined()
  })

  it('may be the wish to have a letter back, and have fields of a later version', () => {
    expect(read({ salt, text: '', withdraw: 3 })).toMatchObject({ withdraw: 3 })
    expect(read({ salt, text: 'Hello.', later: [1] })).toMatchObject({ text: 'Hello.' })
  })
})
