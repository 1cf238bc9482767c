import { describe, expect, it } from 'vitest'
import { keepSchema } from '../../src/config/keep-schema.ts'
import { keepsEverything, oldestKept, parseNewerThan } from '../../src/config/keep.ts'
import { HyperletterError } from '../../src/errors.ts'

const NOW = Date.parse('2026-06-30T12:00:00Z')
const DAY_MS = 86_400_000

describe('how old an issue may be', () => {
  it.each([
    ['90d', NOW - 90 * DAY_MS],
    ['2w', NOW - 14 * DAY_MS],
    ['6m', NOW - 180 * DAY_MS],
    [' 1Y ', NOW - 365 * DAY_MS],
    ['2026-01-31', Date.parse('2026-01-31T00:00:00Z')],
  ])('is read from %s', (text, oldest) => {
    expect(oldestKept(parseNewerThan(text), NOW)).toBe(oldest)
    expect(keepSchema.parse({ newerThan: parseNewerThan(text) })).toBeDefined()
  })

  it.each(['', '0d', '-1d', '90', 'd', '12345d', '1.5y', '2026-02-31', '2026-13-01', 'yesterday'])(
    'is not read from "%s"',
    (text) => {
      expect(() => parseNewerThan(text)).toThrow(HyperletterError)
    },
  )
})

it('nothing chosen means everything', () => {
  expect(keepsEverything({})).toBe(true)
  expect(keepsEverything({ textOnly: false })).toBe(true)
  for (const keep of [{ newest: 1 }, { newerThan: '1d' }, { atMostBytes: 0 }, { textOnly: true }]) {
    expect(keepsEverything(keep)).toBe(false)
  }
})
