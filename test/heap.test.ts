import v8 from 'node:v8'
import { expect, it, vi } from 'vitest'
import { growHeapBy } from '../src/heap.ts'

it('limits the heap by the least of the limits that are there, in whatever order they go', () => {
  const set = vi.spyOn(v8, 'setFlagsFromString').mockReturnValue()
  const first = growHeapBy(50)
  const second = growHeapBy(10)
  first()
  const third = growHeapBy(20)
  second()
  third()
  const percents = set.mock.calls.map(([flag]) => Number(flag.split('=')[1]))
  expect(percents).toEqual([50, 10, 10, 10, 20, 0])
  set.mockRestore()
})
