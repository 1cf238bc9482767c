import { gzipSync } from 'node:zlib'
import type Hypercore from 'hypercore'
import { describe, expect, test } from 'vitest'
import { collect } from '../../src/format/bytes.ts'
import { encodeContent } from '../../src/format/content/content-codec.ts'
import { composeIssue, LOG_START } from '../../src/format/history/entry.ts'
import type { Feed } from '../../src/format/feed.ts'
import { CONTENT_BLOCK_BYTES } from '../../src/format/records/bodies.ts'
import { expectCode } from '../helpers/errors.ts'
import { LogBuilder, type AnyBlock } from '../helpers/log-builder.ts'
import { openFeed, openReplica, openStore } from '../helpers/stores.ts'

const KEY = Buffer.alloc(32, 7)
const OTHER_KEY = Buffer.alloc(32, 8)
const LOCAL = { wait: false }

/** A feed and the log below it, which may be written to in any way. */
async function openLog(encryptionKey?: Buffer): Promise<{ feed: Feed; log: LogBuilder }> {
  const encryption = encryptionKey === undefined ? {} : { encryption: { key: encryptionKey } }
  const core = (await openStore()).get({ name: 'log', ...encryption })
  const feed = await openFeed(core)
  return { feed, log: new LogBuilder(core) }
}

async function openLogOf(issues: number, encryptionKey?: Buffer) {
  const opened = await openLog(encryptionKey)
  await opened.log.newsletter()
  for (let i = 0; i < issues; i++) await opened.log.issue()
  return opened
}

/** Another device's feed of the same log, connected. */
async function openReader(core: Hypercore, encryptionKey?: Buffer) {
  const encryption = encryptionKey === undefined ? {} : { encryption: { key: encryptionKey } }
  const replica = await openReplica(core, encryption)
  return { ...replica, feed: await openFeed(replica.core) }
}

async function numbers(feed: Feed, options?: { wait: boolean }): Promise<number[]> {
  const { issues } = await feed.list(options)
  return issues.map((it) => it.record.number)
}

describe('reading', () => {
  test('lists, names and reads issues of a log that it replicates', async () => {
    const { log } = await openLogOf(2)
    await log.issue({}, 'Neap tides.\n')
    const { feed } = await openReader(log.core)
    expect(await numbers(feed)).toEqual([3, 2, 1])
    expect((await feed.profile()).title).toBe('Tide Tables')
    expect((await feed.newest())?.record.number).toBe(3)
    expect(await feed.readBody(await feed.issue(undefined))).toBe('Neap tides.\n')
    expect(await feed.readBody(await feed.issue(1))).toBe('Low water at noon.\n')
  })

  test('lists nothing of a core without blocks', async () => {
    const { feed } = await openLog()
    expect(await feed.list()).toMatchObject({ issues: [], missing: 0 })
    await expectCode(feed.profile(), 'NOT_AVAILABLE')
    await expectCode(feed.issue(undefined), 'NOT_AVAILABLE')
  })

  test('fails for numbers that no issue has', async () => {
    const { feed } = await openLogOf(1)
    await expectCode(feed.issue(2), 'ISSUE_NOT_FOUND')
    await expectCode(feed.issue(0), 'ISSUE_NOT_FOUND')
  })

  test('reads an issue that was composed by the product, with its attachments', async () => {
    const { feed, log } = await openLogOf(1)
    const text = 'tide '.repeat(100_000)
    const picture = Uint8Array.from({ length: 150_000 }, (_, i) => i % 251)
    const entry = composeIssue(
      await feed.position(),
      { title: 'Spring tides', publishedAt: '2026-03-02T07:00:00Z' },
      await encodeContent(new TextEncoder().encode(text), 'text/markdown'),
      [
        { name: 'tide.png', ...(await encodeContent(picture, 'image/png')) },
        { name: 'tide.svg', ...(await encodeContent(Buffer.from(text), 'image/svg+xml')) },
      ],
    )
    await log.core.append(entry.blocks)

    const { feed: reader } = await openReader(log.core)
    const issue = await reader.issue(2)
    expect(await reader.readBody(issue)).toBe(text)
    const [png, svg] = issue.record.attachments
    if (png === undefined || svg === undefined) throw new Error('An attachment is missing.')
    expect(Buffer.compare(await collect(reader.readAttachment(png)), picture)).toBe(0)
    expect(Buffer.from(await collect(reader.readAttachment(svg))).toString()).toBe(text)
    expect(reader.entryRange(issue)).toEqual({ start: 3, end: entry.next.length })
    expect(reader.holds(reader.entryRange(issue))).toBe(true)
  })
})

