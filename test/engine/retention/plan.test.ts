import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fairShare, planFor, type Item } from '../../../src/engine/retention/plan.ts'

const item = (bytes: number, isPinned = false): Item => ({ bytes, isPinned })

const someItems = fc.array(
  fc.record({ bytes: fc.integer({ min: 1, max: 100 }), isPinned: fc.constant(false) }),
  { maxLength: 20 },
)

describe('a share of the disk', () => {
  it('is no bound while everything fits', () => {
    expect(fairShare([10, 20], 30)).toBe(Infinity)
    expect(fairShare([], 0)).toBe(Infinity)
  })

  it('gives what the small leave to the large', () => {
    expect(fairShare([10, 100, 100], 110)).toBe(50)
    expect(fairShare([100], 30)).toBe(30)
    expect(fairShare([100, 1], 0)).toBe(0)
  })

  it('never adds up to more than there is', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000)), fc.nat(5_000), (totals, budget) => {
        const share = fairShare(totals, budget)
        const sum = totals.reduce((all, it) => all + Math.min(it, share), 0)
        expect(sum).toBeLessThanOrEqual(budget + 1e-6)
      }),
    )
  })
})

describe('a plan', () => {
  it('takes the newest of one newsletter', () => {
    const { chosen, next } = planFor([[item(4), item(4), item(4)]], 9)
    expect(chosen).toEqual([new Set([0, 1])])
    expect(next).toEqual({ newsletter: 0, item: 1 })
  })

  it('gives two newsletters as much, and what one does not need to the other', () => {
    const many = Array.from({ length: 10 }, () => item(10))
    expect(planFor([many, many], 60).chosen.map((it) => it.size)).toEqual([3, 3])
    expect(planFor([many, [item(5)]], 60).chosen.map((it) => it.size)).toEqual([5, 1])
  })

  it('keeps what is pinned, though it does not fit', () => {
    const { chosen } = planFor([[item(5), item(50, true)]], 20)
    expect(chosen).toEqual([new Set([1])])
  })

  it('passes over what alone is larger than all there is', () => {
    expect(planFor([[item(5), item(50), item(5)]], 20).chosen).toEqual([new Set([0, 2])])
  })

  it('takes no older one in the place of one that does not fit', () => {
    expect(planFor([[item(5), item(18), item(1)]], 20).chosen).toEqual([new Set([0])])
  })

  it('never takes more than there is, and of each newsletter the newest', () => {
    fc.assert(
      fc.property(fc.array(someItems, { maxLength: 6 }), fc.nat(500), (newsletters, budget) => {
        const { chosen } = planFor(newsletters, budget)
        let sum = 0
        for (const [i, items] of newsletters.entries()) {
          const fitting = items.flatMap(({ bytes }, at) => (bytes > budget ? [] : [at]))
          const taken = [...(chosen[i] ?? [])]
          expect(taken).toEqual(fitting.slice(0, taken.length))
          sum += taken.reduce((all, at) => all + (items[at]?.bytes ?? 0), 0)
        }
        expect(sum).toBeLessThanOrEqual(budget)
      }),
    )
  })

  it('drops nothing else for one more issue than that issue needs', () => {
    fc.assert(
      fc.property(
        someItems,
        fc.integer({ min: 1, max: 100 }),
        fc.nat(500),
        (items, more, budget) => {
          const before = planFor([items], budget).chosen[0]?.size ?? 0
          const after = planFor([[item(more), ...items]], budget).chosen[0]?.size ?? 0
          expect(after).toBeLessThanOrEqual(before + 1)
        },
      ),
    )
  })
})
