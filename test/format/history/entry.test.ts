import { describe, expect, test } from 'vitest'
import { encodeContent } from '../../../src/format/content/content-codec.ts'
import {
  composeIssue,
  composeNewsletter,
  LOG_START,
  type LogPosition,
} from '../../../src/format/history/entry.ts'
import { decodeRecord, type IssueRecord } from '../../../src/format/records/record.ts'
import { RECOVERY_KEY } from '../records/samples.ts'

const PROFILE = {
  title: 'Tide Tables',
  createdAt: '2026-03-01T09:30:00Z',
  recoveryKey: RECOVERY_KEY,
}
const HEAD = { title: 'Spring tides', publishedAt: '2026-03-02T07:00:00Z' }
const body = await encodeContent(new TextEncoder().encode('Low water at noon.'), 'text/markdown')

/** A log of `count` records: the newsletter, then issues of two blocks each. */
function logOf(count: number): LogPosition {
  let at = composeNewsletter(LOG_START, PROFILE).next
  for (let i = 1; i < count; i++) at = composeIssue(at, HEAD, body, []).next
  return at
}

function lastRecord(blocks: readonly Uint8Array[], start: number) {
  const last = blocks.at(-1)
  if (last === undefined) throw new Error('The entry is empty.')
  return decodeRecord(last, start + blocks.length - 1)
}

describe('composeNewsletter', () => {
  test('opens a log with one block that decodes at index 0', () => {
    const { blocks, next } = composeNewsletter(LOG_START, PROFILE)
    expect(blocks).toHaveLength(1)
    expect(lastRecord(blocks, 0)).toMatchObject({ type: 'newsletter', previous: [], ...PROFILE })
    expect(next).toEqual({ length: 1, previous: [0], profile: 0, lastNumber: 0 })
  })

  test('becomes the profile that later records point at', () => {
    const at = logOf(3)
    const { blocks, next } = composeNewsletter(at, { ...PROFILE, title: 'Tides' })
    expect(lastRecord(blocks, at.length)).toMatchObject({ title: 'Tides', profile: 0 })
    expect(next).toMatchObject({ profile: at.length, lastNumber: 2 })
    const issue = composeIssue(next, HEAD, body, [])
    expect(lastRecord(issue.blocks, next.length)).toMatchObject({ profile: at.length })
  })
})

describe('composeIssue', () => {
  test('places body, attachments and record one after the other', async () => {
    const at = logOf(2)
    const picture = await encodeContent(new Uint8Array(150_000).fill(7), 'image/png')
    const sound = await encodeContent(new Uint8Array(10).fill(8), 'audio/ogg')
    const { blocks, next, number } = composeIssue(at, HEAD, body, [
      { name: 'tide.png', alt: 'A tide', ...picture },
      { name: 'waves/one.ogg', ...sound },
    ])
    const record = lastRecord(blocks, at.length) as IssueRecord

    expect(number).toBe(2)
    expect(record.body).toMatchObject({ block: at.length, blocks: 1 })
    expect(record.attachments).toEqual([
      {
        name: 'tide.png',
        alt: 'A tide',
        block: at.length + 1,
        blocks: 10,
        bytes: 150_000,
        mediaType: 'image/png',
      },
      {
        name: 'waves/one.ogg',
        block: at.length + 11,
        blocks: 1,
        bytes: 10,
        mediaType: 'audio/ogg',
      },
    ])
    for (const it of record.attachments) {
      const stored = blocks.slice(it.block - at.length, it.block - at.length + it.blocks)
      expect(Buffer.concat(stored)).toHaveLength(it.bytes)
      expect(stored[0]?.[0]).toBe(it.name === 'tide.png' ? 7 : 8)
    }
    expect(next.length).toBe(at.length + blocks.length)
  })

  test('points back to 32 records at most, the newest first', () => {
    const at = logOf(40)
    const { blocks } = composeIssue(at, HEAD, body, [])
    const { previous } = lastRecord(blocks, at.length)
    expect(previous).toHaveLength(32)
    expect(previous[0]).toBe(at.length - 1)
    expect(previous).toEqual(previous.toSorted((a, b) => b - a))
  })

  test('points back to all records while they are fewer', () => {
    const at = logOf(32)
    expect(lastRecord(composeIssue(at, HEAD, body, []).blocks, at.length).previous).toHaveLength(32)
    const before = logOf(31)
    const { previous } = lastRecord(composeIssue(before, HEAD, body, []).blocks, before.length)
    expect(previous).toHaveLength(31)
    expect(previous.at(-1)).toBe(0)
  })

  test('refuses a head that readers would refuse', () => {
    const compose = () => composeIssue(logOf(1), { ...HEAD, title: 'a\nb' }, body, [])
    expect(compose).toThrow(expect.objectContaining({ code: 'INVALID_RECORD' }))
  })

  test('refuses to open a log: the first record is a newsletter', () => {
    const compose = () => composeIssue(LOG_START, HEAD, body, [])
    expect(compose).toThrow(expect.objectContaining({ code: 'INVALID_RECORD' }))
  })

  test('refuses a record that would be too large', () => {
    const authors = Array.from({ length: 32 }, () => ({
      name: 'ä'.repeat(256),
      url: `https://example.org/${'x'.repeat(2_000)}`,
    }))
    const compose = () => composeIssue(logOf(1), { ...HEAD, authors }, body, [])
    expect(compose).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
  })
})
