import { expect, test } from 'vitest'
import { near } from '../../../src/log/internals/wanted-ranges.ts'

test('a run around a block lies within its range, and begins where runs of that length do', () => {
  const range = { start: 10, end: 30 }
  expect(near(range, 17, 4)).toEqual({ start: 16, end: 20 })
  expect(near(range, 17, 7)).toEqual({ start: 16, end: 20 })
  expect(near(range, 11, 8)).toEqual({ start: 10, end: 16 })
  expect(near(range, 29, 8)).toEqual({ start: 24, end: 30 })
  expect(near(range, 17, 1)).toEqual({ start: 17, end: 18 })
})
