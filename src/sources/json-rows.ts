import { isUtf8 } from 'node:buffer'
import { HyperletterError, invalidInput } from '../errors.ts'

export interface JsonRow {
  /** Member names from the root, `*` for an element of a list: `db.*.data.posts.*`. */
  readonly path: string
  readonly value: unknown
}

interface Level {
  readonly isList: boolean
  readonly path: string
  key: string
  expectsKey: boolean
}

/** Largest row: the longest post, in the three forms in which Ghost keeps it. */
const MAX_ROW_BYTES = 32 * 1024 * 1024
const MAX_DEPTH = 512
const MAX_KEY_CHARACTERS = 256

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Some objects of a JSON text that is too large for the memory: each is parsed by itself, the rest is passed over.
 * @param isWanted Whether the object at a path is one of them.
 * @throws INVALID_INPUT where the text is no JSON in UTF-8, or ends too early; TOO_LARGE for an object.
 */
export async function* jsonRows(
  bytes: AsyncIterable<Uint8Array>,
  isWanted: (path: string) => boolean,
): AsyncGenerator<JsonRow> {
  const scanner = new Scanner(isWanted)
  for await (const chunk of bytes) yield* scanner.rowsIn(chunk)
  scanner.end()
}

class Scanner {
  readonly #isWanted: (path: string) => boolean
  readonly #levels: Level[] = []
  #inString = false
  #isEscaped = false
  #isKey = false
  #isBegun = false
  /** Levels inside of a wanted object, itself included; 0 outside of one. */
  #depth = 0
  #path = ''
  /** What earlier chunks have of it. */
  #parts: Uint8Array[] = []
  #bytes = 0

  constructor(isWanted: (path: string) => boolean) {
    this.#isWanted = isWanted
  }

  *rowsIn(chunk: Uint8Array): Generator<JsonRow> {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (this.#inString) this.#string(byte)
      else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        if (this.#open(byte === OPEN_LIST)) start = at
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        if (!this.#close(byte === CLOSE_LIST)) continue
        const whole = Buffer.concat([...this.#parts, chunk.subarray(start, at + 1)])
        this.#parts = []
        this.#bytes = 0
        yield { path: this.#path, value: parsed(whole) }
      } else this.#other(byte)
    }
    if (this.#depth === 0) return
    this.#parts.push(chunk.slice(start))
    this.#bytes += chunk.length - start
    if (this.#bytes > MAX_ROW_BYTES) {
      throw new HyperletterError('TOO_LARGE', `A post has more than ${MAX_ROW_BYTES} bytes.`)
    }
  }

  end(): void {
    if (this.#depth > 0 || this.#levels.length > 0 || !this.#isBegun) {
      throw notJson('it ends in the middle')
    }
  }

  #string(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === BACKSLASH) this.#isEscaped = true
    else if (byte === QUOTE) {
      this.#inString = false
      this.#isKey = false
    }
    const level = this.#isKey ? this.#levels.at(-1) : undefined
    if (level !== undefined && level.key.length < MAX_KEY_CHARACTERS) {
      level.key += String.fromCharCode(byte)
    }
  }

  /** @returns whether a wanted object begins */
  #open(isList: boolean): boolean {
    this.#isBegun = true
    if (this.#depth > 0) {
      if (++this.#depth > MAX_DEPTH) throw notJson('it nests too deeply')
      return false
    }
    const level = this.#levels.at(-1)
    const path = level === undefined ? '' : pathOf(level)
    if (!isList && this.#isWanted(path)) {
      this.#depth = 1
      this.#path = path
      return true
    }
    this.#levels.push({ isList, path, key: '', expectsKey: !isList })
    if (this.#levels.length > MAX_DEPTH) throw notJson('it nests too deeply')
    return false
  }

  /** @returns whether a wanted object ends */
  #close(isList: boolean): boolean {
    if (this.#depth > 0) return --this.#depth === 0
    if (this.#levels.pop()?.isList !== isList) throw notJson()
    return false
  }

  #other(byte: number): void {
    const level = this.#depth === 0 ? this.#levels.at(-1) : undefined
    if (byte === QUOTE) {
      this.#inString = true
      this.#isKey = level?.expectsKey === true
      if (this.#isKey && level !== undefined) {
        level.key = ''
        level.expectsKey = false
      }
    } else if (byte === COMMA && level?.isList === false) level.expectsKey = true
    else if (!this.#isBegun && !isFiller(byte)) throw notJson()
  }
}

function pathOf({ path, isList, key }: Level): string {
  const name = isList ? '*' : key
  return path === '' ? name : `${path}.${name}`
}

/** White space, and the marks with which a text in UTF-8 may begin. */
function isFiller(byte: number): boolean {
  return byte <= 0x20 || byte === 0xef || byte === 0xbb || byte === 0xbf
}

function parsed(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw notJson('it is not UTF-8')
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch (cause) {
    throw notJson(undefined, cause)
  }
}

function notJson(why = 'it is no JSON', cause?: unknown): HyperletterError {
  return invalidInput(`The file cannot be read: ${why}.`, {
    hint: 'Download the export again.',
    cause,
  })
}
