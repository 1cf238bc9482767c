import { describe, expect, test } from 'vitest'
import { addArrivals, arrivalOf, type Arrivals } from '../../../src/engine/library/entry.ts'

const NOW = Date.parse('2026-05-01T12:00:00Z')
const HOUR = 3_600_000
const dated = (number: number, publishedAt: string) => ({ number, publishedAt })

describe('issues that are dated later than they arrive', () => {
  test('belong where they arrived, each of them once', () => {
    const issues = [dated(1, '2026-04-01T00:00:00Z'), dated(2, '2099-01-01T00:00:00Z')]
    const first = addArrivals(undefined, issues, NOW)
    expect(first).toEqual([[2, '2026-05-01T12:00:00.000Z']])
    expect(addArrivals(first, issues, NOW + HOUR)).toBeUndefined()
    const second = addArrivals(first, [...issues, dated(3, '2098-01-01T00:00:00Z')], NOW + HOUR)
    expect(issues.map((it) => arrivalOf(second, it))).toEqual([
      undefined,
      '2026-05-01T12:00:00.000Z',
    ])
    expect(arrivalOf(second, dated(3, '2098-01-01T00:00:00Z'))).toBe('2026-05-01T13:00:00.000Z')
    expect(arrivalOf(second, dated(4, '2026-05-02T00:00:00Z'))).toBeUndefined()
  })

  test('may be a little ahead, as clocks are', () => {
    expect(addArrivals([], [dated(1, '2026-05-01T12:05:00Z')], NOW)).toBeUndefined()
  })

  test('take little room, however many come one after the other', () => {
    let arrivals: Arrivals = []
    for (let number = 1; number <= 1_000; number++) {
      const issue = dated(number, '2099-01-01T00:00:00Z')
      arrivals = addArrivals(arrivals, [issue], NOW + number * HOUR) ?? []
    }
    expect(arrivals.length).toBeLessThan(40)
    expect(arrivalOf(arrivals, dated(1, '2099-01-01T00:00:00Z'))).toBe('2026-05-01T13:00:00.000Z')
  })
})
