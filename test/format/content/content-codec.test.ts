import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collect } from '../../../src/format/bytes.ts'
import {
  Contents,
  decodeContent,
  encodeContent,
} from '../../../src/format/content/content-codec.ts'
import { HyperletterError } from '../../../src/errors.ts'
import {
  CONTENT_BLOCK_BYTES,
  MAX_BODY_BYTES,
  SMALL_BLOCK_BYTES,
  type Content,
} from '../../../src/format/records/bodies.ts'
import { expectCode } from '../../helpers/errors.ts'

const text = (value: string) => new TextEncoder().encode(value)

function decode(blocks: Iterable<Uint8Array>, content: Content): Promise<Uint8Array> {
  return collect(decodeContent(blocks, content))
}

/** Encodes and gives the blocks with the content that a record would say of them. */
async function placed(bytes: Uint8Array, mediaType: string) {
  const { blocks, ...said } = await encodeContent(bytes, mediaType)
  return { blocks, content: { block: 1, blocks: blocks.length, ...said } satisfies Content }
}

/** Gzip data as content blocks, said to be `bytes` long when decoded. */
function zipped(data: Uint8Array, bytes: number) {
  const blocks = []
  for (let at = 0; at < data.byteLength; at += CONTENT_BLOCK_BYTES) {
    blocks.push(data.subarray(at, at + CONTENT_BLOCK_BYTES))
  }
  const content = { block: 1, blocks: blocks.length, bytes, mediaType: 'text/markdown' }
  return { blocks, content: { ...content, encoding: 'gzip' } satisfies Content }
}

describe('round trip', () => {
  const mediaType = fc.constantFrom('text/markdown', 'image/svg+xml', 'image/png')

  test('gives back any bytes of any media type', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 4_096 }),
        mediaType,
        async (bytes, type) => {
          const { blocks, content } = await placed(bytes, type)
          expect(await decode(blocks, content)).toEqual(bytes)
          expect(content.bytes).toBe(bytes.byteLength)
        },
      ),
      { numRuns: 200 },
    )
  })

  test.each([-1, 0, 1])('gives back bytes that end %i beside a block boundary', async (beside) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.nat(255), async (count, seed) => {
        const length = count * SMALL_BLOCK_BYTES + beside
        const bytes = Uint8Array.from({ length }, (_, i) => (i * 31 + seed) ^ (i >> 7))
        const { blocks, content } = await placed(bytes, 'image/png')
        expect(blocks).toHaveLength(Math.ceil(length / SMALL_BLOCK_BYTES))
        expect(blocks.slice(0, -1).every((it) => it.byteLength === SMALL_BLOCK_BYTES)).toBe(true)
        expect(Buffer.compare(await decode(blocks, content), bytes)).toBe(0)
      }),
      { numRuns: 10 },
    )
  })

  test.each([
    [4 * 1024 * 1024, SMALL_BLOCK_BYTES],
    [4 * 1024 * 1024 + 1, CONTENT_BLOCK_BYTES],
  ])('gives back %i bytes, in blocks of %i', async (length, size) => {
    const bytes = randomBytes(length)
    const { blocks, content } = await placed(bytes, 'image/png')
    expect(blocks).toHaveLength(Math.ceil(length / size))
    expect(blocks[0]).toHaveLength(size)
    expect(Buffer.compare(await decode(blocks, content), bytes)).toBe(0)
  })

  test('gives back compressed text of several blocks', async () => {
    const words = Array.from({ length: 60_000 }, (_, i) =>
      ((i * 2_654_435_761) % 4_294_967_296).toString(36),
    )
    const bytes = text(words.join(' '))
    const { blocks, content } = await placed(bytes, 'text/markdown')
    expect(content.encoding).toBe('gzip')
    expect(blocks.length).toBeGreaterThan(1)
    expect(Buffer.compare(await decode(blocks, content), bytes)).toBe(0)
  })
})

