import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Announcer } from '../../src/peers/topics.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function open() {
  const joined: number[] = []
  const left: number[] = []
  const renewed: number[] = []
  const lookedUp: number[] = []
  const announcer = new Announcer({
    lookUp: (topic) => lookedUp.push(Buffer.from(topic).readUInt32BE()),
    refresh: (topic) => renewed.push(Buffer.from(topic).readUInt32BE()),
    join: (topic) => joined.push(Buffer.from(topic).readUInt32BE()),
    leave: async (topic) => void left.push(Buffer.from(topic).readUInt32BE()),
  })
  return { announcer, joined, left, renewed, lookedUp }
}

function topicNumber(number: number): Buffer {
  const bytes = Buffer.alloc(32)
  bytes.writeUInt32BE(number)
  return bytes
}

test('a thousand topics are joined in their order within two minutes, without a burst', async () => {
  const { announcer, joined } = open()
  for (let i = 0; i < 1_000; i++) announcer.add(topicNumber(i))
  expect(joined).toEqual([])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(joined.length).toBeGreaterThanOrEqual(20)
  expect(joined.length).toBeLessThanOrEqual(60)
  await vi.advanceTimersByTimeAsync(115_000)
  expect(joined).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
})

test('each is looked up twice more, and then left to the swarm', async () => {
  const { announcer, joined, renewed } = open()
  for (let i = 0; i < 1_000; i++) announcer.add(topicNumber(i))
  await vi.advanceTimersByTimeAsync(6 * 60_000)
  expect(joined).toHaveLength(1_000)
  const times = new Map<number, number>()
  for (const it of renewed) times.set(it, (times.get(it) ?? 0) + 1)
  expect([...new Set(times.values())]).toEqual([2])
  expect(times.size).toBe(1_000)
  expect(vi.getTimerCount()).toBe(0)
})

test('between a join and the looks after it nothing wakes', async () => {
  const { announcer, renewed } = open()
  announcer.addNow(topicNumber(1))
  const woken: number[] = []
  while (vi.getTimerCount() > 0) {
    await vi.advanceTimersToNextTimerAsync()
    woken.push(renewed.length)
  }
  expect(woken).toEqual([1, 2])
})

test('a topic that somebody waits for is joined at once, and only once', async () => {
  const { announcer, joined } = open()
  for (let i = 0; i < 10; i++) announcer.add(topicNumber(i))
  announcer.addNow(topicNumber(7))
  expect(joined).toEqual([7])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(joined.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('a topic that waits is dropped without a word to anybody; a joined one is left', async () => {
  const { announcer, joined, left } = open()
  announcer.addNow(topicNumber(1))
  announcer.add(topicNumber(2))
  await announcer.delete(topicNumber(2))
  await announcer.delete(topicNumber(1))
  await vi.advanceTimersByTimeAsync(5_000)
  expect({ joined, left }).toEqual({ joined: [1], left: [1] })
})

test('a closed one joins nothing more', async () => {
  const { announcer, joined } = open()
  announcer.add(topicNumber(1))
  announcer.close()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(joined).toEqual([])
})

test('all topics are announced anew when that is asked for, those first that are named', async () => {
  const { announcer, joined, renewed } = open()
  for (let i = 0; i < 5; i++) announcer.addNow(topicNumber(i))
  announcer.addNow(topicNumber(3))
  expect(renewed).toEqual([])
  announcer.reannounce([topicNumber(4)])
  expect(renewed).toEqual([4])
  await vi.advanceTimersByTimeAsync(2_000)
  expect(renewed).toEqual([4, 0, 1, 2, 3])
  expect(joined).toEqual([0, 1, 2, 3, 4])
})

test('who has nothing of a newsletter looks it up at once, and is announced a moment later', async () => {
  const { announcer, joined, lookedUp } = open()
  announcer.lookUp(topicNumber(1))
  announcer.lookUp(topicNumber(1))
  expect({ joined, lookedUp }).toEqual({ joined: [], lookedUp: [1] })
  await vi.advanceTimersByTimeAsync(1_000)
  expect({ joined, lookedUp }).toEqual({ joined: [1], lookedUp: [1] })
  announcer.lookUp(topicNumber(1))
  expect(lookedUp).toEqual([1])
})

test('what is looked up is announced sooner when that is asked for, and only once', async () => {
  const { announcer, joined } = open()
  announcer.lookUp(topicNumber(1))
  announcer.addNow(topicNumber(1))
  expect(joined).toEqual([1])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(joined).toEqual([1])
})

test('what is looked up is left before it was announced, or never announced once closed', async () => {
  const { announcer, joined, left } = open()
  announcer.lookUp(topicNumber(1))
  await announcer.delete(topicNumber(1))
  announcer.lookUp(topicNumber(2))
  announcer.close()
  await vi.advanceTimersByTimeAsync(1_000)
  expect({ joined, left }).toEqual({ joined: [], left: [1] })
})
