import { describe, expect, it } from 'vitest'
import {
  rememberSupport,
  supportChange,
  type SupportMemory,
} from '../../../src/engine/library/support-memory.ts'

const DAY = 86_400_000
const NOW = Date.parse('2026-03-01T09:30:00.000Z')

/** What is remembered after these lists were seen, each a number of days after the first. */
function seen(...lists: readonly (readonly [day: number, ...uris: string[]])[]) {
  return lists.reduce<SupportMemory | undefined>(
    (memory, [day, ...uris]) => rememberSupport(memory, uris, NOW + day * DAY) ?? memory,
    undefined,
  )
}
const changeAt = (memory: SupportMemory | undefined, day: number) =>
  memory && supportChange(memory, NOW + day * DAY)

describe('the addresses of support', () => {
  it('that are seen first, or in another order, are no change', () => {
    expect(seen([0])).toBeUndefined()
    expect(seen([0, 'a', 'b'], [1, 'b', 'a'])).toEqual({ uris: ['a', 'b'] })
  })

  it('that are others are pointed out for 30 days, with those before', () => {
    const memory = seen([0, 'a'], [1, 'b'])
    const change = { at: '2026-03-02T09:30:00.000Z', before: ['a'] }
    expect(changeAt(memory, 1)).toEqual(change)
    expect(changeAt(memory, 30.9)).toEqual(change)
    expect(changeAt(memory, 31.1)).toBeUndefined()
    expect(changeAt(memory, -5)).toEqual(change)
  })

  it('cannot be changed twice to hide the first ones, nor taken away and given back', () => {
    expect(changeAt(seen([0, 'a'], [1, 'b'], [2, 'c']), 2)?.before).toEqual(['a'])
    expect(changeAt(seen([0, 'a'], [1], [2, 'c']), 2)?.before).toEqual(['a'])
    expect(changeAt(seen([0, 'a'], [1], [40, 'c']), 40)?.before).toEqual([])
    expect(seen([0, 'a'], [1, 'b'], [2, 'a'])).toEqual({ uris: ['a'] })
  })
})
