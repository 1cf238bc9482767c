import { describe, expect, it } from 'vitest'
import { compareTimes } from '../../../src/format/records/text.ts'

describe('times', () => {
  it('stand in the order in which they passed', () => {
    const passed = ['2025-12-31T23:59:59Z', '2026-03-01T09:30:00Z', '2026-03-01T10:00:00.5Z']
    expect(passed.toReversed().toSorted(compareTimes)).toEqual(passed)
    expect(compareTimes('2026-03-01T09:30:00Z', '2026-03-01T09:30:00Z')).toBe(0)
  })
})
