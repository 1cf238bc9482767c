import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RateLimiter } from '../src/rate-limiter.ts'

describe('a rate limiter that refuses', () => {
  test.each([1, 3, 256])(
    'lets exactly %i pass at once, and then as many as time brings',
    (burst) => {
      let now = 1_000
      const limiter = new RateLimiter({ perSecond: 2, burst, now: () => now })
      const passed = (tries: number) =>
        Array.from({ length: tries }, () => limiter.take()).filter(Boolean).length
      expect(passed(burst + 1_000)).toBe(burst)
      now += 500
      expect(passed(10)).toBe(1)
      now += 3_600_000
      expect(passed(burst + 10)).toBe(burst)
    },
  )

  test('takes all of an amount or nothing, and keeps no debt of what it refused', () => {
    let now = 0
    const limiter = new RateLimiter({ perSecond: 10, burst: 100, now: () => now })
    for (let i = 0; i < 1_000; i++) expect(limiter.take(101)).toBe(false)
    expect(limiter.take(100)).toBe(true)
    expect(limiter.take()).toBe(false)
    now += 100
    expect(limiter.take()).toBe(true)
  })
})

describe('a rate limiter that makes wait', () => {
  test('holds its rate within a tenth over ten seconds, whoever shares it and whatever they take', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20_000, max: 10_000_000 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 1_024, max: 65_536 }), { minLength: 1, maxLength: 20 }),
        (perSecond, takers, sizes) => {
          let now = 1_000_000
          const limiter = new RateLimiter({ perSecond, burst: perSecond / 10, now: () => now })
          const most = Math.max(...sizes)
          let taken = 0
          // Each takes again as soon as it may, for ten seconds.
          const due = Array.from({ length: takers }, () => 1_000_000)
          for (let i = 0; ; i++) {
            now = Math.min(...due)
            if (now >= 1_010_000) break
            const size = sizes[i % sizes.length] ?? 1
            due[due.indexOf(now)] = now + Math.max(0.01, limiter.reserve(size))
            taken += size
          }
          // What each has in hand when time is up has been taken, and waits to be through.
          const slack = perSecond + takers * most
          expect(taken).toBeLessThanOrEqual(10 * perSecond + slack)
          expect(taken).toBeGreaterThanOrEqual(9 * perSecond)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('gives a little at once after a pause, and no more', () => {
    let now = 50_000
    const limiter = new RateLimiter({ perSecond: 1_000, burst: 100, now: () => now })
    expect(limiter.reserve(100)).toBe(0)
    expect(limiter.reserve()).toBeCloseTo(1)
    now = 90_000
    expect(limiter.reserve(100)).toBe(0)
  })
})
