import { afterEach, expect, test, vi } from 'vitest'
import { FeedSessions } from '../../src/engine/feed-sessions.ts'
import type { Feed } from '../../src/format/feed.ts'
import { feedKeyOf } from '../../src/format/keys/feed-key.ts'
import { createLogger } from '../../src/logger.ts'

const KEY = feedKeyOf(Buffer.alloc(32, 7))

afterEach(() => {
  vi.useRealTimers()
})

test('a feed is idle a minute after it was used, however often somebody looks at it', async () => {
  vi.useFakeTimers()
  const sessions = new FeedSessions(createLogger('silent'), async () => undefined)
  const open = async () => ({}) as Feed
  const use = await sessions.begin(KEY, open)
  await use[Symbol.asyncDispose]()
  for (let second = 0; second < 60; second++) {
    expect(sessions.isIdle(KEY)).toBe(false)
    const look = await sessions.begin(KEY, open, { isUse: false })
    expect(sessions.isIdle(KEY)).toBe(false)
    await look[Symbol.asyncDispose]()
    vi.advanceTimersByTime(1_000)
  }
  expect(sessions.isIdle(KEY)).toBe(true)
})
