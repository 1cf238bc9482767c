import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { merged, without, type BlockRange } from '../../src/format/block-ranges.ts'
import { EVERYTHING, excludedBy, UNDECIDED } from '../../src/format/selection.ts'
import { LogBuilder } from '../helpers/log-builder.ts'
import { logOf, openFeed, openStore } from '../helpers/stores.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const ranges = fc.array(
  fc
    .tuple(fc.nat(30), fc.integer({ min: 1, max: 8 }))
    .map(([start, size]): BlockRange => ({ start, end: start + size })),
  { maxLength: 8 },
)

const isIn = (all: readonly BlockRange[], index: number) =>
  all.some(({ start, end }) => start <= index && index < end)

describe('ranges as one list', () => {
  it('have the same blocks, in order and with gaps between', () => {
    fc.assert(
      fc.property(ranges, (some) => {
        const all = merged(some)
        for (let index = 0; index < 40; index++) expect(isIn(all, index)).toBe(isIn(some, index))
        for (let i = 1; i < all.length; i++) {
          expect(all[i]?.start).toBeGreaterThan(all[i - 1]?.end ?? Infinity)
        }
      }),
    )
  })

  it('have no empty ones, and may end at infinity', () => {
    expect(merged([{ start: 3, end: 3 }])).toEqual([])
    const open = [
      { start: 5, end: Infinity },
      { start: 1, end: 6 },
    ]
    expect(merged(open)).toEqual([{ start: 1, end: Infinity }])
  })
})

describe('what a selection leaves out', () => {
  it('is only what was taken back where everything is kept', () => {
    const retracted = [{ start: 2, end: 3 }]
    expect(excludedBy(EVERYTHING, retracted)).toEqual(retracted)
    expect(excludedBy(UNDECIDED, retracted)).toEqual(retracted)
  })

  it('is all that is not kept, and what was taken back', () => {
    fc.assert(
      fc.property(ranges, ranges, (keep, retracted) => {
        const out = excludedBy({ fetch: [], keep: merged(keep) }, retracted)
        for (let index = 0; index < 40; index++) {
          expect(isIn(out, index)).toBe(!isIn(keep, index) || isIn(retracted, index))
        }
        expect(without([{ start: 0, end: Infinity }], out).every(({ end }) => end < 40)).toBe(true)
      }),
    )
  })
})

async function begin(directory?: string) {
  const store = await openStore(directory)
  const core = store.get({ name: 'selected' })
  await core.ready()
  const log = new LogBuilder(core)
  return { store, core, log, feed: await openFeed(core) }
}

describe('a feed of which something is selected', () => {
  it('drops the rest, counts it as not missing, and tells who listens', async () => {
    const { core, log, feed } = await begin()
    await log.newsletter()
    for (let i = 0; i < 4; i++) await log.issue()
    const told: number[] = []
    feed.log.events.on('watchers', 'selected', () => told.push(feed.unwanted.length))
    const keep = [
      { start: 0, end: 1 },
      { start: 5, end: 9 },
    ]
    feed.select({ fetch: keep, keep })
    feed.select({ fetch: [...keep], keep: [...keep] })
    expect(told).toEqual([2])
    expect(await feed.dropUnwanted()).toBe(4)
    expect((await logOf(core)).countHeld({ start: 0, end: 9 })).toBe(5)
    expect(feed.heldBlocks).toBe(9)
    expect(await feed.isComplete()).toBe(true)
    expect(await feed.dropUnwanted()).toBe(0)
    // What is appended has no place here either, before it is selected.
    feed.select(EVERYTHING)
    expect(feed.heldBlocks).toBe(5)
  })

  it('is sound after a drop that was cut off half way', async () => {
    const directory = await temporaryDirectory()
    const before = await begin(directory)
    await before.log.newsletter()
    for (let i = 0; i < 6; i++) await before.log.issue()
    const keep = [{ start: 0, end: 1 }]
    before.feed.select({ fetch: keep, keep })
    // One range of several went; then the process ended.
    const half = [
      { start: 0, end: 3 },
      { start: 5, end: 13 },
    ]
    before.feed.select({ fetch: half, keep: half })
    await before.feed.dropUnwanted()
    await before.store.close()

    const { core, feed } = await begin(directory)
    expect((await logOf(core)).countHeld({ start: 0, end: 13 })).toBe(11)
    const { issues } = await feed.list({ wait: false })
    expect(issues.length).toBeGreaterThan(0)
    for (let index = 5; index < 13; index++) {
      expect(await feed.verify({ start: index, end: index + 1 })).toBe(true)
    }
    feed.select({ fetch: keep, keep })
    expect(await feed.dropUnwanted()).toBe(10)
    expect((await logOf(core)).countHeld({ start: 0, end: 13 })).toBe(1)
  })

  it('lists an issue whose text was dropped, and says that it is not held', async () => {
    const { core, log, feed } = await begin()
    await log.newsletter()
    await log.issue()
    await log.issue()
    const records = log.records.map((index) => ({ start: index, end: index + 1 }))
    const keep = merged([...records, { start: 3, end: 5 }])
    feed.select({ fetch: keep, keep })
    await feed.dropUnwanted()
    const { issues } = await feed.list({ wait: false })
    expect(issues.map((it) => it.record.number)).toEqual([2, 1])
    expect(issues.map((it) => feed.holdsIssue(it))).toEqual([true, false])
    expect(core.length).toBe(5)
  })
})