describe('contents that are not what the record says', () => {
  const body = (block: number, bytes: number, more = {}) => ({
    body: { block, blocks: 1, bytes, mediaType: 'text/markdown', ...more },
  })

  test.each<[string, AnyBlock, Parameters<typeof body>]>([
    ['is not UTF-8', Uint8Array.of(0xc3, 0x28), [1, 2]],
    ['is longer', 'Low water.', [1, 3]],
    ['is shorter', 'Low water.', [1, 300]],
    ['is not gzip', 'Low water.', [1, 300, { encoding: 'gzip' }]],
    ['is of an unknown encoding', 'Low water.', [1, 300, { encoding: 'brotli' }]],
    ['is a gzip bomb', gzipSync(new Uint8Array(1_000_000)), [1, 2_000, { encoding: 'gzip' }]],
  ])('refuses a body that %s, and still lists the issue', async (_, block, place) => {
    const { feed, log } = await openLog()
    await log.newsletter()
    await log.issue(body(...place), block)
    const issue = await feed.issue(1)
    await expectCode(feed.readBody(issue), 'INVALID_RECORD')
  })

  test.each([
    ['in an earlier entry', (at: number) => at - 2],
    ['at its own record', (at: number) => at + 1],
    ['behind its record', (at: number) => at + 2],
    ['far behind the log', () => 2 ** 40],
  ])('skips an issue whose body lies %s', async (_, place) => {
    const { feed, log } = await openLogOf(2)
    await log.issue(body(place(log.core.length), 19))
    await log.issue()
    expect(await feed.list()).toMatchObject({ invalid: 1 })
    expect(await numbers(feed)).toEqual([4, 2, 1])
  })

  test('refuses an attachment at the block that is wrong', async () => {
    const { feed, log } = await openLog()
    await log.newsletter()
    const block = 1 + (await log.raw(new Uint8Array(CONTENT_BLOCK_BYTES), 'short')) - 2
    const bytes = CONTENT_BLOCK_BYTES + 100
    const attachment = { name: 'tide.png', block, blocks: 2, bytes, mediaType: 'image/png' }
    await log.issue({ attachments: [attachment] })
    const pieces = feed.readAttachment(attachment)
    expect((await pieces.next()).value).toHaveLength(CONTENT_BLOCK_BYTES)
    await expectCode(pieces.next(), 'INVALID_RECORD')
  })
})

describe('a log that its author spoilt', () => {
  test('stays readable when the last block is no record', async () => {
    const { feed, log } = await openLogOf(2)
    await log.raw('stray')
    expect(await numbers(feed)).toEqual([2, 1])
    expect((await feed.profile()).title).toBe('Tide Tables')
  })

  test('lists later issues when the first block is no record', async () => {
    const { feed, log } = await openLog()
    await log.raw('stray')
    await log.newsletter({ previous: [0], profile: 0 })
    await log.issue()
    expect(await numbers(feed)).toEqual([1])
  })
})

