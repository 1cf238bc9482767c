import v8 from 'node:v8'
import { expect, it, vi } from 'vitest'
import { growHeapAtRestBy, growHeapBy, noteBuffer } from '../src/heap.ts'

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

it('gives the heap room while many buffers pass, but not above a limit that somebody set', () => {
  vi.useFakeTimers()
  const set = vi.spyOn(v8, 'setFlagsFromString').mockReturnValue()
  const percents = () => set.mock.calls.splice(0).map(([flag]) => Number(flag.split('=')[1]))
  growHeapAtRestBy(50)
  for (let i = 0; i < 20; i++) {
    noteBuffer(1024 * 1024)
    vi.advanceTimersByTime(200)
  }
  expect(percents()).toEqual([50])
  for (let i = 0; i < 20; i++) {
    noteBuffer(1024 * 1024)
    vi.advanceTimersByTime(100)
  }
  const unlimit = growHeapBy(10)
  unlimit()
  expect(percents()).toEqual([200, 10, 200])
  vi.advanceTimersByTime(2_000)
  growHeapAtRestBy(0)
  expect(percents()).toEqual([50, 0])
  set.mockRestore()
  vi.useRealTimers()
})

it('leaves V8 alone in a process that limits nothing', () => {
  const set = vi.spyOn(v8, 'setFlagsFromString').mockReturnValue()
  noteBuffer(64 * 1024 * 1024)
  expect(set).not.toHaveBeenCalled()
  set.mockRestore()
})
