import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seedOf, weigh } from '../../../src/replication/scheduler/plan.ts'

const BLOCKS = Array.from({ length: 2_000 }, (_, index) => index)

function seeds(count: number): number[] {
  return Array.from({ length: count }, (_, i) => seedOf(new Uint8Array(32).fill(i + 1)))
}

function ownerOf(index: number, readers: readonly number[]): number | undefined {
  return readers.toSorted((a, b) => weigh(b, index) - weigh(a, index))[0]
}

test('every reader has about the same share', () => {
  const readers = seeds(8)
  const shares = readers.map(
    (reader) => BLOCKS.filter((index) => ownerOf(index, readers) === reader).length,
  )

  for (const share of shares) {
    expect(share).toBeGreaterThan((0.7 * BLOCKS.length) / 8)
    expect(share).toBeLessThan((1.3 * BLOCKS.length) / 8)
  }
})

test('when a reader goes, only its share moves', () => {
  const readers = seeds(8)
  const [gone, ...rest] = readers

  const moved = BLOCKS.filter((index) => ownerOf(index, readers) !== ownerOf(index, rest))

  expect(moved).toEqual(BLOCKS.filter((index) => ownerOf(index, readers) === gone))
})

test('a weight is a whole number of 32 bits for any key and block', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(), (key, index) => {
      const weight = weigh(seedOf(key), index)
      expect(Number.isInteger(weight) && weight >= 0 && weight < 2 ** 32).toBe(true)
    }),
  )
})
