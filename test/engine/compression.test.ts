import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decompress } from '../../src/engine/compression.ts'
import { collect } from '../../src/format/bytes.ts'
import { decodeContent } from '../../src/format/content/content-codec.ts'
import { expectCode } from '../helpers/errors.ts'

const MIB = 1024 * 1024
const BLOCK_BYTES = 64 * 1024

/** Of a few sizes, the last of which is unpacked piece by piece. */
const SIZES = [1, 100_000, 5 * MIB]

/** Something that does not compress to nothing. */
function contentOf(bytes: number): Buffer {
  return Buffer.from(
    Array.from({ length: Math.ceil(bytes / 8) }, (_, i) => (i * 7_919) % 1e8).join(' '),
  ).subarray(0, bytes)
}

async function* inBlocks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += BLOCK_BYTES)
    yield bytes.subarray(at, at + BLOCK_BYTES)
}

function unpack(zipped: Uint8Array, bytes: number): Promise<Uint8Array> {
  const content = {
    blocks: Math.ceil(zipped.byteLength / BLOCK_BYTES),
    bytes,
    block: 1,
    mediaType: 'text/markdown',
    encoding: 'gzip',
  }
  return collect(decodeContent(inBlocks(zipped), content, decompress))
}

describe.each(SIZES)('gzip of %i bytes', (size) => {
  const bytes = contentOf(size)
  const empty = gzipSync('')

  it('is unpacked', async () => {
    expect(Buffer.compare(await unpack(gzipSync(bytes), bytes.byteLength), bytes)).toBe(0)
  })

  it('is unpacked if its header has every field', async () => {
    const zipped = gzipSync(bytes)
    const fields = [3, 0, ...Buffer.from('xyz'), ...Buffer.from('name\0comment\0'), 1, 2]
    const header = Buffer.from([
      ...zipped.subarray(0, 3),
      2 + 4 + 8 + 16,
      ...zipped.subarray(4, 10),
      ...fields,
    ])
    const unpacked = await unpack(Buffer.concat([header, zipped.subarray(10)]), bytes.byteLength)
    expect(Buffer.compare(unpacked, bytes)).toBe(0)
  })

  it.each([
    ['a second member', [gzipSync(bytes), gzipSync('x')], 1],
    ['an empty second member', [gzipSync(bytes), empty], 0],
    ['an empty first member', [empty, gzipSync(bytes)], 0],
    ['a member as long as the first', [gzipSync(bytes), gzipSync(bytes)], bytes.byteLength],
    ['a byte behind it', [gzipSync(bytes), Buffer.alloc(1)], 0],
    ['zeros behind it', [gzipSync(bytes), Buffer.alloc(2 * BLOCK_BYTES)], 0],
    ['a trailer cut off', [gzipSync(bytes).subarray(0, -3)], 0],
    [
      'a wrong checksum',
      [gzipSync(bytes).subarray(0, -8), Buffer.alloc(4), gzipSync(bytes).subarray(-4)],
      0,
    ],
    ['a header without an end', [Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, 1])], 0],
    ['no gzip', [Buffer.from('plain')], 0],
  ])('is refused with %s', async (_, parts, more) => {
    const unpacking = unpack(Buffer.concat(parts), bytes.byteLength + more)
    await expectCode(
      unpacking.then((it) => it.byteLength),
      'INVALID_RECORD',
    )
  })
})
