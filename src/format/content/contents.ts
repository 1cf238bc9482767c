import { HyperletterError } from '../../errors.ts'
import { collect } from '../bytes.ts'
import type { Attachment, Content } from '../records/content.ts'
import { readRange, type BlockSource, type ReadOptions } from '../log.ts'
import { decodeContent, type Decompress } from './content-codec.ts'
import type { Edition } from '../history/corrections.ts'

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
    const blocks = await readRange(
      this.#log,
      { start: body.block, end: body.block + body.blocks },
      options,
    )
    const bytes = await collect(decodeContent(blocks, body, this.#decompress))
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    } catch (cause) {
      throw new HyperletterError(
        'INVALID_RECORD',
        `The text of issue ${record.number} is not UTF-8.`,
        { cause },
      )
    }
  }

  /** An attachment, piece by piece as its blocks arrive. @throws NOT_AVAILABLE, INVALID_RECORD */
  attachment(attachment: Attachment, options?: ReadOptions): AsyncGenerator<Uint8Array> {
    return decodeContent(this.#blocks(attachment, options), attachment, this.#decompress)
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
