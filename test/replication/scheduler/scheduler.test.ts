import { expect, test } from 'vitest'
import { Scheduler } from '../../../src/replication/scheduler/scheduler.ts'
import { weigh, type SchedulerPort } from '../../../src/replication/scheduler/plan.ts'

test('what is wanted from now on is asked for at once, without waiting for the next plan', () => {
  const wanted = new Set<number>()
  const view: SchedulerPort<string> = {
    missing: (limit) => [...wanted].slice(0, limit),
    isMissing: (index) => wanted.has(index),
    asked: () => [],
    holds: () => true,
    announcements: () => 0,
    holdsAll: () => true,
    inFlight: () => 0,
    isReader: () => false,
  }
  const scheduler = new Scheduler({ view, seed: 1, blockBytes: 1_000 })
  scheduler.addPeer('source', 2, 0)
  wanted.add(4)
  expect(scheduler.choose('source', 0)).toEqual({ index: 4, again: false })
  wanted.clear()
  expect(scheduler.choose('source', 1)).toBeUndefined()

  wanted.add(9)
  scheduler.noteWanted()

  expect(scheduler.choose('source', 1)).toEqual({ index: 9, again: false })
})

const BLOCKS = 60
const TOOK_MS = 100

/** A reader of 60 blocks that all come from a source; one fellow wants them too, and announces what it is told to. */
function twoReaders(served?: readonly number[]) {
  const missing = new Set(Array.from({ length: BLOCKS }, (_, index) => index))
  const announced = new Set<number>()
  const view: SchedulerPort<string> = {
    missing: (limit) => [...missing].slice(0, limit),
    isMissing: (index) => missing.has(index),
    asked: () => [],
    holds: (peer, index) => peer === 'source' || announced.has(index),
    announcements: () => announced.size,
    holdsAll: (peer) => peer === 'source',
    inFlight: () => 0,
    isReader: (peer) => peer !== 'source',
  }
  const scheduler = new Scheduler({
    view,
    served: (peer) => (peer === 'source' && served ? new Set(served) : undefined),
    seed: 1,
    blockBytes: 64 * 1024,
  })
  scheduler.addPeer('source', 2, 0)
  scheduler.addPeer('fellow', 3, 0)
  /** Fetches one block from the source, if there is one to fetch. */
  const fetch = (nowMs: number): number | undefined => {
    const index = scheduler.choose('source', nowMs)?.index
    if (index === undefined) return undefined
    scheduler.noteAsked('source', index, nowMs)
    missing.delete(index)
    const arrival = { index, sizeBytes: 64 * 1024, elapsedMs: TOOK_MS }
    scheduler.noteArrival('source', arrival, nowMs)
    return index
  }
  // They have known each other for long.
  scheduler.noteWanted()
  return { scheduler, missing, announced, fetch }
}

const BEGIN_MS = 60_000

test('of the share of another only what it will not come to soon is fetched, and the rest if it does not come', () => {
  const { missing, announced, fetch } = twoReaders()
  let nowMs = BEGIN_MS
  while (fetch(nowMs) !== undefined) nowMs++
  const left = missing.size
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(BLOCKS / 4)

  // Whoever announces is not in need of help.
  const [first = 0] = missing
  announced.add(first)
  expect(fetch(nowMs + TOOK_MS / 2)).toBeUndefined()

  expect(fetch(nowMs + 2 * TOOK_MS)).toBeDefined()
  expect(missing.has(first)).toBe(true)
})

test('a fellow that the source does not serve has no share', () => {
  const { missing, fetch } = twoReaders([1])
  let nowMs = BEGIN_MS
  while (fetch(nowMs) !== undefined) nowMs++

  expect(missing.size).toBe(0)
})

test('the share of a fellow whose connection ended is fetched at once, though the source serves it', () => {
  const { scheduler, missing, fetch } = twoReaders([1, 3])
  scheduler.removePeer('fellow')
  scheduler.addPeer('other', 5, BEGIN_MS)
  let nowMs = BEGIN_MS
  while (fetch(nowMs) !== undefined) nowMs++

  expect(missing.size).toBe(0)
})

test('a reader of a source that serves others is not alone, though none of them is connected to it yet', () => {
  const alone = twoReaders([1])
  const { scheduler, missing, fetch } = twoReaders([1, 4])
  for (const it of [alone.scheduler, scheduler]) it.removePeer('fellow')
  expect(alone.scheduler.isAlone('source', BEGIN_MS)).toBe(true)
  expect(scheduler.isAlone('source', BEGIN_MS)).toBe(false)

  const theirs = [...missing].filter((index) => weigh(4, index) > weigh(1, index))
  const ours = missing.size - theirs.length
  let fetched = 0
  while (fetched < ours) {
    expect(theirs).not.toContain(fetch(BEGIN_MS))
    fetched++
  }
})

