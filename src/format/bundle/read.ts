import { concat, equal } from '../bytes.ts'
import * as format from './format.ts'

/** What a bundle has of one block: the block, as it is stored, or only its leaf. */
export type Frame =
  | { readonly block: Uint8Array }
  | { readonly block?: undefined; readonly hash: Uint8Array; readonly sizeBytes: number }

/** A bundle that is being read. Nothing in it has been verified. */
export interface OpenBundle {
  readonly header: format.BundleHeader
  /** One frame for each block of the log, in order. Throws INVALID_BUNDLE. */
  readonly frames: AsyncGenerator<Frame>
}

/** Reads the header, and then frame after frame with no more than one in memory. @throws INVALID_BUNDLE */
export async function openBundle(source: AsyncIterable<Uint8Array>): Promise<OpenBundle> {
  const reader = new ByteReader(source)
  const { HEADER_BYTES, MAGIC } = format
  // Whatever is not a bundle at all should be called so, also if it is short.
  if (!(await reader.fill(MAGIC.byteLength)) || !equal(reader.peek(MAGIC.byteLength), MAGIC))
    throw format.invalid('It is no bundle of a newsletter.')
  if (!(await reader.fill(HEADER_BYTES))) throw cutShort()
  const header = format.decodeHeader(reader.take(HEADER_BYTES))
  return { header, frames: readFrames(reader, header.length) }
}

async function* readFrames(reader: ByteReader, length: number): AsyncGenerator<Frame> {
  const need = async (sizeBytes: number): Promise<Uint8Array> => {
    if (reader.available < sizeBytes && !(await reader.fill(sizeBytes))) throw cutShort()
    return reader.take(sizeBytes)
  }
  for (let index = 0; index < length; index++) {
    const head = await need(format.FRAME_HEAD_BYTES)
    const size = new DataView(head.buffer, head.byteOffset, head.byteLength).getUint32(0, true)
    if (size === format.LEAF_MARK) {
      const leaf = await need(format.LEAF_BYTES)
      const sizeBytes = format.readNumber(leaf, 0)
      if (sizeBytes > format.MAX_BLOCK_BYTES) throw tooLarge(sizeBytes, index)
      yield { hash: leaf.subarray(format.LEAF_BYTES - 32), sizeBytes }
    } else {
      if (size > format.MAX_BLOCK_BYTES) throw tooLarge(size, index)
      yield { block: await need(size) }
    }
  }
  if (await reader.fill(1)) throw format.invalid('Something follows behind its end.')
}

function cutShort() {
  return format.invalid('It was cut short.')
}

function tooLarge(sizeBytes: number, index: number) {
  return format.invalid(`It claims ${sizeBytes} bytes for block ${index}.`)
}

/** Bytes that arrive in pieces of any size, taken in pieces of other sizes. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>
  #bytes: Uint8Array = new Uint8Array()
  #offset = 0

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  get available(): number {
    return this.#bytes.byteLength - this.#offset
  }

  /** Waits until this many bytes are available; false if the source ends before. */
  async fill(sizeBytes: number): Promise<boolean> {
    if (this.available >= sizeBytes) return true
    const parts = [this.#bytes.subarray(this.#offset)]
    let available = this.available
    while (available < sizeBytes) {
      const next = await this.#source.next()
      if (next.done === true) break
      parts.push(next.value)
      available += next.value.byteLength
    }
    this.#bytes = concat(parts)
    this.#offset = 0
    return available >= sizeBytes
  }

  peek(sizeBytes: number): Uint8Array {
    return this.#bytes.subarray(this.#offset, this.#offset + sizeBytes)
  }

  take(sizeBytes: number): Uint8Array {
    const bytes = this.peek(sizeBytes)
    this.#offset += sizeBytes
    return bytes
  }
}