describe('encodeContent', () => {
  test('compresses text that becomes smaller', async () => {
    const { blocks, encoding, bytes } = await encodeContent(
      text('tide '.repeat(1_000)),
      'text/markdown',
    )
    expect({ encoding, bytes }).toEqual({ encoding: 'gzip', bytes: 5_000 })
    expect(blocks[0]?.byteLength).toBeLessThan(200)
  })

  test('leaves text alone that would become larger', async () => {
    const encoded = await encodeContent(text('Low water.'), 'text/markdown')
    expect(encoded.encoding).toBeUndefined()
    expect(encoded.blocks).toEqual([text('Low water.')])
  })

  test('leaves pictures alone, which are compressed already', async () => {
    const encoded = await encodeContent(new Uint8Array(10_000), 'image/png')
    expect(encoded.encoding).toBeUndefined()
    expect(encoded.blocks[0]?.byteLength).toBe(10_000)
  })

  test('refuses empty content', async () => {
    await expectCode(encodeContent(new Uint8Array(), 'text/markdown'), 'INVALID_INPUT')
  })
})

describe('decodeContent', () => {
  test('cuts a gzip bomb off at the declared length', async () => {
    const bomb = zipped(gzipSync(new Uint8Array(256 * 1024 * 1024), { level: 1 }), MAX_BODY_BYTES)
    const before = process.memoryUsage().rss
    await expectCode(decode(bomb.blocks, bomb.content), 'INVALID_RECORD')
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
  })

  test('refuses one byte more than declared', async () => {
    const { blocks, content } = zipped(gzipSync(text('12345')), 4)
    await expectCode(decode(blocks, content), 'INVALID_RECORD')
  })

  test('refuses one byte less than declared', async () => {
    const { blocks, content } = zipped(gzipSync(text('12345')), 6)
    await expectCode(decode(blocks, content), 'INVALID_RECORD')
  })

  test.each([
    ['is not gzip', text('this is not gzip at all')],
    [
      'has a wrong checksum',
      Buffer.concat([
        gzipSync(text('12345')).subarray(0, -8),
        text('1234'),
        gzipSync(text('12345')).subarray(-4),
      ]),
    ],
    ['stops early', gzipSync(text('12345')).subarray(0, -9)],
    ['is followed by other bytes', Buffer.concat([gzipSync(text('12345')), text('more')])],
  ])('refuses compressed content that %s', async (_, data) => {
    const { blocks, content } = zipped(data, 5)
    await expectCode(decode(blocks, content), 'INVALID_RECORD')
  })

  test('refuses arbitrary bytes in the place of compressed content, and never fails otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (data) => {
        const { blocks, content } = zipped(data, 50)
        await expectCode(decode(blocks, content), 'INVALID_RECORD')
      }),
    )
  })

  test('refuses an encoding that it does not know', async () => {
    const { blocks, content } = zipped(gzipSync(text('12345')), 5)
    await expectCode(decode(blocks, { ...content, encoding: 'zstd' }), 'INVALID_RECORD')
  })

  test.each([-1, 1])('refuses %i blocks beside the declared number', async (beside) => {
    const { blocks, content } = await placed(new Uint8Array(3 * SMALL_BLOCK_BYTES), 'image/png')
    const found = beside < 0 ? blocks.slice(0, beside) : [...blocks, new Uint8Array(beside)]
    await expectCode(decode(found, content), 'INVALID_RECORD')
  })

  test.each([-1, 1])(
    'refuses plain content with %i bytes beside the declared number',
    async (beside) => {
      const { blocks, content } = await placed(new Uint8Array(100), 'image/png')
      await expectCode(decode(blocks, { ...content, bytes: 100 + beside }), 'INVALID_RECORD')
    },
  )

  test('refuses blocks that have the right sum but the wrong lengths', async () => {
    const { content } = await placed(new Uint8Array(SMALL_BLOCK_BYTES + 10), 'image/png')
    const shifted = [new Uint8Array(SMALL_BLOCK_BYTES - 1), new Uint8Array(11)]
    await expectCode(decode(shifted, content), 'INVALID_RECORD')
  })

  test('refuses plain content whose blocks have the other size', async () => {
    const { blocks, content } = await placed(new Uint8Array(5 * SMALL_BLOCK_BYTES), 'image/png')
    await expectCode(decode(blocks, { ...content, blocks: 2 }), 'INVALID_RECORD')
  })
})