describe('a log that is here in part', () => {
  test('lists records as they arrive', async () => {
    const { log } = await openLogOf(40)
    const { feed, core, disconnect } = await openReader(log.core)
    await core.get(0)
    await core.get(core.length - 1)
    const [, second = 0] = log.records
    await core.get(second)
    disconnect()
    const before = await feed.list(LOCAL)
    expect(before.issues.map((it) => it.record.number)).toEqual([40, 39])
    expect(before.missing).toBeGreaterThan(0)
    await expectCode(feed.issue(7, LOCAL), 'NOT_AVAILABLE')
    const { feed: again } = await openReader(log.core)
    expect(await numbers(again)).toHaveLength(40)
  })

  test('lists what is here while the newest record is not', async () => {
    const { log } = await openLogOf(2)
    const { feed, core, disconnect } = await openReader(log.core)
    expect(await numbers(feed)).toEqual([2, 1])
    await log.issue()
    while (core.length < log.core.length)
      await new Promise((done) => core.once('append', () => done(null)))
    disconnect()
    expect(await numbers(feed, LOCAL)).toEqual([2, 1])
    // Opened anew it has to find out again that it can read the log.
    const again = await openFeed(core.session())
    expect(await numbers(again, LOCAL)).toEqual([2, 1])
    expect((await again.newest(LOCAL))?.record.number).toBe(2)
    expect((await again.issue(undefined, { timeoutMs: 20 })).record.number).toBe(2)
    await expectCode(again.issue(undefined, LOCAL), 'NOT_AVAILABLE')
    expect((await again.profile(LOCAL)).title).toBe('Tide Tables')
    expect((await again.list(LOCAL)).missing).toBe(1)
  })

  test('says that nothing is here, not that there is nothing', async () => {
    const { log } = await openLogOf(2)
    const { feed, disconnect } = await openReader(log.core)
    disconnect()
    await expectCode(feed.list(LOCAL), 'NOT_AVAILABLE')
    await expectCode(feed.issue(undefined, LOCAL), 'NOT_AVAILABLE')
    await expectCode(feed.profile(LOCAL), 'NOT_AVAILABLE')
  })

  test('says that the newest issue is not here while only the profile is', async () => {
    const { log } = await openLogOf(2)
    const { feed, core, disconnect } = await openReader(log.core)
    await core.get(0)
    disconnect()
    await expectCode(feed.issue(undefined, LOCAL), 'NOT_AVAILABLE')
    expect((await feed.profile(LOCAL)).title).toBe('Tide Tables')
  })

  test('knows which entries it holds', async () => {
    const { log } = await openLogOf(2)
    const { feed, disconnect } = await openReader(log.core)
    const issue = await feed.issue(1)
    expect(feed.holds(feed.entryRange(issue))).toBe(false)
    await feed.readBody(issue)
    expect(feed.holds(feed.entryRange(issue))).toBe(true)
    disconnect()
    await expectCode(feed.readBody(await feed.issue(2, LOCAL), LOCAL), 'NOT_AVAILABLE')
  })
})

describe('a private newsletter', () => {
  test('is read with its key', async () => {
    const { log } = await openLogOf(2, KEY)
    const { feed } = await openReader(log.core, KEY)
    expect(await numbers(feed)).toEqual([2, 1])
    expect(await feed.readBody(await feed.issue(1))).toBe('Low water at noon.\n')
  })

  test.each([
    ['without a key', undefined],
    ['with a wrong key', OTHER_KEY],
  ])('is not read %s', async (_, key) => {
    const { log } = await openLogOf(2, KEY)
    const { feed } = await openReader(log.core, key)
    await expectCode(feed.list(), 'NEEDS_KEY')
    await expectCode(feed.profile(), 'NEEDS_KEY')
    await expectCode(feed.newest(), 'NEEDS_KEY')
    await expectCode(feed.issue(1), 'NEEDS_KEY')
  })

  test('is verified without a key', async () => {
    const { log } = await openLogOf(2, KEY)
    const { feed, core } = await openReader(log.core)
    await core.download({ start: 0, end: core.length }).done()
    expect(await feed.verify({ start: 0, end: core.length })).toBe(true)
  })
})

