import { unzip } from '../content/content-codec.ts'
import { concat } from '../bytes.ts'
import { invalidLog, MAX_RECORDS_BYTES, RECORD_HEAD_BYTES, TILE_BLOCKS } from './layout.ts'

/** Records of one tile, each with its place in it. */
export type TileRecords = ReadonlyMap<number, Uint8Array>

/** What a file of records holds, before it is compressed. */
export function encodeRecords(records: TileRecords): Uint8Array {
  const parts: Uint8Array[] = []
  for (const [place, block] of records) {
    const head = new DataView(new ArrayBuffer(RECORD_HEAD_BYTES))
    head.setUint16(0, place, true)
    head.setUint32(2, block.byteLength, true)
    parts.push(new Uint8Array(head.buffer), block)
  }
  return concat(parts)
}

/**
 * Unpacks a file of records. Whether they are what the author signed is for the caller to check.
 * @throws INVALID_LOG
 */
export async function decodeRecords(zipped: Uint8Array): Promise<Map<number, Uint8Array>> {
  const bytes = await unzipped(zipped)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records = new Map<number, Uint8Array>()
  let before = -1
  for (let at = 0; at < bytes.byteLength;) {
    if (at + RECORD_HEAD_BYTES > bytes.byteLength) throw invalid()
    const place = view.getUint16(at, true)
    const size = view.getUint32(at + 2, true)
    at += RECORD_HEAD_BYTES
    if (place <= before || place >= TILE_BLOCKS || at + size > bytes.byteLength) throw invalid()
    records.set(place, bytes.subarray(at, at + size))
    before = place
    at += size
  }
  return records
}

async function unzipped(zipped: Uint8Array): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  const source = async function* () {
    yield await Promise.resolve(zipped)
  }
  try {
    for await (const part of unzip(source())) {
      bytes += part.byteLength
      if (bytes > MAX_RECORDS_BYTES) throw invalid()
      parts.push(part)
    }
  } catch (cause) {
    throw invalid(cause)
  }
  return concat(parts)
}

function invalid(cause?: unknown) {
  return invalidLog('A file of records is damaged.', cause)
}
