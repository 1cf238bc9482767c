import { ByteWriter, Segment } from './segment.ts'
import { eachTerm, MAX_DISTINCT_TERMS, type TermCounts } from './text/words.ts'

/** What of an issue can be found. */
export interface Searchable {
  readonly title: string
  /** Plain words, see `plainText`, or their terms. */
  readonly text: string | TermCounts
  readonly summary?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly authors?: readonly string[] | undefined
}

// How many times a word in the text each of these counts.
const TITLE_WEIGHT = 8
const TAG_WEIGHT = 6
const AUTHOR_WEIGHT = 4
const SUMMARY_WEIGHT = 2

/** Collects issues in memory and makes a segment of them. */
export class SegmentBuilder {
  // Of each term: document, frequency, document, frequency, …
  readonly #postings = new Map<string, number[]>()
  readonly #lengths: number[] = []
  /** Of all issues together: how much memory this takes. */
  postingCount = 0

  get documentCount(): number {
    return this.#lengths.length
  }

  /** @returns the number of the issue in the segment. */
  add({ title, text, summary = '', tags = [], authors = [] }: Searchable): number {
    const document = this.#lengths.length
    const before = this.postingCount
    const count = (term: string, weight: number) => {
      if (this.postingCount - before < MAX_DISTINCT_TERMS) this.#count(term, document, weight)
    }
    const add = (words: string, weight: number) => {
      let length = 0
      eachTerm(words, (term) => {
        length++
        count(term, weight)
      })
      return length
    }
    add(title, TITLE_WEIGHT)
    for (const tag of tags) add(tag, TAG_WEIGHT)
    for (const author of authors) add(author, AUTHOR_WEIGHT)
    add(summary, SUMMARY_WEIGHT)
    if (typeof text === 'string') this.#lengths.push(add(text, 1))
    else {
      for (const [term, times] of text.counts) count(term, times)
      this.#lengths.push(text.length)
    }
    return document
  }

  build(): Segment {
    const writer = new SegmentWriter()
    // By UTF-16 code units, which is how the reader compares.
    for (const term of [...this.#postings.keys()].toSorted()) {
      const postings = this.#postings.get(term) ?? []
      for (let i = 0; i < postings.length; i += 2) {
        writer.posting(postings[i] ?? 0, postings[i + 1] ?? 0)
      }
      writer.term(term)
    }
    return writer.finish(this.#lengths)
  }

  #count(term: string, document: number, weight: number): void {
    const postings = this.#postings.get(term)
    if (postings === undefined) this.#postings.set(term, [document, weight])
    else if (postings[postings.length - 2] === document) {
      postings[postings.length - 1] = (postings[postings.length - 1] ?? 0) + weight
      return
    } else postings.push(document, weight)
    this.postingCount++
  }
}

/** Writes a segment: terms in their order, each with its documents in theirs. */
class SegmentWriter {
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
