import fc from 'fast-check'
import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { missingRanges } from '../../src/log/missing-ranges.ts'

/** A core of which only these blocks are here. */
function coreWith(held: readonly boolean[]): Hypercore {
  const countSet = (start: number, length: number) =>
    held.slice(start, start + length).filter(Boolean).length
  return { length: held.length, core: { bitfield: { countSet } } } as unknown as Hypercore
}

const indexes = (ranges: readonly { start: number; end: number }[]) =>
  ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i))

test('what is missing is each block that is neither here nor dropped, neighbours together', () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 200 }),
      fc.nat(200),
      fc.nat(50),
      (held, start, count) => {
        const dropped = { start, end: start + count }
        const ranges = missingRanges(coreWith(held), [dropped], 1_000)
        const isMissing = (i: number) => held[i] !== true && (i < start || i >= dropped.end)
        expect(indexes(ranges)).toEqual([...held.keys()].filter(isMissing))
        const starts = ranges.map((it) => it.start)
        expect(starts).toEqual(starts.toSorted((a, b) => a - b))
      },
    ),
  )
})

test('no more ranges are given than asked for', () => {
  const held = Array.from({ length: 10_000 }, (_, i) => i % 2 === 0)
  expect(missingRanges(coreWith(held), [], 3)).toEqual([
    { start: 1, end: 2 },
    { start: 3, end: 4 },
    { start: 5, end: 6 },
  ])
})
