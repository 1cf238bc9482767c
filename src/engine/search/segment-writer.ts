import { ByteWriter } from './bytes.ts'
import { Segment } from './segment.ts'

/** Writes a segment: terms in their order, each with its documents in theirs. */
export class SegmentWriter {
  readonly #terms = new ByteWriter()
  readonly #postings = new ByteWriter()
  readonly #termOffsets = [0]
  readonly #postingOffsets = [0]
  #lastDocument = -1

  posting(document: number, frequency: number): void {
    this.#postings.number(document - this.#lastDocument)
    this.#postings.number(frequency)
    this.#lastDocument = document
  }

  /** Ends the postings written since the term before. A term without any is left out. */
  term(term: string): void {
    if (this.#lastDocument < 0) return
    this.#terms.text(term)
    this.#termOffsets.push(this.#terms.length)
    this.#postingOffsets.push(this.#postings.length)
    this.#lastDocument = -1
  }

  finish(lengths: readonly number[]): Segment {
    const terms = this.#terms.written()
    const postings = this.#postings.written()
    const header = [this.#termOffsets.length - 1, lengths.length, terms.length, postings.length]
    const words = Uint32Array.from(
      [header, this.#termOffsets, this.#postingOffsets, lengths].flat(),
    )
    const bytes = new Uint8Array(words.byteLength + terms.length + postings.length)
    bytes.set(new Uint8Array(words.buffer))
    bytes.set(terms, words.byteLength)
    bytes.set(postings, words.byteLength + terms.length)
    return new Segment(bytes)
  }
}

/**
 * One segment out of several, without some documents.
 * @param keep whether a document of a segment stays; those that stay keep their order.
 */
export function mergeSegments(
  segments: readonly Segment[],
  keep: (segment: number, document: number) => boolean,
): Segment {
  const lengths: number[] = []
  const renumbered = segments.map((segment, i) =>
    Int32Array.from(segment.lengths, (length, document) =>
      keep(i, document) ? lengths.push(length) - 1 : -1,
    ),
  )
  const writer = new SegmentWriter()
  const cursors = segments.map((segment) => ({ segment, at: 0, term: firstTerm(segment) }))
  for (;;) {
    let next: string | undefined
    for (const { term } of cursors) {
      if (term !== undefined && (next === undefined || term < next)) next = term
    }
    if (next === undefined) return writer.finish(lengths)
    for (const [i, cursor] of cursors.entries()) {
      if (cursor.term !== next) continue
      const numbers = renumbered[i]
      cursor.segment.eachPosting(cursor.at, (document, frequency) => {
        const number = numbers?.[document] ?? -1
        if (number >= 0) writer.posting(number, frequency)
      })
      cursor.at++
      cursor.term =
        cursor.at < cursor.segment.termCount ? cursor.segment.term(cursor.at) : undefined
    }
    writer.term(next)
  }
}

function firstTerm(segment: Segment): string | undefined {
  return segment.termCount > 0 ? segment.term(0) : undefined
}
