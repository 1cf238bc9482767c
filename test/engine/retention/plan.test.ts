import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { feedKeyOf } from '../../../src/format/keys/feed-key.ts'
import {
  addOnDemand,
  allocate,
  applyPolicy,
  fairShare,
  nextStep,
  planFor,
  type Choice,
  type Item,
  type Usage,
} from '../../../src/engine/retention/plan.ts'

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

describe('a policy', () => {
  const now = Date.UTC(2026, 5, 30)
  const issues = [1, 2, 3, 4].map((age) => ({
    ...item(10, age === 4),
    age,
    publishedAtMs: now - age * 30 * 86_400_000,
  }))
  const kept = (keep: Parameters<typeof applyPolicy>[1]) =>
    applyPolicy(issues, keep, now).map((it) => it.age)

  it('keeps everything where nothing is said', () => {
    expect(kept({})).toEqual([1, 2, 3, 4])
  })

  it('keeps the newest, those of an age, or what fits, and always what is starred', () => {
    expect(kept({ newest: 2 })).toEqual([1, 2, 4])
    expect(kept({ newerThan: '40d' })).toEqual([1, 4])
    expect(kept({ atMostBytes: 25 })).toEqual([1, 2, 4])
    expect(kept({ newest: 3, newerThan: '100d', atMostBytes: 10 })).toEqual([1, 4])
  })

  it('keeps nothing older than the first that does not fit', () => {
    const sizes = [30, 10].map((bytes) => ({ ...item(bytes), publishedAtMs: now }))
    expect(applyPolicy(sizes, { atMostBytes: 20 }, now)).toEqual([])
  })
})

/** A newsletter of these issues, as it is known once it was looked at. */
function usage(sizes: readonly number[], more: Partial<Usage> = {}): Usage {
  const wantedBytes = sizes.reduce((sum, it) => sum + it, 0)
  const items = sizes.map((it) => item(it))
  return { wantedBytes, heldBytes: 0, recordBytes: 0, isLimited: false, items, ...more }
}

describe('an allocation', () => {
  it('leaves newsletters whole while everything fits, but for what a policy leaves out', () => {
    const plan = allocate([usage([5, 5]), usage([5], { isLimited: true })], 20)
    expect(plan).toEqual({
      isTight: false,
      choices: ['all', new Set([0])],
      next: undefined,
      unknown: [],
    })
  })

  it('lets the small ones be whole, and of the large ones the newest stay', () => {
    const plan = allocate([usage([10, 10, 10]), usage([5])], 26)
    expect(plan.choices).toEqual([new Set([0, 1]), 'all'])
    expect(plan).toMatchObject({ isTight: true, next: { newsletter: 0, item: 1 }, unknown: [] })
  })

  it('counts records, and what is here of what is not known yet', () => {
    const known = usage([10, 10, 10], { recordBytes: 6 })
    const unknown = usage([50], { items: undefined, heldBytes: 20 })
    const plan = allocate([known, unknown], 50)
    expect(plan.choices).toEqual([new Set([0, 1]), 'all'])
    expect(plan.unknown).toEqual([1])
  })

  const someUsages = fc.array(
    fc.record({
      sizes: fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 12 }),
      isLimited: fc.boolean(),
    }),
    { maxLength: 6 },
  )
  const sumOf = ({ items = [] }: Usage, choice: Choice | undefined) =>
    items.reduce((sum, it, i) => (choice === 'all' || choice?.has(i) ? sum + it.bytes : sum), 0)

  it('never gives more than there is, and of each newsletter the newest that can fit', () => {
    fc.assert(
      fc.property(someUsages, fc.nat(300), (given, budget) => {
        const usages = given.map(({ sizes, isLimited }) => usage(sizes, { isLimited }))
        const { choices, isTight } = allocate(usages, budget)
        const sums = usages.map((it, i) => sumOf(it, choices[i]))
        expect(sums.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(budget)
        const wanted = usages.reduce((sum, it) => sum + it.wantedBytes, 0)
        expect(isTight).toBe(wanted > budget)
        const areWhole = sums.every((it, i) => it === usages[i]?.wantedBytes)
        expect(areWhole).toBe(!isTight)
      }),
    )
  })

  it('drops nothing for what comes and goes: the same sizes give the same choices', () => {
    fc.assert(
      fc.property(someUsages, fc.nat(300), fc.nat(50), (given, budget, held) => {
        const usages = given.map(({ sizes, isLimited }) => usage(sizes, { isLimited }))
        const later = usages.map((it) => ({ ...it, heldBytes: held }))
        expect(allocate(later, budget)).toEqual(allocate(usages, budget))
      }),
    )
  })
})

describe('the next step', () => {
  const choices: readonly Choice[] = [new Set([2, 0, 1]), 'all', new Set([0])]
  const missing = () => 10

  it('fetches the newest first, no more of each than a step', () => {
    const { fetched, missingBytes, refusedBytes } = nextStep(choices, missing, 100, () => 20)
    expect(fetched).toEqual(
      new Map([
        [0, new Set([0, 1])],
        [2, new Set([0])],
      ]),
    )
    expect({ missingBytes, refusedBytes }).toEqual({ missingBytes: 30, refusedBytes: undefined })
  })

  it('says what the first lacks that finds no room, and fetches no older one in its place', () => {
    const step = nextStep(
      choices,
      ({ item: at }) => (at === 0 ? 30 : 5),
      25,
      () => 100,
    )
    expect(step.fetched.get(0)).toEqual(new Set())
    expect(step).toMatchObject({ missingBytes: 0, refusedBytes: 5 })
  })

  it('passes over what is here', () => {
    const { fetched } = nextStep(
      choices,
      ({ item: at }) => (at === 0 ? 0 : 10),
      100,
      () => 10,
    )
    expect(fetched.get(0)).toEqual(new Set([1]))
  })

  it('never lets more on its way than there is room', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(40))), fc.nat(200), fc.nat(60), (sizes, room, step) => {
        const all = sizes.map((it) => new Set(it.keys()))
        const size = (newsletter: number, at: number) => sizes[newsletter]?.[at] ?? 0
        const result = nextStep(
          all,
          (it) => size(it.newsletter, it.item),
          room,
          () => step,
        )
        let sum = 0
        for (const [i, chosen] of result.fetched) for (const at of chosen) sum += size(i, at)
        expect(sum).toBe(result.missingBytes)
        expect(sum).toBeLessThanOrEqual(room)
      }),
    )
  })
})

describe('issues on demand', () => {
  const feedKey = feedKeyOf(Buffer.alloc(32, 1))
  const issue = (number: number, bytes: number, start = number * 10) => ({
    feedKey,
    number,
    bytes,
    ranges: [{ start, end: start + 1 }],
  })
  const numbers = (all: readonly { readonly number: number }[]) => all.map((it) => it.number)

  it('go when newer ones take more than their share, but never the only one', () => {
    const two = addOnDemand(addOnDemand([], issue(1, 50), 800), issue(2, 50), 800)
    expect(numbers(two)).toEqual([1, 2])
    expect(numbers(addOnDemand(two, issue(3, 50), 800))).toEqual([2, 3])
    expect(numbers(addOnDemand([], issue(4, 900), 800))).toEqual([4])
  })

  it('are one, where more of one is asked for', () => {
    const [one, ...others] = addOnDemand(addOnDemand([], issue(1, 5), 800), issue(1, 6, 11), 800)
    expect(others).toEqual([])
    expect(one).toEqual({ feedKey, number: 1, bytes: 11, ranges: [{ start: 10, end: 12 }] })
  })
})
