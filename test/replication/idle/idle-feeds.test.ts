import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { KEEP_OPEN, IdleFeeds } from '../../../src/replication/idle/idle-feeds.ts'
import type { LogState } from '../../../src/replication/idle/wakeup.ts'
import type { Seeding } from '../../../src/replication/seeding.ts'
import { feedKeyOf, type FeedKey } from '../../../src/format/keys/feed-key.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const MINUTE_MS = 60_000
const PLAIN = Buffer.alloc(32, 1)

interface Log {
  length: number
  held: number
  isWhole: boolean
  quietSince: number
  peers: { publicKey: Buffer }[]
}

/** A roster over logs that are only numbers. */
function idleFeeds({ newsletters, stored }: { newsletters: number; stored: LogState }) {
  const logs = new Map<FeedKey, Log>()
  const open = new Map<FeedKey, Seeding>()
  const used = new Set<FeedKey>()
  let reads = 0
  let most = 0
  const start = async (feedKey: FeedKey) => {
    const { length, held } = stored
    const fresh = { length, held, isWhole: length === held, quietSince: Date.now(), peers: [] }
    const log = logs.get(feedKey) ?? fresh
    log.quietSince = Date.now()
    logs.set(feedKey, log)
    const seeding = {
      get feed() {
        const { peers } = log
        return { feedKey, log: { length: log.length, contiguousLength: log.held, peers } }
      },
      get quietMs() {
        return Date.now() - log.quietSince
      },
      get isWhole() {
        return log.isWhole
      },
      traffic: { uploadedBytes: 2, downloadedBytes: 3 },
    }
    open.set(feedKey, seeding as unknown as Seeding)
    most = Math.max(most, open.size)
  }
  const subject = new IdleFeeds({
    opener: {
      open: start,
      close: (feedKey) => !used.has(feedKey),
      readHead: async () => {
        reads++
        return stored
      },
    },
    open,
    isPlain: (peer) => peer === PLAIN,
    onIdle: (feedKey) => open.delete(feedKey),
    log: (what) => expect.unreachable(what),
  })
  onTestFinished(() => subject.close())
  const keys = Array.from({ length: newsletters }, (_, i) => feedKeyOf(Buffer.alloc(32, i + 1)))
  for (const [i, feedKey] of keys.entries()) {
    subject.add({ feedKey, discoveryKey: Buffer.alloc(32, i + 1) })
  }
  const wakeAll = () => keys.forEach((it) => subject.wake(it))
  return { subject, keys, logs, open, used, wakeAll, reads: () => reads, most: () => most }
}

const WHOLE = { length: 5, held: 5 }

describe('newsletters', () => {
  test('beyond those that stay open rest when they were quiet, the quietest first', async () => {
    const { keys, logs, open, wakeAll } = idleFeeds({ newsletters: KEEP_OPEN + 3, stored: WHOLE })
    wakeAll()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(open.size).toBe(KEEP_OPEN + 3)
    for (const feedKey of keys.slice(3)) {
      const log = logs.get(feedKey)
      if (log !== undefined) log.quietSince = Date.now()
    }
    await vi.advanceTimersByTimeAsync(20_000)
    expect([...open.keys()]).toEqual(keys.slice(3))
    await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)
    expect(open.size).toBe(KEEP_OPEN)
  })

  test('stay open while they are used, a plain peer is there, or blocks are missing', async () => {
    const { keys, logs, open, used, wakeAll } = idleFeeds({
      newsletters: KEEP_OPEN + 4,
      stored: WHOLE,
    })
    wakeAll()
    await vi.advanceTimersByTimeAsync(0)
    const [inUse, withPlain, incomplete] = keys as [FeedKey, FeedKey, FeedKey]
    used.add(inUse)
    logs.get(withPlain)?.peers.push({ publicKey: PLAIN })
    Object.assign(logs.get(incomplete) ?? {}, { held: 2, isWhole: false })
    for (const feedKey of keys.slice(3))
      Object.assign(logs.get(feedKey) ?? {}, { quietSince: 1e15 })
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect([...open.keys()]).toEqual(keys)
    await vi.advanceTimersByTimeAsync(5 * MINUTE_MS)
    expect([...open.keys()]).toEqual(keys.filter((it) => it !== incomplete))
  })

  test('open a few at a time, and not all of a thousand', async () => {
    const { open, wakeAll, most } = idleFeeds({ newsletters: 200, stored: { length: 5, held: 3 } })
    wakeAll()
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    expect(open.size).toBe(64)
    await vi.advanceTimersByTimeAsync(30 * MINUTE_MS)
    expect(most()).toBe(64)
  })

  test('open when a peer has more, and not when it has as much or less', async () => {
    const { subject, keys, open, reads } = idleFeeds({
      newsletters: 3,
      stored: { length: 5, held: 3 },
    })
    const [longer, fuller, same] = keys as [FeedKey, FeedKey, FeedKey]
    await subject.onPeerState(same, { length: 5, held: 3 }, {})
    await subject.onPeerState(same, { length: 4, held: 3 }, {})
    expect(open.size).toBe(0)
    await subject.onPeerState(longer, { length: 6, held: 0 }, {})
    await subject.onPeerState(fuller, { length: 5, held: 4 }, {})
    expect([...open.keys()]).toEqual([longer, fuller])
    expect(reads()).toBe(3)
  })

  test('open once within some hours without any reason, and then once a day', async () => {
    const { keys, logs } = idleFeeds({ newsletters: 40, stored: WHOLE })
    await vi.advanceTimersByTimeAsync(6 * 60 * MINUTE_MS + 10_000)
    expect(logs.size).toBe(keys.length)
  })

  test('keep their traffic over a rest', async () => {
    const { subject, keys, wakeAll } = idleFeeds({ newsletters: KEEP_OPEN + 1, stored: WHOLE })
    wakeAll()
    await vi.advanceTimersByTimeAsync(MINUTE_MS)
    const rested = keys.map((it) => subject.traffic(it)).filter((it) => it.uploadedBytes > 0)
    expect(rested).toEqual([{ uploadedBytes: 2, downloadedBytes: 3 }])
  })
})

test('who has a newsletter opened in vain again and again is not believed for a while', async () => {
  const { subject, keys, logs, open } = idleFeeds({ newsletters: 1, stored: WHOLE })
  const [feedKey] = keys as [FeedKey]
  const liar = {}
  const claim = async (length: number, peer: object) => {
    open.delete(feedKey)
    await subject.onPeerState(feedKey, { length, held: length }, peer)
    await vi.advanceTimersByTimeAsync(10)
    return open.has(feedKey)
  }
  expect(await claim(6, liar)).toBe(true)
  expect(await claim(7, liar)).toBe(true)
  expect(await claim(8, liar)).toBe(true)
  expect(await claim(9, liar)).toBe(false)
  // Others are, and so is the same peer later.
  expect(await claim(6, {})).toBe(true)
  await vi.advanceTimersByTimeAsync(11 * MINUTE_MS)
  expect(await claim(10, liar)).toBe(true)
  expect(logs.get(feedKey)?.length).toBe(5)
})
