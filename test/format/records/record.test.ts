import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hasCode } from '../../../src/errors.ts'
import {
  claimsToBeRecord,
  decodeRecord,
  encodeRecord,
  MAX_PREVIOUS,
  MAX_RECORD_BYTES,
  type IssueRecord,
} from '../../../src/format/records/record.ts'
import { blockOf, issueRecord, newsletterRecord } from './samples.ts'

const refused = (code: string) => expect.objectContaining({ code }) as Error

const optionalFields = [
  'summary',
  'authors',
  'language',
  'importedFrom',
  'profile',
  'encoding',
  'name',
]
const contentFields = ['block', 'blocks', 'bytes', 'mediaType', 'alt']

/** Longest time that one hostile block may take, far above what a slow machine needs. */
const MAX_DECODE_MS = 1_000

describe('a record', () => {
  it('is the same after encoding and decoding', () => {
    expect(decodeRecord(encodeRecord(newsletterRecord(), 0), 0)).toEqual(newsletterRecord())
    expect(decodeRecord(encodeRecord(issueRecord(), 2), 2)).toEqual(issueRecord())
  })

  it('begins with the mark and version of the format', () => {
    const text = new TextDecoder().decode(encodeRecord(newsletterRecord(), 0))
    expect(text.startsWith('{"hyperletter":1,')).toBe(true)
  })

  it('of an unknown type keeps its pointers, so that a reader gets past it', () => {
    const block = blockOf({ hyperletter: 1, type: 'poll', title: 7, previous: [2, 0], profile: 0 })
    expect(decodeRecord(block, 4)).toEqual({
      type: 'unknown',
      originalType: 'poll',
      previous: [2, 0],
      profile: 0,
    })
  })

  it('cannot pass itself off as unknown by its name', () => {
    const block = blockOf({ hyperletter: 1, type: 'unknown', previous: [0], profile: 0 })
    expect(decodeRecord(block, 1)).toMatchObject({ type: 'unknown', originalType: 'unknown' })
  })

  it('over 64 KiB is refused with TOO_LARGE before it is written', () => {
    const authors = Array.from({ length: 32 }, () => ({ name: 'x'.repeat(256), url: longUrl() }))
    expect(() => encodeRecord(issueRecord({ authors }), 2)).toThrow(refused('TOO_LARGE'))
    expect(() => decodeRecord(new Uint8Array(MAX_RECORD_BYTES + 1), 2)).toThrow(
      refused('INVALID_RECORD'),
    )
  })

  it('is refused with what is wrong in words, and where', () => {
    const complaints = [
      [{ title: 7 }, 'title: must be of type string'],
      [{ title: '' }, 'title: must be at least 1 characters'],
      [{ title: 'x'.repeat(257) }, 'title: must be at most 256 characters'],
      [{ title: undefined }, 'title: is missing'],
      [
        { authors: Array.from({ length: 33 }, () => ({ name: 'x' })) },
        'authors: must be at most 32 items',
      ],
      [{ createdAt: 'today' }, 'createdAt: is malformed'],
      [{ profile: -1 }, 'profile: must be at least 0'],
    ] as const
    for (const [fields, complaint] of complaints) {
      const block = blockOf({ hyperletter: 1, ...newsletterRecord(), ...fields })
      expect(() => decodeRecord(block, 0)).toThrow(`Block 0 is not a valid record: ${complaint}.`)
    }
  })

  it('that could not be read again is refused before it is written', () => {
    const wrong = [
      issueRecord({ number: 0 }),
      issueRecord({ title: 'two\nlines' }),
      issueRecord({ previous: [2] }),
      issueRecord({ profile: undefined }),
      { ...issueRecord(), mood: '\ud83c' },
      { ...issueRecord(), mood: Number.POSITIVE_INFINITY, title: 7 as unknown as string },
    ]
    for (const it of wrong) expect(() => encodeRecord(it, 2)).toThrow(refused('INVALID_RECORD'))
  })

  it('is refused at another index than its own', () => {
    const block = encodeRecord(issueRecord(), 2)
    for (const index of [0, 1]) {
      expect(() => decodeRecord(block, index)).toThrow(refused('INVALID_RECORD'))
    }
  })

  it('claims to be one, whatever its version, and other blocks do not', () => {
    expect(claimsToBeRecord(blockOf({ hyperletter: 2, anything: 'else' }))).toBe(true)
    expect(claimsToBeRecord(encodeRecord(issueRecord(), 2))).toBe(true)
    for (const block of [blockOf([]), blockOf(null), blockOf({}), new Uint8Array(64).fill(0x89)]) {
      expect(claimsToBeRecord(block)).toBe(false)
    }
  })

  it('names the block and the field in its refusal', () => {
    expect(() => decodeRecord(blockOf({ ...issueRecord(), hyperletter: 1, number: 0 }), 2)).toThrow(
      /^Block 2 .*number/,
    )
  })
})