describe('the lengths of blocks', () => {
  const stored = gzipSync(randomBytes(100_000))
  const cut = (at: number) => [stored.subarray(0, at), stored.subarray(at)]

  test('is free for the last block of compressed content only', async () => {
    const content = { ...zipped(stored, 100_000).content, blocks: 2 }
    expect(await decode(cut(CONTENT_BLOCK_BYTES), content)).toHaveLength(100_000)
    await expectCode(decode(cut(CONTENT_BLOCK_BYTES - 1), content), 'INVALID_RECORD')
    await expectCode(decode(cut(CONTENT_BLOCK_BYTES + 1), content), 'INVALID_RECORD')
  })

  test('may be small ones of compressed content, all of them then', async () => {
    const small = (blocks: readonly Uint8Array[]) =>
      decode(blocks, { ...zipped(stored, 100_000).content, blocks: blocks.length })
    const cuts = [0, 1, 2, 3, 4, 5, 6].map((it) =>
      stored.subarray(it * SMALL_BLOCK_BYTES, (it + 1) * SMALL_BLOCK_BYTES),
    )
    expect(await small(cuts)).toHaveLength(100_000)
    await expectCode(
      small([...cuts.slice(0, 1), ...cut(SMALL_BLOCK_BYTES).slice(1)]),
      'INVALID_RECORD',
    )
  })

  test('refuses an empty last block', async () => {
    const full = zipped(gzipSync(text('12345')), 5)
    const content = { ...full.content, blocks: 1 }
    await expectCode(decode([new Uint8Array()], content), 'INVALID_RECORD')
  })
})

describe('decodeContent piece by piece', () => {
  test('takes no block before a piece is wanted, and none after the last one wanted', async () => {
    const { blocks, content } = await placed(new Uint8Array(5 * CONTENT_BLOCK_BYTES), 'image/png')
    let taken = 0
    function* counted() {
      for (const block of blocks) {
        taken++
        yield block
      }
    }
    const pieces = decodeContent(counted(), content)
    expect(taken).toBe(0)
    await pieces.next()
    await pieces.return(undefined)
    expect(taken).toBe(1)
  })

  test('hands on the failure of the blocks as it is', async () => {
    const { content } = zipped(gzipSync(text('12345')), 5)
    // oxlint-disable-next-line require-yield
    async function* failing(): AsyncGenerator<Uint8Array> {
      throw await Promise.resolve(new HyperletterError('NOT_AVAILABLE', 'Not here.'))
    }
    await expectCode(collect(decodeContent(failing(), content)), 'NOT_AVAILABLE')
  })
})

describe('an attachment from a byte on', () => {
  test.each([
    ['image/png', 5.5 * CONTENT_BLOCK_BYTES],
    ['image/png', 2.2 * SMALL_BLOCK_BYTES],
    ['image/png', 100],
    ['text/plain', 3 * CONTENT_BLOCK_BYTES],
  ])(
    'of %s, %d bytes, is its end, and reads no block before that it need not',
    async (type, size) => {
      const bytes = Buffer.alloc(size, 'high water ')
      const { blocks, content } = await placed(bytes, type)
      const read: number[] = []
      const contents = new Contents({
        length: blocks.length + 1,
        read: (index) => {
          read.push(index)
          return Promise.resolve(blocks[index - 1] ?? new Uint8Array())
        },
      })
      const attachment = { ...content, name: 'a' }
      for (const from of [0, 1, SMALL_BLOCK_BYTES, size >> 1, size - 1, size, size + 1]) {
        const rest = await collect(contents.attachment(attachment, {}, from))
        expect(bytes.subarray(from).equals(rest)).toBe(true)
      }
      read.length = 0
      await collect(contents.attachment(attachment, {}, size - 1))
      expect(read).toEqual(
        content.encoding === undefined ? [blocks.length] : blocks.map((_, i) => i + 1),
      )
    },
  )
})
