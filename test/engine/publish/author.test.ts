import { join } from 'node:path'
import { readdir, rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { Author } from '../../../src/engine/publish/author.ts'
import { Continuity } from '../../../src/engine/publish/continuity.ts'
import { Journal } from '../../../src/engine/publish/journal.ts'
import { PublishedNotes } from '../../../src/engine/publish/author-files.ts'
import type { Feed } from '../../../src/format/feed.ts'
import { createLogger } from '../../../src/logger.ts'
import { configOf, openEngine } from '../../helpers/engines.ts'
import { expectCode } from '../../helpers/errors.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'
import { beginNewsletter, issueOf, PROFILE, signingKeys } from '../../helpers/newsletters.ts'
import { fillDisk, NO_SMALL_DISK, smallDisk } from '../../helpers/small-disk.ts'
import { coreOf, connect, openFeed, openReplica, openStore } from '../../helpers/stores.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** An author over a store of its own, and what it forced to disk when. */
async function openAuthor() {
  const dir = join(await temporaryDirectory(), 'journal')
  const journal = await Journal.open(dir)
  const continuity = new Continuity({
    notes: await PublishedNotes.open(join(await temporaryDirectory(), 'published')),
    flush: () => Promise.resolve(),
  })
  const store = await openStore()
  const flushes: number[] = []
  const feed = await openFeed(store.get({ keyPair: signingKeys() }))
  const author = new Author({
    journal,
    continuity,
    logger: createLogger('silent'),
    flush: async () => {
      flushes.push(feed.length)
      await store.storage.db.flush()
    },
  })
  return { author, feed, journal, continuity, dir, store, flushes }
}

async function numbers(feed: Feed): Promise<number[]> {
  return (await feed.list()).issues.map((it) => it.record.number)
}

describe('append', () => {
  test('publishes issue after issue', async () => {
    const { author, feed, dir, flushes } = await openAuthor()
    await author.begin(feed, PROFILE)
    const [first] = await author.append(feed, [await issueOf('One')])
    const [second] = await author.append(feed, [await issueOf('Two')])
    expect([first?.number, second?.number]).toEqual([1, 2])
    expect(await numbers(feed)).toEqual([2, 1])
    expect(await readdir(dir)).toEqual([])
    expect(flushes).toEqual([1, 3, 5])
  })

  test('gives appends that run at once consecutive numbers', async () => {
    const { author, feed } = await openAuthor()
    await author.begin(feed, PROFILE)
    const issues = await Promise.all(Array.from({ length: 10 }, (_, i) => issueOf(`Issue ${i}`)))
    const published = await Promise.all(issues.map((it) => author.append(feed, [it])))
    expect(published.map(([it]) => it?.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    const { issues: listed, invalid } = await feed.list()
    expect(listed.map((it) => it.record.title).toReversed()).toEqual(
      Array.from({ length: 10 }, (_, i) => `Issue ${i}`),
    )
    expect(invalid).toBe(0)
  })

  test('publishes several issues in one append and one flush', async () => {
    const { author, feed, flushes } = await openAuthor()
    await author.begin(feed, PROFILE)
    let appends = 0
    coreOf(feed).on('append', () => appends++)
    const issues = await Promise.all([issueOf('One'), issueOf('Two'), issueOf('Three')])
    const published = await author.append(feed, issues)
    expect(published.map((it) => it.number)).toEqual([1, 2, 3])
    expect(await numbers(feed)).toEqual([3, 2, 1])
    expect(appends).toBe(1)
    expect(flushes).toHaveLength(2)
  })

  test('has the exact blocks in the journal before they are in the log', async () => {
    const { author, feed, journal } = await openAuthor()
    await author.begin(feed, PROFILE)
    const seen: unknown[] = []
    const core = coreOf(feed)
    const append = core.append.bind(core)
    core.append = async (blocks) => {
      const pending = await journal.pending()
      seen.push(
        core.length,
        pending.map((it) => it.start),
        pending[0]?.blocks,
      )
      return append(blocks)
    }
    const [published] = await author.append(feed, [await issueOf('One')])
    expect(seen).toEqual([1, [1], published?.blocks.map((it) => Buffer.from(it))])
  })

  test('has published what is in the log and the journal, though the store cannot flush', async () => {
    const { author, feed, journal, continuity, dir } = await openAuthor()
    await author.begin(feed, PROFILE)
    const failing = new Author({
      journal,
      continuity,
      logger: createLogger('silent'),
      flush: () => Promise.reject(new Error('refused')),
    })
    const [published] = await failing.append(feed, [await issueOf('One')])
    expect(published?.number).toBe(1)
    expect(await readdir(dir)).toHaveLength(1)
    await expectCode(failing.append(feed, [await issueOf('Two')]), 'FEED_BEHIND')

    for (const pending of await journal.pending()) await author.recover(feed, pending)
    expect((await author.append(feed, [await issueOf('Two')]))[0]?.number).toBe(2)
    expect(await numbers(feed)).toEqual([2, 1])
  })

  test('goes on after one that failed', async () => {
    const { author, feed } = await openAuthor()
    await author.begin(feed, PROFILE)
    const refused = author.append(feed, [
      () => {
        throw new Error('refused')
      },
    ])
    const next = author.append(feed, [await issueOf('One')])
    await expect(refused).rejects.toThrow('refused')
    expect((await next)[0]?.number).toBe(1)
  })

  test('waits for no other feed', async () => {
    const { author, feed, store } = await openAuthor()
    const other = await openFeed(store.get({ keyPair: signingKeys(2) }))
    await Promise.all([author.begin(feed, PROFILE), author.begin(other, PROFILE)])
    let release = () => {}
    const released = new Promise<never>((_, reject) => {
      release = () => reject(new Error('released'))
    })
    coreOf(other).append = () => released
    const stuck = author.append(other, [await issueOf('Stuck')])
    expect((await author.append(feed, [await issueOf('One')]))[0]?.number).toBe(1)
    release()
    await expect(stuck).rejects.toThrow('released')
  })
})

describe('append is refused', () => {
  test('without the signing key', async () => {
    const { author, feed } = await openAuthor()
    await author.begin(feed, PROFILE)
    const replica = await openReplica(coreOf(feed))
    await replica.core.get(0)
    const reader = await openFeed(replica.core)
    await expectCode(author.append(reader, [await issueOf('One')]), 'NOT_AUTHOR')
  })

  test('to an empty log, which has no profile', async () => {
    const { author, feed } = await openAuthor()
    await expectCode(author.append(feed, [await issueOf('One')]), 'FEED_BEHIND')
    expect(feed.length).toBe(0)
  })

  test('while blocks of the log are missing here', async () => {
    const { author, feed } = await openAuthor()
    await author.begin(feed, PROFILE)
    await author.append(feed, [await issueOf('One')])
    await coreOf(feed).clear(1)
    await expectCode(author.append(feed, [await issueOf('Two')]), 'FEED_BEHIND')
    expect(feed.length).toBe(3)
  })

  test('while a peer has a longer log', async () => {
    const { author, feed } = await openAuthor()
    await author.begin(feed, PROFILE)
    await author.append(feed, [await issueOf('One')])
    // A stale copy: another device with the same key, which knows the first block only.
    const behind = await openAuthor()
    await behind.author.begin(behind.feed, PROFILE)
    const { core } = await openReplica(coreOf(feed))
    await core.download({ start: 0, end: core.length }).done()
    connect(core, coreOf(behind.feed))
    await expect
      .poll(() => coreOf(behind.feed).peers[0]?.remoteLength, { timeout: 5_000 })
      .toBe(feed.length)
    await expectCode(behind.author.append(behind.feed, [await issueOf('Fork')]), 'FEED_BEHIND')
  })

  test('while an interrupted one cannot be finished', async () => {
    const { author, feed, journal } = await openAuthor()
    await author.begin(feed, PROFILE)
    await journal.write({ feedKey: feed.feedKey, start: 9, blocks: [Buffer.from('x')] })
    await expectCode(author.append(feed, [await issueOf('One')]), 'FEED_BEHIND')
    expect(feed.length).toBe(1)
  })

  test('to a log that does not end in a record', async () => {
    const { author, feed, dir } = await openAuthor()
    await new LogBuilder(coreOf(feed)).newsletter()
    await coreOf(feed).append('stray')
    await expectCode(author.append(feed, [await issueOf('One')]), 'INVALID_RECORD')
    expect(feed.length).toBe(2)
    expect(await readdir(dir)).toEqual([])
  })

  test('after close, while the one that has begun ends whole', async () => {
    const { author, feed, dir } = await openAuthor()
    await author.begin(feed, PROFILE)
    const running = author.append(feed, [await issueOf('One')])
    const core = coreOf(feed)
    const append = core.append.bind(core)
    let late: Promise<unknown> | undefined
    let closing: Promise<void> | undefined
    core.append = async (blocks) => {
      closing = author.close()
      late = expectCode(author.append(feed, []), 'ABORTED')
      return append(blocks)
    }
    expect((await running)[0]?.number).toBe(1)
    await closing
    await late
    expect(await readdir(dir)).toEqual([])
  })
})

describe('a full disk', () => {
  async function openOnSmallDisk(where: 'storeDir' | 'journalDir') {
    const disk = await smallDisk(16)
    const config = { ...configOf(await temporaryDirectory()), [where]: join(disk, where) }
    const engine = await openEngine({ config })
    return { disk, config, engine }
  }

  test.for(['storeDir', 'journalDir'] as const)(
    'of the %s publishes nothing, leaves no journal, and is over once there is room',
    async (where, { skip }) => {
      skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
      const { disk, config, engine } = await openOnSmallDisk(where)
      const { feed, entry } = await beginNewsletter(engine)
      await engine.author.append(feed, [await issueOf('One')])
      const filling = await fillDisk(disk)
      const text = Array.from({ length: 200_000 }, () => Math.random().toString(36)).join(' ')
      const large = await issueOf('Large', text.slice(0, 2_000_000))
      const error = await failureOf(async () => {
        for (;;) await engine.author.append(feed, [large])
      })
      expect(error).toMatchObject({ code: 'DISK_FULL' })
      expect(await readdir(config.journalDir)).toEqual([])
      const published = await numbers(feed)
      await engine.close()

      await rm(filling)
      const again = await openEngine({ config })
      const { feed: same } = await again.open(entry)
      expect(await numbers(same)).toEqual(published)
      const [next] = await again.author.append(same, [await issueOf('Next')])
      expect(next?.number).toBe((published[0] ?? 0) + 1)
    },
  )
})

async function failureOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work()
  } catch (error) {
    return error
  }
}