describe('verify', () => {
  test('confirms every block of a good log', async () => {
    const { feed } = await openLogOf(20)
    for (let index = 0; index < feed.length; index++) {
      expect(await feed.verify({ start: index, end: index + 1 })).toBe(true)
    }
  })

  test('notices a stored block that was changed', async () => {
    const { feed, log } = await openLogOf(5)
    await overwrite(log.core, 3, Buffer.from('High water at noon.\n'))
    expect((await log.core.get(3))?.toString()).toBe('High water at noon.\n')
    expect(await feed.verify({ start: 3, end: 4 })).toBe(false)
    expect(await feed.verify({ start: 0, end: feed.length })).toBe(false)
    expect(await feed.verify({ start: 4, end: feed.length })).toBe(true)
  })

  test('notices a change of a single bit', async () => {
    const { feed, log } = await openLogOf(5)
    const block = await log.core.get(4)
    if (block === null) throw new Error('The block is missing.')
    const changed = Buffer.from(block)
    changed[0] = (changed[0] ?? 0) ^ 1
    await overwrite(log.core, 4, changed)
    expect(await feed.verify({ start: 3, end: 5 })).toBe(false)
  })

  test('does not confirm blocks that are not here', async () => {
    const { log } = await openLogOf(2)
    const { feed } = await openReader(log.core)
    expect(await feed.verify({ start: 1, end: 3 })).toBe(false)
  })

  test('judges nothing once the feed is closed', async () => {
    const { feed } = await openLogOf(2)
    const { length } = feed
    await feed.close()
    await expectCode(feed.verify({ start: 0, end: length }), 'ABORTED')
  })
})

describe('a feed that is closed', () => {
  test('fails, and does not pass for an empty one', async () => {
    const { feed } = await openLogOf(2)
    const issue = await feed.issue(1)
    await feed.close()
    await expectCode(feed.list(), 'ABORTED')
    await expectCode(feed.profile(), 'ABORTED')
    await expectCode(feed.issue(undefined), 'ABORTED')
    await expectCode(feed.readBody(issue), 'ABORTED')
    await expectCode(feed.position(), 'ABORTED')
  })
})

describe('position', () => {
  test('is the start of an empty log', async () => {
    const { feed } = await openLog()
    expect(await feed.position()).toEqual(LOG_START)
  })

  test('follows the last record', async () => {
    const { feed, log } = await openLogOf(40)
    expect(await feed.position()).toEqual({
      length: log.core.length,
      previous: log.records.slice(0, 32),
      profile: 0,
      lastNumber: 40,
    })
    const profile = await log.newsletter()
    expect(await feed.position()).toMatchObject({ profile, lastNumber: 40 })
  })

  test('counts on behind records of types that it does not know', async () => {
    const { feed, log } = await openLogOf(2)
    await log.record({ type: 'poll' })
    expect(await feed.position()).toMatchObject({ previous: log.records, lastNumber: 2 })
  })

  test('refuses a log that does not end in a record', async () => {
    const { feed, log } = await openLogOf(2)
    await log.raw('stray')
    await expectCode(feed.position(), 'INVALID_RECORD')
    expect(feed.length).toBe(6)
  })

  test.each([
    ['without a key', undefined],
    ['with a wrong key', OTHER_KEY],
  ])('refuses an encrypted log that it reads %s', async (_, key) => {
    const store = await openStore()
    const log = new LogBuilder(store.get({ name: 'log', encryption: { key: KEY } }))
    await log.newsletter()
    await log.core.close()
    const encryption = key === undefined ? {} : { encryption: { key } }
    const feed = await openFeed(store.get({ name: 'log', ...encryption }))
    expect(feed.writable).toBe(true)
    await expectCode(feed.position(), 'NEEDS_KEY')
    expect(feed.length).toBe(1)
  })
})

/** Changes a block in the storage below Hypercore, as a failing disk or another program would. */
async function overwrite(core: Hypercore, index: number, block: Buffer): Promise<void> {
  const { storage } = (core as unknown as { core: { storage: RawStorage } }).core
  const batch = storage.write()
  batch.putBlock(index, block)
  await batch.flush()
}

interface RawStorage {
  write(): { putBlock(index: number, block: Buffer): void; flush(): Promise<void> }
}
