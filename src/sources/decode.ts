import { TextDecoder } from 'node:util'

/**
 * Text of bytes in an encoding, where it says one that is known; else UTF-8, and windows-1252 where it is none.
 * Some versions of Node.js decode windows-1252 and its other names wrongly unless they do so in a stream
 * (nodejs/node#56542): that is how all is decoded here.
 */
export class TextReader {
  readonly #decoder: TextDecoder

  constructor(label?: string) {
    this.#decoder = decoderFor(label) ?? new TextDecoder('utf-8')
  }

  /** The text of the next bytes. */
  read(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true })
  }

  end(): string {
    return this.#decoder.decode()
  }

  /** The text of all bytes, of which UTF-8 is tried first, whatever they are said to be. */
  static readAll(bytes: Uint8Array, label?: string): string {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch {
      const reader = new TextReader(isUtf8Label(label) ? 'windows-1252' : label)
      return reader.read(bytes) + reader.end()
    }
  }
}

function isUtf8Label(label: string | undefined): boolean {
  return label === undefined || /^(?:utf-?8|us-ascii|ascii)$/i.test(label.trim())
}

function decoderFor(label: string | undefined): TextDecoder | undefined {
  try {
    return label === undefined ? undefined : new TextDecoder(label)
  } catch {
    return undefined
  }
}
