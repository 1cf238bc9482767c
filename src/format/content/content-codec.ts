import { HyperletterError, invalidInput } from '../../errors.ts'
import { collect, piecesOf } from '../bytes.ts'
import {
  blockBytesOf,
  CONTENT_BLOCK_BYTES,
  SMALL_BLOCK_BYTES,
  type Content,
  type Attachment,
} from '../records/bodies.ts'
import { readRange, type BlockSource, type ReadOptions } from '../log.ts'
import type { Edition } from '../history/corrections.ts'

/** Up to this length, as stored, a content has small blocks: enough of them that many readers can share its transfer. */
const MOST_SMALL_BYTES = 4 * 1024 * 1024

/** A content ready to be appended: its blocks as stored, and what its record will say of it. */
export interface EncodedContent {
  readonly blocks: readonly Uint8Array[]
  /** Decoded length. */
  readonly bytes: number
  readonly mediaType: string
  readonly encoding?: 'gzip'
}

/**
 * Bytes as content blocks. Text is stored as gzip where that makes it smaller; other media types
 * (pictures, sound) are compressed already and stored as they are.
 * @param compress gzip; the platform's own is at hand everywhere, a faster one may be where files are.
 * @throws INVALID_INPUT for empty content, which the format does not have.
 */
export async function encodeContent(
  bytes: Uint8Array,
  mediaType: string,
  compress: Compress = gzip,
): Promise<EncodedContent> {
  if (bytes.byteLength === 0) throw invalidInput('Content cannot be empty.')
  const plain = { bytes: bytes.byteLength, mediaType }
  if (mediaType.startsWith('text/') || mediaType === 'image/svg+xml') {
    const zipped = await compress(bytes)
    if (zipped.byteLength < bytes.byteLength) {
      return { ...plain, blocks: split(zipped), encoding: 'gzip' }
    }
  }
  return { ...plain, blocks: split(bytes) }
}

/** Bytes → one gzip member (RFC 1952). */
export type Compress = (bytes: Uint8Array) => Promise<Uint8Array> | Uint8Array

/** One gzip member in pieces → what it holds, which may be cut off above `limitBytes`. */
export type Decompress = (
  parts: AsyncIterable<Uint8Array>,
  limitBytes: number,
) => AsyncIterable<Uint8Array>

type Blocks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/**
 * The bytes of a content, piece by piece, given its blocks in order. The declared length is a limit
 * before it is a promise: a gzip bomb is cut off as soon as it exceeds it.
 * @throws INVALID_RECORD if the blocks do not decode to exactly `content.bytes` bytes.
 */
export async function* decodeContent(
  blocks: Blocks,
  content: Content,
  decompress: Decompress = unzip,
): AsyncGenerator<Uint8Array> {
  const checked = checkBlocks(blocks, content)
  let bytes = 0
  for await (const part of content.encoding === undefined
    ? checked
    : decode(checked, content, decompress)) {
    bytes += part.byteLength
    if (bytes > content.bytes) throw lie(content, `at least ${bytes}`)
    yield part
  }
  if (bytes !== content.bytes) throw lie(content, `${bytes}`)
}

// All blocks but the last have one size; the last of an unencoded content is as long as the rest says.
async function* checkBlocks(blocks: Blocks, content: Content): AsyncGenerator<Uint8Array> {
  const last = content.blocks - 1
  const isPlain = content.encoding === undefined
  let size = isPlain ? blockBytesOf(content) : undefined
  let offset = 0
  for await (const block of blocks) {
    const { byteLength } = block
    // Of a content whose stored length is not known, the first of several blocks shows the size.
    size ??=
      !isPlain && last > 0 && byteLength === SMALL_BLOCK_BYTES ? byteLength : CONTENT_BLOCK_BYTES
    const isRight =
      offset < last
        ? byteLength === size
        : isPlain
          ? byteLength === content.bytes - last * size
          : byteLength > 0 && byteLength <= size
    if (offset > last || !isRight) throw lie(content, `${byteLength} in its block ${offset}`)
    offset++
    yield block
  }
  if (offset !== content.blocks) throw lie(content, `${offset} blocks`)
}

