export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false
  return true
}

/** The bytes of all parts in one array; a copy, unless there is only one part. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return only
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.byteLength
  }
  return whole
}

/** Pieces as they arrive, in one array. */
export async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return concat(all)
}

/** What a stream holds, as it arrives. An iteration that ends early ends the stream. */
export async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  // By hand: in Safari, streams cannot be iterated over.
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

/** An unsigned 64-bit number, little-endian. @param value an integer up to 2^53 - 1. @param bytes where to write it. */
export function uint64(value: number, bytes = new DataView(new ArrayBuffer(8))): Uint8Array {
  bytes.setUint32(0, value % 2 ** 32, true)
  bytes.setUint32(4, Math.floor(value / 2 ** 32), true)
  return new Uint8Array(bytes.buffer)
}

/** What `uint64` wrote. @throws RangeError over 2^53 - 1, or where there are no 8 bytes */
export function uint64At(bytes: Uint8Array, at: number): number {
  const value = new DataView(bytes.buffer, bytes.byteOffset + at, 8).getBigUint64(0, true)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('A number is too large')
  return Number(value)
}
