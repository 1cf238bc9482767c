import { strict as assert } from 'node:assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { hasCode, type ErrorCode } from '../../src/errors.ts'
import { concat } from '../../src/format/bytes.ts'

/** Something that reads what strangers wrote, and what must hold of it for any input. */
export interface Target {
  readonly name: string
  /** Inputs that get far. Whatever they are made of, a target reads bytes, so that every finding is a file. */
  readonly inputs: fc.Arbitrary<Uint8Array>
  /** Throws where it does not hold. May throw away what it needs between two inputs, but not depend on it. */
  readonly check: (input: Uint8Array) => void | Promise<void>
}

const directories = new Set<string>()

/** A directory that goes with the process, or when a test says so. */
export function directory(): string {
  if (directories.size === 0) process.once('exit', removeDirectories)
  const path = mkdtempSync(join(tmpdir(), 'hyperletter-fuzz-'))
  directories.add(path)
  return path
}

/** Vitest ends its processes before they can do so themselves. */
export function removeDirectories(): void {
  for (const it of directories) rmSync(it, { recursive: true, force: true })
}

/** Largest input, in bytes: enough for what grows faster than its input to show. */
export const MAX_INPUT_BYTES = 64 * 1024

const decoder = new TextDecoder()

export const textOf = (input: Uint8Array): string => decoder.decode(input)
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** What is at the edge of what fits into some bytes. */
const EDGES = ['00', '01', '7f', '80', 'fc', 'fdffff', 'feffffffff', 'ffffffffffffff1f00']
  .concat(['ffffffffffffffffff', '0000000000000000', 'ffffffff', '0a', '0d0a', '22', '7d', '5d'])
  .map((it) => Buffer.from(it, 'hex'))

/**
 * Valid inputs that are changed in some places: bytes taken out, put in, repeated, or from another input.
 * @param words what is put in besides numbers at their edges.
 */
export function mutated(
  samples: readonly Uint8Array[],
  words: readonly string[] = [],
): fc.Arbitrary<Uint8Array> {
  const whole = samples.filter((it) => it.byteLength <= MAX_INPUT_BYTES)
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.oneof({ weight: 5, arbitrary: fc.nat(8) }, { weight: 1, arbitrary: fc.nat(2_000) }),
    added: fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.constantFrom(...EDGES, ...words.map(bytesOf), ...whole),
    ),
    times: fc.oneof(
      { weight: 9, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 2, max: 500 }) },
    ),
  })
  return fc
    .tuple(fc.constantFrom(...whole), fc.array(change, { maxLength: 8 }))
    .map(([sample, changes]) =>
      changes.reduce((bytes, { at, removed, added, times }) => {
        const from = Math.floor(at * (bytes.byteLength + 1))
        const parts = [bytes.subarray(0, from), ...Array<Uint8Array>(times).fill(added)]
        return limited(concat([...parts, bytes.subarray(from + removed)]))
      }, sample),
    )
}

/** Texts of these pieces, one after the other and again and again, with anything else between them. */
export function textsOf(pieces: readonly string[]): fc.Arbitrary<Uint8Array> {
  const piece = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  )
  const part = fc.oneof(
    { weight: 12, arbitrary: piece },
    {
      weight: 1,
      arbitrary: fc.tuple(piece, fc.nat(1_000)).map(([it, times]) => it.repeat(times)),
    },
  )
  return fc.array(part, { maxLength: 60 }).map((parts) => limited(bytesOf(parts.join(''))))
}

/** JSON values: of any shape, with numbers, texts and names that mean something to whoever reads them. */
export function hostileJson(words: readonly string[]): fc.Arbitrary<fc.JsonValue> {
  const word = fc.constantFrom('__proto__', 'constructor', 'toString', '', ...words)
  const leaf = fc.oneof(
    fc.constantFrom(0, -0, -1, 1, 0.5, 1e21, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 1e308),
    fc.constantFrom(
      null,
      true,
      false,
      '\ud800',
      '\u202e',
      '\u0000',
      '\u001b[2J',
      'a'.repeat(5_000),
    ),
    fc.nat(200),
    word,
    fc.string({ unit: 'binary' }),
  )
  return fc.letrec<{ value: fc.JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 5 }),
      fc.dictionary(fc.oneof(word, fc.string()), tie('value'), { maxKeys: 6 }),
    ),
  })).value
}

function limited(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, MAX_INPUT_BYTES)
}

/** What `work` gives, or undefined where it refuses the input with one of these codes, in words for people. */
export async function refusing<T>(
  codes: readonly ErrorCode[],
  work: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!hasCode(error, ...codes)) throw error
    assert(error.message.length > 0 && error.message.length < 5_000, 'A complaint without measure.')
    return undefined
  }
}
