import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { without, type BlockRange } from '../../../src/format/block-ranges.ts'
import {
  retractedContents,
  editionsOf,
  newestEdition,
} from '../../../src/format/history/corrections.ts'
import { dropBlocks } from '../../../src/log/internals/stored-blocks.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'
import { logOf, openFeed, openReplica, openStore } from '../../helpers/stores.ts'

const AT = '2026-03-09T07:00:00Z'

/** A log in the hands of whoever writes it, and what a reader makes of it. */
async function begin({ isPrivate = false } = {}) {
  const store = await openStore()
  const encryption = isPrivate ? { encryption: { key: Buffer.alloc(32, 7) } } : {}
  const core = store.get({ name: 'tides', ...encryption })
  await core.ready()
  const log = new LogBuilder(core)
  await log.newsletter()
  const amend = async (number: number, title: string, fields = {}) => {
    const block = await log.raw(`${title}\n`)
    return log.record({
      type: 'amendment',
      number,
      title,
      amendedAt: AT,
      body: { block, blocks: 1, bytes: title.length + 1, mediaType: 'text/markdown' },
      attachments: [],
      ...fields,
    })
  }
  const retract = (number: number, fields = {}) =>
    log.record({ type: 'retraction', number, retractedAt: AT, ...fields })
  return { core, log, amend, retract, feed: await openFeed(core.session(encryption)) }
}

describe('corrections', () => {
  it('make editions in the order of the log, whatever their dates say', async () => {
    const { log, amend, feed } = await begin()
    await log.issue()
    await amend(1, 'Second', { amendedAt: '2026-03-10T07:00:00Z' })
    await log.issue()
    await amend(1, 'Third', { amendedAt: '2020-01-01T00:00:00Z' })
    const issue = await feed.issue(1)
    expect(editionsOf(issue).map((it) => it.record.title)).toEqual([
      'Tides of week 1',
      'Second',
      'Third',
    ])
    expect(newestEdition(issue).record.title).toBe('Third')
    expect(await feed.readBody(newestEdition(issue))).toBe('Third\n')
    expect(await feed.list()).toMatchObject({ invalid: 0, unknown: 0, missing: 0 })
  })

  it('of an issue that does not exist are ignored and counted', async () => {
    const { log, amend, retract, feed } = await begin()
    await log.issue()
    await amend(2, 'Of no issue')
    await retract(7)
    const { issues, invalid } = await feed.list()
    expect(issues).toMatchObject([{ record: { number: 1 }, amendments: [] }])
    expect(issues[0]).not.toHaveProperty('retraction')
    expect(invalid).toBe(2)
  })

  it('that lie before their issue are ignored and counted', async () => {
    const { log, amend, retract, feed } = await begin()
    await amend(1, 'Too early')
    await retract(1)
    await log.issue()
    const { issues, invalid } = await feed.list()
    expect(issues[0]).toMatchObject({ amendments: [] })
    expect(issues[0]).not.toHaveProperty('retraction')
    expect(invalid).toBe(2)
    expect(feed.dropped).toEqual([])
  })

  it('of an issue that was retracted are ignored and counted', async () => {
    const { log, amend, retract, feed } = await begin()
    await log.issue()
    await amend(1, 'In time')
    const first = await retract(1, { reason: 'first' })
    await amend(1, 'Too late')
    await retract(1, { reason: 'again' })
    const { issues, invalid } = await feed.list()
    expect(issues).toMatchObject([
      { amendments: [{ record: { title: 'In time' } }], retraction: { index: first } },
    ])
    expect(invalid).toBe(2)
    // The text of the void amendment belongs to no issue, and is not dropped with this one.
    expect(feed.dropped).toEqual([
      { start: 1, end: 2 },
      { start: 3, end: 4 },
    ])
  })

  it('with a fault in their record are ignored and counted', async () => {
    const { log, amend, retract, feed } = await begin()
    await log.issue()
    await amend(1, 'Body of the issue', {
      body: { block: 1, blocks: 1, bytes: 19, mediaType: 'text/markdown' },
    })
    await retract(1, { retractedAt: 'yesterday' })
    await log.newsletter()
    const { issues, invalid } = await feed.list()
    expect(issues[0]).toMatchObject({ amendments: [] })
    expect(issues[0]).not.toHaveProperty('retraction')
    expect(invalid).toBe(2)
  })
})

