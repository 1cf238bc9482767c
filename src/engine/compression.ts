import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { crc32, createInflateRaw, gzip, gzipSync, inflateRawSync } from 'node:zlib'
import { collect } from '../format/bytes.ts'

/**
 * Up to here, compressing at once takes less time than handing the bytes to another thread and back, and half of the
 * processor time: the text of an issue takes 0.2 ms, and an import has hundreds.
 */
const AT_ONCE_BYTES = 256 * 1024

/** Up to here, content is unpacked in one piece. */
const WHOLE_BYTES = 4 * 1024 * 1024

/** Level 4 takes three quarters of the time of the default on newsletters, for 2 % more bytes. */
const OPTIONS = { level: 4 }

const gzipElsewhere = promisify(gzip)

/** gzip for content that is published from this machine. */
export function compress(bytes: Uint8Array): Uint8Array | Promise<Uint8Array> {
  return bytes.byteLength <= AT_ONCE_BYTES
    ? gzipSync(bytes, OPTIONS)
    : gzipElsewhere(bytes, OPTIONS)
}

/**
 * Undoes gzip of exactly one member: at once up to 4 MiB, which a body never exceeds, else piece by piece.
 * The first use of the platform's stream alone takes 8 ms, a third of the time a reader waits for a new issue.
 * The platform's own gzip takes any number of members; so it gets what lies between header and trailer.
 * @param limitBytes of output, after which it fails.
 * @throws Error if it is no gzip, or if anything follows the member.
 */
export async function* decompress(
  parts: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<Uint8Array> {
  if (limitBytes > WHOLE_BYTES) {
    yield* inflatePieces(parts)
    return
  }
  const zipped = await collect(parts)
  const deflated = zipped.subarray(headerLength(zipped))
  const { buffer, engine } = inflateRawSync(deflated, {
    maxOutputLength: limitBytes,
    info: true,
  }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
  checkTrailer(deflated.subarray(engine.bytesWritten), buffer.byteLength, crc32(buffer))
  yield buffer
}

async function* inflatePieces(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw()
  let deflatedBytes = 0
  let end: Uint8Array = new Uint8Array()
  async function* deflated(): AsyncGenerator<Uint8Array> {
    let isFirst = true
    for await (const part of parts) {
      if (deflatedBytes > inflate.bytesWritten + TRAILER_BYTES && inflate.readableEnded)
        throw follows()
      const piece = isFirst ? part.subarray(headerLength(part)) : part
      isFirst = false
      deflatedBytes += piece.byteLength
      end = Buffer.concat([end, piece]).subarray(-TRAILER_BYTES)
      yield piece
    }
  }
  const feeding = pipeline(deflated, inflate)
  // What fails there comes out of the stream too.
  feeding.catch(() => undefined)
  let bytes = 0
  let checksum = 0
  for await (const part of inflate as AsyncIterable<Uint8Array>) {
    bytes += part.byteLength
    checksum = crc32(part, checksum)
    yield part
  }
  await feeding
  if (deflatedBytes - inflate.bytesWritten > TRAILER_BYTES) throw follows()
  checkTrailer(end, bytes, checksum)
}

/** Of a gzip member (RFC 1952 §2.3): CRC and length of what it holds, each of four bytes. */
const TRAILER_BYTES = 8

const FLAGS = { headerCrc: 2, extra: 4, name: 8, comment: 16 }

/** Length of the header of a gzip member (RFC 1952 §2.3). @throws Error if there is none. */
function headerLength(bytes: Uint8Array): number {
  const [id1, id2, method, flags = 0] = bytes
  if (id1 !== 0x1f || id2 !== 0x8b || method !== 8 || flags > 31)
    throw new Error('This is no gzip.')
  let at = 10
  if (flags & FLAGS.extra) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0)
  for (const flag of [FLAGS.name, FLAGS.comment]) {
    if (flags & flag) at = bytes.indexOf(0, at) + 1 || Infinity
  }
  if (flags & FLAGS.headerCrc) at += 2
  if (at > bytes.byteLength) throw new Error('The gzip header does not end.')
  return at
}

function checkTrailer(trailer: Uint8Array, bytes: number, checksum: number): void {
  if (trailer.byteLength > TRAILER_BYTES) throw follows()
  const view = new DataView(trailer.buffer, trailer.byteOffset, trailer.byteLength)
  if (view.getUint32(0, true) === checksum && view.getUint32(4, true) === bytes % 2 ** 32) return
  throw new Error('The gzip data is damaged.')
}

function follows(): Error {
  return new Error('Something follows the gzip data.')
}
