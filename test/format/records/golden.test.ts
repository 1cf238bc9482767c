import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { hasCode } from '../../../src/errors.ts'
import {
  decodeRecord,
  encodeRecord,
  type HyperletterRecord,
} from '../../../src/format/records/record.ts'

const folder = new URL('../../../fixtures/records/', import.meta.url)

const fixture = z.strictObject({
  file: z.string(),
  /** Index of the block at which to decode it. */
  index: z.int().nonnegative(),
  /** `valid`, or the code of the refusal. */
  expect: z.string(),
  /** Type of a valid record. */
  type: z.enum(['newsletter', 'issue', 'amendment', 'retraction', 'letters', 'unknown']).optional(),
  /** Fields of a valid record that count as absent. */
  absent: z.array(z.string()).optional(),
  why: z.string(),
})
const fixtures = z
  .array(fixture)
  .parse(JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')))
const valid = fixtures.filter((it) => it.expect === 'valid')
const invalid = fixtures.filter((it) => it.expect !== 'valid')

const read = (file: string) => new Uint8Array(readFileSync(new URL(file, folder)))

/** The record, or the code of the refusal. */
function outcome(file: string, index: number): HyperletterRecord | string {
  try {
    return decodeRecord(read(file), index)
  } catch (error) {
    if (hasCode(error, 'INVALID_RECORD')) return error.code
    throw error
  }
}

describe('golden records', () => {
  it('are listed completely in index.json, each once', () => {
    const onDisk = ['valid', 'invalid'].flatMap((name) =>
      readdirSync(new URL(name, folder)).map((file) => `${name}/${file}`),
    )
    expect(fixtures.map((it) => it.file).toSorted()).toEqual(onDisk.toSorted())
  })

  it.each(valid)('accepts $file: $why', ({ file, index, type }) => {
    expect(outcome(file, index)).toMatchObject({ type })
  })

  it.each(invalid)('refuses $file: $why', ({ file, index, expect: code }) => {
    expect(outcome(file, index)).toBe(code)
  })

  it.each(valid.filter((it) => it.type !== 'unknown'))(
    'encodes $file again without loss',
    ({ file, index, absent = [] }) => {
      const record = outcome(file, index)
      if (typeof record === 'string' || record.type === 'unknown') throw new Error('is not valid')
      const again = encodeRecord(record, index)
      const given = JSON.parse(new TextDecoder().decode(read(file))) as Record<string, unknown>
      const kept = Object.entries(given).filter(([name]) => !absent.includes(name))
      expect(kept).toHaveLength(Object.keys(given).length - absent.length)
      expect(JSON.parse(new TextDecoder().decode(again))).toEqual(Object.fromEntries(kept))
    },
  )

  it('never change what objects inherit', () => {
    for (const { file, index } of fixtures) outcome(file, index)
    expect('polluted' in {}).toBe(false)
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})