test('the share of a reader that only the source knows is left to it, until nobody announces anything of it', () => {
  const { missing, announced, fetch } = twoReaders([1, 3, 4])
  let nowMs = BEGIN_MS
  while (fetch(nowMs) !== undefined) nowMs++
  expect(missing.size).toBeGreaterThan(0)
  for (const index of missing) {
    // Whatever was the fellow’s is here.
    if (weigh(3, index) > weigh(4, index)) announced.add(index)
  }
  for (const index of announced) missing.delete(index)
  const left = missing.size
  expect(left).toBeGreaterThan(0)

  for (let i = 0; i < 60; i++) fetch((nowMs += 100))

  expect(missing.size).toBe(0)
})

test('what a fellow announces of its share is asked of it at once, without waiting for the next plan', () => {
  const { scheduler, missing, announced, fetch } = twoReaders()
  let nowMs = BEGIN_MS
  while (fetch(nowMs) !== undefined) nowMs++
  expect(scheduler.choose('fellow', nowMs)).toBeUndefined()

  const [index = 0] = missing
  announced.add(index)

  expect(scheduler.choose('fellow', nowMs)).toEqual({ index, again: false })
})

test('what is asked for at a time is counted in blocks as they come now, not as they were', () => {
  const { scheduler } = twoReaders()
  scheduler.noteBlockBytes(1024)
  const small = scheduler.windowOf('source', 0)

  scheduler.noteBlockBytes(64 * 1024)

  expect(scheduler.windowOf('source', 0)).toBe(small / 64)
})

test('a record that comes alone from the only peer narrows nothing, for nothing more was asked for', () => {
  const { scheduler } = twoReaders()
  scheduler.removePeer('fellow')
  const before = scheduler.windowOf('source', 0)
  scheduler.noteBlockBytes(16 * 1024)

  scheduler.noteAsked('source', 0, 0)
  scheduler.noteArrival('source', { index: 0, sizeBytes: 500, elapsedMs: 50 }, 50)

  expect(scheduler.windowOf('source', 50)).toBeGreaterThanOrEqual(before)
})

test('in a large crowd two readers ask who alone has a block at first, and all do where they wait for long', () => {
  const readers = Array.from({ length: 14 }, (_, i) => ({ name: `reader ${i}`, seed: i + 10 }))
  const [first, ...others] = readers.map(({ name }) => name)
  const schedulers = others.map((own) => {
    const view: SchedulerPort<string> = {
      missing: () => [4, 5, 6, 7, 8, 9],
      isMissing: (index) => index >= 4,
      asked: () => [],
      holds: (peer, index) => peer === 'source' || (peer === first && index === 5),
      announcements: () => 1,
      holdsAll: (peer) => peer === 'source',
      inFlight: () => 0,
      isReader: (peer) => peer !== 'source',
    }
    const seed = readers.find(({ name }) => name === own)?.seed ?? 0
    const scheduler = new Scheduler({ view, seed, blockBytes: 64 * 1024 })
    scheduler.addPeer('source', 2, 0)
    for (const it of readers) if (it.name !== own) scheduler.addPeer(it.name, it.seed, 0)
    scheduler.noteWanted()
    const arrival = { index: 0, sizeBytes: 64 * 1024, elapsedMs: TOOK_MS }
    scheduler.noteArrival(first ?? '', arrival, BEGIN_MS)
    return scheduler
  })
  const askingAt = (nowMs: number) =>
    schedulers.filter((it) => it.choose(first ?? '', nowMs)?.index === 5)

  expect(askingAt(BEGIN_MS)).toHaveLength(2)
  expect(askingAt(BEGIN_MS + 3 * TOOK_MS)).toHaveLength(others.length)
})

/** The only block that is missing is asked of `mute`, who has never sent anything. */
function besideMute() {
  const view: SchedulerPort<string> = {
    missing: (limit) => [0].slice(0, limit),
    isMissing: (index) => index === 0,
    asked: () => [{ peer: 'mute', atMs: 0 }],
    holds: () => true,
    announcements: () => 1,
    holdsAll: () => false,
    // The other one is never at rest, so that what is late is not looked for.
    inFlight: () => 1,
    isReader: () => true,
  }
  const scheduler = new Scheduler({ view, seed: 1, blockBytes: 16 * 1024 })
  scheduler.addPeer('mute', 2, 0)
  scheduler.addPeer('other', 3, 0)
  return scheduler
}

test('what is asked of a reader that never sent anything is asked of another after some times what others take', () => {
  const scheduler = besideMute()
  scheduler.noteArrival('other', { index: 7, sizeBytes: 16 * 1024, elapsedMs: 300 }, 100)

  expect(scheduler.choose('other', 1_100)).toBeUndefined()
  expect(scheduler.choose('other', 1_300)).toEqual({ index: 0, again: true })
})

test('where nobody has sent anything yet, or it has, it is waited for', () => {
  const before = besideMute()
  expect(before.choose('other', 3_900)).toBeUndefined()

  const proven = besideMute()
  proven.noteArrival('other', { index: 7, sizeBytes: 16 * 1024, elapsedMs: 300 }, 100)
  proven.noteArrival('mute', { index: 8, sizeBytes: 16 * 1024, elapsedMs: 100 }, 100)
  expect(proven.choose('other', 3_900)).toBeUndefined()
})