describe('property', () => {
  // Members named like known fields would replace them, and -0 is 0 in JSON.
  const known = new Set([
    ...Object.keys(issueRecord()),
    ...optionalFields,
    ...contentFields,
    'tags',
    'hyperletter',
    '__proto__',
  ])
  const anyJson = fc
    .jsonValue({ maxDepth: 5, stringUnit: 'binary' })
    .filter((it) => !JSON.stringify(it).includes('__proto__'))
    .map((it): unknown => JSON.parse(JSON.stringify(it)))
  const unknownFields = fc.dictionary(
    fc.string({ unit: 'binary', maxLength: 20 }).filter((it) => !known.has(it)),
    anyJson,
    { maxKeys: 5, noNullPrototype: true },
  )
  const text = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((it) => /\S/.test(it) && !/[\p{Cc}\u2028\u2029]/u.test(it))

  const anyIssue = fc
    .record({
      unknown: unknownFields,
      title: text,
      tags: fc.array(text, { maxLength: 8 }),
      number: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      publishedAt: fc
        .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
        .map((it) => it.toISOString()),
      gaps: fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: MAX_PREVIOUS }),
      bytes: fc.integer({ min: 1, max: 2 * 1024 * 1024 }),
      attachments: fc.array(fc.integer({ min: 1, max: 5_000_000 }), { maxLength: 10 }),
    })
    .map(({ unknown, gaps, bytes, attachments, ...head }) => {
      const previous = [0]
      for (const gap of gaps.slice(1)) previous.unshift((previous[0] ?? 0) + gap)
      let block = (previous[0] ?? 0) + 1
      const place = (size: number, mediaType: string) => {
        const placed = {
          block,
          blocks: Math.ceil(size / 65_536),
          bytes: size,
          mediaType,
          ...unknown,
        }
        block += placed.blocks
        return placed
      }
      const record: IssueRecord = {
        ...unknown,
        ...head,
        type: 'issue',
        previous,
        profile: 0,
        body: place(bytes, 'text/markdown'),
        attachments: attachments.map((size, i) => ({
          ...place(size, 'image/png'),
          name: `pictures/${i}.png`,
        })),
      }
      return { record, index: block }
    })

  it('any valid issue survives encoding and decoding, unknown fields included', () => {
    fc.assert(
      fc.property(anyIssue, ({ record, index }) => {
        expect(decodeRecord(encodeRecord(record, index), index)).toEqual(record)
      }),
    )
  })

  it('random bytes are refused with INVALID_RECORD, quickly', () => {
    const anyBlock = fc.oneof(
      fc.uint8Array({ maxLength: 70_000, size: 'max' }),
      fc.json({ maxDepth: 10 }).map((it) => new TextEncoder().encode(it)),
      fc.record({ index: fc.nat(400), byte: fc.nat(255) }).map(({ index, byte }) => {
        const block = encodeRecord(issueRecord(), 2)
        block[index % block.length] = byte
        return block
      }),
      fc
        .dictionary(fc.constantFrom(...known), fc.jsonValue({ maxDepth: 3 }))
        .map((it) => blockOf({ hyperletter: 1, type: 'issue', previous: [0], profile: 0, ...it })),
    )
    fc.assert(
      fc.property(anyBlock, fc.nat(5), (block, index) => {
        const startMs = performance.now()
        try {
          decodeRecord(block, index)
        } catch (error) {
          if (!hasCode(error, 'INVALID_RECORD')) throw error
        }
        expect(performance.now() - startMs).toBeLessThan(MAX_DECODE_MS)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['30,000 levels', '['.repeat(30_000) + ']'.repeat(30_000)],
    ['20,000 pointers', `{"hyperletter":1,"type":"issue","previous":[${'-1,'.repeat(20_000)}0]}`],
    ['10,000 authors', `{"authors":[${'{},'.repeat(10_000)}{}]}`],
    ['one long title', JSON.stringify({ title: '\u0000'.repeat(10_000) })],
    ['one long media type', JSON.stringify({ body: { mediaType: `a/${'a+'.repeat(20_000)} ` } })],
    ['one long address', JSON.stringify({ website: `https://${'a.'.repeat(20_000)}` })],
    [
      'one long date',
      JSON.stringify({ publishedAt: `2026-03-02T07:00:00.${'0'.repeat(60_000)}Z` }),
    ],
    ['5,000 members', `{${Array.from({ length: 5_000 }, (_, i) => `"m${i}":0`).join()}}`],
  ])('a block with %s is decided quickly', (_, hostile) => {
    const json = hostile.startsWith('{') ? hostile.slice(1) : `"deep":${hostile}}`
    const base = JSON.stringify({ hyperletter: 1, ...newsletterRecord() }).slice(0, -1)
    const block = new TextEncoder().encode(`${base},${json}`)
    expect(block.length).toBeLessThanOrEqual(MAX_RECORD_BYTES)
    const startMs = performance.now()
    try {
      decodeRecord(block, 0)
    } catch (error) {
      if (!hasCode(error, 'INVALID_RECORD')) throw error
    }
    expect(performance.now() - startMs).toBeLessThan(MAX_DECODE_MS)
  })
})

function longUrl(): string {
  return `https://tides.example/${'x'.repeat(2_000)}`
}
