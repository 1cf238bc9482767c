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

/** Reads what `ByteWriter.number` wrote. */
export class ByteReader {
  readonly #bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  number(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.at++] ?? 0
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return value >>> 0
  }
}

const TEXT = new TextEncoder()
