import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LookupQueue } from '../../../src/engine/network/succession-exchange.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const DAY_MS = 86_400_000

test('looks each of a thousand keys up once, one at a time and without a burst', async () => {
  const looked: number[] = []
  let running = 0
  const queue = new LookupQueue<number>(async (key) => {
    expect(++running).toBe(1)
    looked.push(key)
    await Promise.resolve()
    running--
    return DAY_MS
  })
  for (let key = 0; key < 1_000; key++) queue.add(key)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(looked.length).toBeGreaterThan(40)
  expect(looked.length).toBeLessThan(52)
  await vi.advanceTimersByTimeAsync(250_000)
  expect(new Set(looked).size).toBe(1_000)
  expect(looked).toHaveLength(1_000)
  queue.close()
})

test('looks up again when it was told to, also after a failure of another key', async () => {
  const looked: string[] = []
  const queue = new LookupQueue<string>((key) => {
    looked.push(key)
    return key === 'broken' ? Promise.reject(new Error('no')) : Promise.resolve(DAY_MS)
  })
  queue.add('broken')
  queue.add('tides')
  queue.add('tides')
  await vi.advanceTimersByTimeAsync(5_000)
  expect(looked.toSorted()).toEqual(['broken', 'tides'])
  queue.delete('broken')
  await vi.advanceTimersByTimeAsync(DAY_MS)
  expect(looked.filter((it) => it === 'tides')).toHaveLength(2)
  queue.delete('tides')
  await vi.advanceTimersByTimeAsync(3 * DAY_MS)
  expect(looked).toHaveLength(3)
  queue.close()
})

test('looks nothing up once it is closed', async () => {
  let looked = 0
  const queue = new LookupQueue<string>(() => Promise.resolve((looked++, DAY_MS)))
  queue.add('tides')
  queue.close()
  queue.add('moon')
  await vi.advanceTimersByTimeAsync(DAY_MS)
  expect(looked).toBe(0)
})
