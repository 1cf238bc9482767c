import fc from 'fast-check'
import { expect, test } from 'vitest'
import { missingRanges } from '../../src/format/selection.ts'
import type { Log } from '../../src/format/log.ts'

/** A log of which only these blocks are here. */
function logWith(held: readonly boolean[]): Log {
  const countHeld: Log['countHeld'] = ({ start, end }) =>
    held.slice(start, end).filter(Boolean).length
  return { length: held.length, countHeld } as Log
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
        const ranges = missingRanges(logWith(held), [dropped], 1_000)
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
  expect(missingRanges(logWith(held), [], 3)).toEqual([
    { start: 1, end: 2 },
    { start: 3, end: 4 },
    { start: 5, end: 6 },
  ])
})