describe.each([
  ['public', false],
  ['private', true],
] as const)('dropping in a %s newsletter', (_, isPrivate) => {
  it('takes all editions of what was retracted off the disk, and nothing else', async () => {
    const { core, log, amend, retract, feed } = await begin({ isPrivate })
    await log.issue()
    await log.issue()
    await amend(1, 'Second')
    await retract(1)
    await feed.dropUnwanted()
    const held = Array.from({ length: core.length }, (_, index) => core.has(index))
    expect(await Promise.all(held)).toEqual([true, false, true, true, true, false, true, true])
    expect(await feed.isComplete()).toBe(true)
    expect(feed.heldBlocks).toBe(core.length)
    await feed.dropUnwanted()
    expect((await logOf(core)).countHeld({ start: 0, end: core.length })).toBe(6)
  })

  it('leaves every other block provable to others, and the log writable', async () => {
    const { core, log, retract, feed } = await begin({ isPrivate })
    for (let i = 0; i < 6; i++) await log.issue()
    for (const number of [1, 2, 5]) await retract(number)
    await feed.dropUnwanted()
    await log.issue()
    const replica = await openReplica(core)
    for (let index = 0; index < core.length; index++) {
      if (await core.has(index)) await replica.core.get(index)
    }
    expect((await logOf(replica.core)).countHeld({ start: 0, end: core.length })).toBe(
      core.length - 3,
    )
  })
})

describe('dropping', () => {
  it('outlasts a restart', async () => {
    const { core, log, retract, feed } = await begin()
    await log.issue()
    await retract(1)
    await feed.dropUnwanted()
    const again = await openFeed(core.session())
    expect(await again.isComplete()).toBe(true)
    expect(again.holds({ start: 1, end: 2 })).toBe(false)
  })

  it('never takes a record or a block of another issue, whatever an author claims', async () => {
    const { log, retract, feed } = await begin()
    await log.issue()
    // Its pointers leave the first issue out, so that blocks 1 and 2 lie in its own entry.
    await log.record({
      type: 'issue',
      number: 2,
      title: 'Greedy',
      publishedAt: AT,
      previous: [0],
      body: { block: 1, blocks: 1, bytes: 19, mediaType: 'text/markdown' },
      attachments: [{ name: 'a.txt', block: 2, blocks: 1, bytes: 9, mediaType: 'text/plain' }],
    })
    await retract(2)
    const { issues } = await feed.list()
    expect(issues.map((it) => it.record.number)).toEqual([2, 1])
    expect(feed.dropped).toEqual([])
  })

  it('keeps the hash of a dropped block and of the one before it', async () => {
    const { core, log } = await begin()
    for (let i = 0; i < 5; i++) await log.issue()
    await dropBlocks(core, { start: 1, end: 2 })
    await dropBlocks(core, { start: 4, end: 8 })
    for (let index = 0; index < core.length; index++) {
      const { hash } = await core.proof({ hash: { index: 2 * index, nodes: 0 } })
      expect(hash?.nodes[0]?.index, `block ${index}`).toBe(2 * index)
    }
  })

  it('tells a connected peer, which can still get the rest', async () => {
    const { core, log, retract, feed } = await begin()
    for (let i = 0; i < 4; i++) await log.issue()
    const { core: reader } = await openReplica(core)
    await reader.get(8)
    const [author] = reader.peers
    const offers = (index: number) =>
      author !== undefined &&
      (author.remoteContiguousLength > index || author.remoteBitfield.get(index))
    expect(offers(3)).toBe(true)
    await retract(2)
    await feed.dropUnwanted()
    // Told before it asks: one that asks for what is gone is answered with nothing, and asks no more.
    await expect.poll(() => offers(3), { timeout: 5_000 }).toBe(false)
    expect(await reader.get(5)).not.toBeNull()
    expect(await reader.get(7)).not.toBeNull()
  })
})

describe('ranges', () => {
  const ranges = fc.array(
    fc.tuple(fc.nat(60), fc.nat(8)).map(([start, length]) => ({ start, end: start + length })),
    { maxLength: 12 },
  )
  const indexes = (list: readonly BlockRange[]) =>
    new Set(
      list.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)),
    )

  it('without others hold what is in the former and not in the latter, in order, each block once', () => {
    fc.assert(
      fc.property(ranges, ranges, (wanted, dropped) => {
        const left = without(wanted, dropped)
        const gone = indexes(dropped)
        const expected = [...indexes(wanted)]
          .filter((it) => !gone.has(it))
          .toSorted((a, b) => a - b)
        expect([...indexes(left)]).toEqual(expected)
        expect(left.reduce((sum, { start, end }) => sum + end - start, 0)).toBe(expected.length)
        expect(left.every(({ start, end }) => start < end)).toBe(true)
      }),
    )
  })

  it('of a hundred thousand issues are found in no time', () => {
    const issues = Array.from({ length: 100_000 }, (_, i) => {
      const record = {
        type: 'issue' as const,
        number: i + 1,
        title: 'Tides',
        publishedAt: AT,
        previous: [3 * i],
        profile: 0,
        body: { block: 3 * i + 1, blocks: 1, bytes: 1, mediaType: 'text/markdown' },
        attachments: [],
      }
      const retraction = {
        index: 400_000 + i,
        record: {
          type: 'retraction' as const,
          number: i + 1,
          retractedAt: AT,
          previous: [0],
          profile: 0,
        },
      }
      const issue = { index: 3 * i + 3, record, amendments: [] }
      return i % 2 === 0 ? { ...issue, retraction } : issue
    })
    const begun = performance.now()
    expect(retractedContents({ issues })).toHaveLength(50_000)
    expect(performance.now() - begun).toBeLessThan(5_000)
  })
})