async function* decode(
  blocks: AsyncGenerator<Uint8Array>,
  { encoding = '', bytes }: Content,
  decompress: Decompress,
): AsyncGenerator<Uint8Array> {
  if (encoding !== 'gzip') {
    const message = `This version cannot undo the encoding "${encoding}".`
    throw new HyperletterError('INVALID_RECORD', message, {
      hint: 'A newer version of Hyperletter may read it.',
    })
  }
  try {
    yield* decompress(blocks, bytes)
  } catch (cause) {
    // Failures of the blocks themselves come through as they are; what zlib says becomes a code.
    if (cause instanceof HyperletterError) throw cause
    throw new HyperletterError('INVALID_RECORD', 'The content is not valid gzip data.', { cause })
  }
}

/** Undoes gzip piece by piece, with what every platform has. */
export function unzip(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  return through(parts, new DecompressionStream('gzip'))
}

/** Bytes as one gzip member, with what every platform has. */
export function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  return collect(through([bytes], new CompressionStream('gzip')))
}

async function* through(
  parts: Blocks,
  { writable, readable }: CompressionStream | DecompressionStream,
): AsyncGenerator<Uint8Array> {
  const writing = write(parts, writable.getWriter())
  yield* piecesOf(readable as ReadableStream<Uint8Array>)
  await writing
}

// Piece by piece, as Safari has no `ReadableStream.from`. Never rejects: what fails here fails the reading side.
async function write(
  parts: Blocks,
  writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>,
): Promise<void> {
  try {
    for await (const part of parts) await writer.write(part as Uint8Array<ArrayBuffer>)
    await writer.close()
  } catch (error) {
    await writer.abort(error).catch(() => undefined)
  }
}

function split(bytes: Uint8Array): Uint8Array[] {
  const size = bytes.byteLength <= MOST_SMALL_BYTES ? SMALL_BLOCK_BYTES : CONTENT_BLOCK_BYTES
  const blocks = []
  for (let start = 0; start < bytes.byteLength; start += size) {
    blocks.push(bytes.subarray(start, start + size))
  }
  return blocks
}

function lie(content: Content, found: string): HyperletterError {
  const message = `A content claims ${content.bytes} bytes in ${content.blocks} blocks, but has ${found}.`
  return new HyperletterError('INVALID_RECORD', message)
}

/** The contents that the records of one log describe. */
export class Contents {
  readonly #log: BlockSource
  readonly #decompress: Decompress | undefined

  /** @param decompress a faster gunzip than the platform's stream, where there is one. */
  constructor(log: BlockSource, decompress?: Decompress) {
    this.#log = log
    this.#decompress = decompress
  }

  /** A body as text. @throws NOT_AVAILABLE, INVALID_RECORD if it is not what the record says. */
  async body({ record }: Edition, options?: ReadOptions): Promise<string> {
    const { body } = record
    // All blocks of a body are asked for at once: it is small, and somebody waits for it.
    const range = { start: body.block, end: body.block + body.blocks }
    const blocks = await readRange(this.#log, range, options)
    const bytes = await collect(decodeContent(blocks, body, this.#decompress))
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch (cause) {
      const message = `The text of issue ${record.number} is not UTF-8.`
      throw new HyperletterError('INVALID_RECORD', message, { cause })
    }
  }

  /**
   * An attachment, piece by piece as its blocks arrive.
   * @param from bytes at its beginning that are left out; what is stored as it is needs no block of them.
   * @throws NOT_AVAILABLE, INVALID_RECORD
   */
  async *attachment(
    attachment: Attachment,
    options?: ReadOptions,
    from = 0,
  ): AsyncGenerator<Uint8Array> {
    const { block, blocks, bytes, encoding } = attachment
    const size = encoding === undefined ? (blockBytesOf(attachment) ?? bytes) : bytes
    const passed = Math.min(Math.floor(from / size), blocks - 1)
    const rest = {
      ...attachment,
      block: block + passed,
      blocks: blocks - passed,
      bytes: bytes - passed * size,
    }
    let left = from - passed * size
    for await (const part of decodeContent(this.#blocks(rest, options), rest, this.#decompress)) {
      if (left < part.byteLength) yield part.subarray(left)
      left = Math.max(0, left - part.byteLength)
    }
  }

  async *#blocks({ block, blocks }: Content, options?: ReadOptions): AsyncGenerator<Uint8Array> {
    // Asked for ahead of the reading, or each block would cost a round trip.
    const ahead = this.#log.fetch?.({ start: block, end: block + blocks })
    try {
      for (let index = block; index < block + blocks; index++) {
        yield await this.#log.read(index, options)
      }
    } finally {
      ahead?.destroy()
    }
  }
}
