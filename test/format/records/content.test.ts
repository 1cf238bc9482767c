import { describe, expect, it } from 'vitest'
import {
  attachmentName,
  contentComplaint,
  MAX_ATTACHMENT_BYTES,
  MAX_BODY_BYTES,
  overlap,
} from '../../../src/format/records/bodies.ts'
import { decodeRecord } from '../../../src/format/records/record.ts'
import { blockOf, issueRecord } from './samples.ts'

const BLOCK = 65_536
const SMALL = 16_384
const content = (blocks: number, bytes: number, encoding?: string) => ({
  block: 1,
  blocks,
  bytes,
  mediaType: 'image/png',
  ...(encoding === undefined ? {} : { encoding }),
})

describe('a content', () => {
  it('takes exactly the blocks of one of two sizes that its length needs', () => {
    for (const [blocks, bytes] of [
      [1, 1],
      [1, BLOCK],
      [2, BLOCK + 1],
      [4_096, MAX_ATTACHMENT_BYTES],
    ] as const) {
      expect(contentComplaint(content(blocks, bytes), MAX_ATTACHMENT_BYTES)).toBeUndefined()
      expect(contentComplaint(content(blocks + 1, bytes), MAX_ATTACHMENT_BYTES)).toBeDefined()
    }
    expect(contentComplaint(content(1, BLOCK + 1), MAX_BODY_BYTES)).toBeDefined()
    for (const blocks of [2, 5]) {
      expect(contentComplaint(content(blocks, 4 * SMALL + 1), MAX_BODY_BYTES)).toBeUndefined()
    }
    for (const blocks of [1, 3, 4, 6]) {
      expect(contentComplaint(content(blocks, 4 * SMALL + 1), MAX_BODY_BYTES)).toBeDefined()
    }
  })

  it('with an encoding takes no more blocks than small ones without', () => {
    expect(contentComplaint(content(1, 3 * BLOCK, 'gzip'), MAX_BODY_BYTES)).toBeUndefined()
    expect(contentComplaint(content(12, 3 * BLOCK, 'gzip'), MAX_BODY_BYTES)).toBeUndefined()
    expect(contentComplaint(content(13, 3 * BLOCK, 'gzip'), MAX_BODY_BYTES)).toBeDefined()
  })

  it('has a decoded length within the limit, whatever its blocks', () => {
    expect(contentComplaint(content(1, MAX_BODY_BYTES, 'gzip'), MAX_BODY_BYTES)).toBeUndefined()
    expect(contentComplaint(content(1, MAX_BODY_BYTES + 1, 'gzip'), MAX_BODY_BYTES)).toBeDefined()
  })

  it('shares no block with another one', () => {
    const at = (block: number, blocks: number) => ({ ...content(blocks, 1), block })
    expect(overlap([at(5, 1), at(1, 2), at(3, 2)])).toBe(false)
    expect(overlap([at(3, 2), at(1, 3)])).toBe(true)
    expect(overlap([at(1, 1), at(1, 1)])).toBe(true)
    expect(overlap([at(1, 9), at(3, 1), at(20, 1)])).toBe(true)
  })

  it('lies behind the record before and ahead of its own', () => {
    const decode = (block: number) => {
      const body = { ...issueRecord().body, block }
      return decodeRecord(
        blockOf({ hyperletter: 1, ...issueRecord({ previous: [4, 0], body }) }),
        8,
      )
    }
    for (const block of [5, 6, 7]) expect(decode(block)).toMatchObject({ body: { block } })
    for (const block of [0, 3, 4, 8, 9]) {
      expect(() => decode(block)).toThrow(
        expect.objectContaining({ code: 'INVALID_RECORD' }) as Error,
      )
    }
  })
})

describe('an attachment name', () => {
  it.each(['tide.png', 'a/b/c.png', '図.png', '..a', 'a..', '...', 'my tide.png'])(
    'can be %j',
    (name) => {
      expect(attachmentName.safeParse(name).success).toBe(true)
    },
  )

  it.each([
    '',
    '.',
    '..',
    '../a',
    'a/..',
    'a/../b',
    '/a',
    'a/',
    'a//b',
    'a\\b',
    'c:a',
    'a\0',
    'a\nb',
  ])('cannot be %j', (name) => {
    expect(attachmentName.safeParse(name).success).toBe(false)
  })

  it('cannot hide its ending by reversing the text', () => {
    expect(attachmentName.safeParse('photo\u202egnp.exe').success).toBe(false)
  })
})
