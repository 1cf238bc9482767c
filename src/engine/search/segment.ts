/** Called with a document of the segment and how often, weighted, the term is in it. */
export type PostingVisitor = (document: number, frequency: number) => void

const HEADER_WORDS = 4

/**
 * A part of the index that never changes: for each term, numbered from 0 in order of UTF-16 code units, the documents
 * that have it. It is used as it lies in its file; nothing is taken apart when it is opened.
 *
 * Layout, in unsigned 32-bit integers of the machine's order: number of terms T, of documents D, bytes of
 * terms B, bytes of postings P; T + 1 offsets into the terms; T + 1 offsets into the postings; D lengths
 * of documents in terms. Then B bytes of terms in UTF-8, and P bytes of postings: numbers of 7 bits a byte,
 * for each document its distance from the one before, then the frequency.
 */
export class Segment {
  readonly bytes: Uint8Array
  readonly termCount: number
  readonly lengths: Uint32Array
  readonly #termOffsets: Uint32Array
  readonly #postingOffsets: Uint32Array
  readonly #terms: Buffer
  readonly #postings: Uint8Array

  /** @throws RangeError if the bytes are not a segment; readers of files check a hash first. */
  constructor(bytes: Uint8Array) {
    // Offsets are read in place, which needs them at a multiple of four bytes.
    this.bytes = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
    const { buffer, byteOffset } = this.bytes
    const [terms = 0, documents = 0, termBytes = 0, postingBytes = 0] = new Uint32Array(
      buffer,
      byteOffset,
      HEADER_WORDS,
    )
    let at = byteOffset + HEADER_WORDS * 4
    const words = (count: number) => {
      const view = new Uint32Array(buffer, at, count)
      at += view.byteLength
      return view
    }
    this.termCount = terms
    this.#termOffsets = words(terms + 1)
    this.#postingOffsets = words(terms + 1)
    this.lengths = words(documents)
    this.#terms = Buffer.from(buffer, at, termBytes)
    this.#postings = new Uint8Array(buffer, at + termBytes, postingBytes)
  }

  get documentCount(): number {
    return this.lengths.length
  }

  term(number: number): string {
    return this.#terms.toString('utf8', this.#termOffsets[number], this.#termOffsets[number + 1])
  }

  /** Length of a term in bytes of UTF-8. */
  termBytes(number: number): number {
    return (this.#termOffsets[number + 1] ?? 0) - (this.#termOffsets[number] ?? 0)
  }

  find(term: string): number | undefined {
    const number = this.#lowerBound(term)
    return number < this.termCount && this.term(number) === term ? number : undefined
  }

  /** Terms that begin with `prefix`: from the first number up to, without, the second. */
  range(prefix: string): [number, number] {
    return [this.#lowerBound(prefix), this.#lowerBound(`${prefix}\uffff`)]
  }

  eachPosting(number: number, visit: PostingVisitor): void {
    const bytes = this.#postings
    let at = this.#postingOffsets[number] ?? 0
    // What `ByteWriter.number` wrote.
    const next = (): number => {
      let value = 0
      for (let shift = 0; shift < 35; shift += 7) {
        const byte = bytes[at++] ?? 0
        value |= (byte & 0x7f) << shift
        if (byte < 0x80) break
      }
      return value >>> 0
    }
    const end = this.#postingOffsets[number + 1] ?? 0
    let document = -1
    for (;;) {
      if (at >= end) return
      document += next()
      visit(document, next())
    }
  }

  #lowerBound(term: string): number {
    let low = 0
    let high = this.termCount
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.term(middle) < term) low = middle + 1
      else high = middle
    }
    return low
  }
}

const TEXT = new TextEncoder()

/** Bytes that grow as numbers of 7 bits a byte are written. */
export class ByteWriter {
  #bytes = new Uint8Array(64 * 1024)
  length = 0

  /** @param value a whole number below 2³². */
  number(value: number): void {
    this.#reserve(5)
    let rest = value >>> 0
    while (rest > 0x7f) {
      this.#bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[this.length++] = rest
  }

  text(text: string): void {
    this.#reserve(text.length * 3)
    this.length += TEXT.encodeInto(text, this.#bytes.subarray(this.length)).written
  }

  /** What was written; a view, not a copy. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + more))
    grown.set(this.written())
    this.#bytes = grown
  }
}
