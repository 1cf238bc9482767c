import { promisify } from 'node:util'
import { gunzipSync, gzip, gzipSync } from 'node:zlib'
import { collect, unzip } from '../format/content/content-codec.ts'

/**
 * Up to here, compressing at once takes less time than handing the bytes to another thread and back:
 * the text of an issue takes 0.2 ms, and an import has hundreds.
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
 * Undoes gzip: at once up to 4 MiB, which a body never exceeds, else piece by piece. The first use of
 * the platform's stream alone takes 8 ms, a third of the time a reader waits for a new issue.
 * @param limitBytes of output, after which it fails.
 */
export async function* decompress(
  parts: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<Uint8Array> {
  if (limitBytes > WHOLE_BYTES) {
    yield* unzip(parts)
    return
  }
  const zipped = await collect(parts)
  const { buffer, engine } = gunzipSync(zipped, {
    maxOutputLength: limitBytes,
    info: true,
  }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
  if (engine.bytesWritten !== zipped.byteLength) throw new Error('Something follows the gzip data.')
  yield buffer
}
