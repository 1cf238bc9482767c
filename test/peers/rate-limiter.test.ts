import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BurstLimiter, RateLimiter } from '../../src/peers/rate-limiter.ts'

describe('a rate', () => {
  test('holds within a tenth over ten seconds, whoever shares it and whatever they take', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20_000, max: 10_000_000 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 1_024, max: 65_536 }), { minLength: 1, maxLength: 20 }),
        (perSecond, takers, sizes) => {
          const rate = new RateLimiter(perSecond)
          const most = Math.max(...sizes)
          let taken = 0
          // Each takes again as soon as it may, for ten seconds.
          const due = Array.from({ length: takers }, () => 1_000_000)
          for (let i = 0; ; i++) {
            const now = Math.min(...due)
            if (now >= 1_010_000) break
            const size = sizes[i % sizes.length] ?? 1
            due[due.indexOf(now)] = now + Math.max(0.01, rate.take(size, now))
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
    const rate = new RateLimiter(1_000)
    expect(rate.take(100, 50_000)).toBe(0)
    expect(rate.take(1, 50_000)).toBeCloseTo(1)
    expect(rate.take(100, 90_000)).toBe(0)
  })
})

describe('an allowance', () => {
  test('lets so many pass at once, and then as many a second as it says', () => {
    const allowance = new BurstLimiter({ most: 100, perSecond: 10 })
    const start = performance.now()
    for (let i = 0; i < 100; i++) expect(allowance.take(start)).toBe(0)
    expect(allowance.take(start)).toBeGreaterThan(90)
    expect(allowance.take(start + 1_000)).toBe(0)
  })
})
