import { once } from 'node:events'
import type Corestore from 'corestore'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Feeds } from '../../src/engine/feeds.ts'
import { LOG_START, composeNewsletter } from '../../src/format/history/entry.ts'
import type { Feed } from '../../src/format/feed.ts'
import { namedCore } from '../../src/log/store/named-core.ts'
import { Use } from '../../src/engine/use.ts'
import { SigningKeys } from '../../src/engine/publish/signing-keys.ts'
import { Library } from '../../src/engine/library/library.ts'
import { createLogger } from '../../src/logger.ts'
import { encryptionKeyOf, feedKeyOf, type FeedKey } from '../../src/format/keys/feed-key.ts'
import { expectCode } from '../helpers/errors.ts'
import { issueOf, PROFILE, signingKeys } from '../helpers/newsletters.ts'
import { connect, openStore } from '../helpers/stores.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const KEY = encryptionKeyOf(Buffer.alloc(32, 7))
const WRONG_KEY = encryptionKeyOf(Buffer.alloc(32, 8))

const keyDirectories = new WeakMap<Corestore, string>()

async function keysOf(store: Corestore): Promise<string> {
  const directory = keyDirectories.get(store) ?? (await temporaryDirectory())
  keyDirectories.set(store, directory)
  return directory
}

async function openFeeds(store?: Corestore) {
  const owned = store ?? (await openStore())
  const library = await Library.open(namedCore(owned, 'library'))
  const feeds = new Feeds({
    store: owned,
    library,
    logger: createLogger('silent'),
    keys: await SigningKeys.open(await keysOf(owned)),
    onGrown: () => undefined,
    use: new Use(),
    onOpen: () => undefined,
    onReopen: async () => undefined,
  })
  onTestFinished(async () => {
    await feeds.close()
    await library.close()
  })
  return { store: owned, library, feeds }
}

/** Appends without any of the checks that the product makes. */
async function publish(feed: Feed, titles: readonly string[]): Promise<void> {
  if (feed.length === 0) await feed.core.append(composeNewsletter(LOG_START, PROFILE).blocks)
  for (const title of titles) {
    const compose = await issueOf(title)
    await feed.core.append(compose(await feed.position()).blocks)
  }
}

describe('the feeds of a library', () => {
  test('are opened once', async () => {
    const { feeds } = await openFeeds()
    const { feedKey } = await feeds.create(signingKeys())
    const [one, other] = await Promise.all([feeds.get({ feedKey }), feeds.get({ feedKey })])
    expect(one).toBe(other)
    expect(one.writable).toBe(true)
  })

  test('are opened anew once they were released', async () => {
    const { feeds } = await openFeeds()
    const feed = await feeds.create(signingKeys())
    await feeds.release(feed.feedKey)
    await feeds.release(feed.feedKey)
    const again = await feeds.get(feed)
    expect(again).not.toBe(feed)
    expect([feed.core.closed, again.core.closed]).toEqual([true, false])
  })

  test('are opened anew, and once, when they were closed from elsewhere', async () => {
    const { feeds } = await openFeeds()
    const feed = await feeds.create(signingKeys())
    await feed.close()
    const [one, other] = await Promise.all([feeds.get(feed), feeds.get(feed)])
    expect(one).toBe(other)
    expect(one.core.closed).toBe(false)
  })

  test('are closed with them all', async () => {
    const { feeds } = await openFeeds()
    const opened = [await feeds.create(signingKeys(1)), await feeds.create(signingKeys(2))]
    await feeds.close()
    expect(opened.map((it) => it.core.closed)).toEqual([true, true])
  })

  test('can be read once they were released and opened with the right key', async () => {
    const { feeds } = await openFeeds()
    const written = await feeds.create(signingKeys(), KEY)
    await publish(written, ['One'])
    const { feedKey } = written
    await feeds.release(feedKey)
    await expectCode((await feeds.get({ feedKey, encryptionKey: WRONG_KEY })).list(), 'NEEDS_KEY')
    await feeds.release(feedKey)
    const { issues } = await (await feeds.get({ feedKey, encryptionKey: KEY })).list()
    expect(issues).toHaveLength(1)
  })

  test('fail to open in a store that is closed, and are not remembered', async () => {
    const { feeds, store, library } = await openFeeds()
    await library.close()
    await store.close()
    const feedKey = feedKeyOf(Buffer.alloc(32, 1))
    await expectCode(feeds.get({ feedKey }), 'ABORTED')
    await expectCode(feeds.get({ feedKey }), 'ABORTED')
  })
})

describe('resolve', () => {
  async function libraryOf(titles: Readonly<Record<string, string | undefined>>) {
    const { feeds, library } = await openFeeds()
    for (const [feedKey, title] of Object.entries(titles)) {
      await library.add(feedKey as FeedKey, 'seeder', title === undefined ? {} : { title })
    }
    return feeds
  }
  const [TIDES, MOON, MOSS] = [1, 2, 3].map((it) => feedKeyOf(Buffer.alloc(32, it))) as [
    FeedKey,
    FeedKey,
    FeedKey,
  ]
  const LIBRARY = { [TIDES]: 'Tide Tables', [MOON]: 'Moon', [MOSS]: 'moon' }

  test.each([
    ['its key', TIDES],
    ['its link', `hyperletter://${TIDES}`],
    ['its private link', `hyperletter://${TIDES}#${KEY}`],
    ['its key in hex', Buffer.alloc(32, 1).toString('hex')],
    ['a prefix of its key', TIDES.slice(0, 12)],
    ['its title', 'Tide Tables'],
    ['its title in other letters', ' TIDE tables '],
    ['the beginning of its title', 'tide t'],
  ])('finds a newsletter by %s', async (_, reference) => {
    expect((await libraryOf(LIBRARY)).resolve(reference).feedKey).toBe(TIDES)
  })

  test.each([
    ['by its title', 'Moon'],
    ['by a common prefix', feedKeyOf(Buffer.alloc(32, 2)).slice(0, 1)],
  ])('refuses to choose between several %s', async (_, reference) => {
    const feeds = await libraryOf({ [MOON]: 'Moon', [MOSS]: 'moon', [TIDES]: undefined })
    const matching = [MOON, MOSS, TIDES].filter((it) => it.startsWith(reference)).length
    expect(reference === 'Moon' || matching > 1).toBe(true)
    expect(() => feeds.resolve(reference)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
  })

  test.each([
    ['a title that none has', 'Sea'],
    ['a key that is not here', feedKeyOf(Buffer.alloc(32, 9))],
    ['nothing', ''],
    ['blanks', '  '],
  ])('does not find %s', async (_, reference) => {
    const feeds = await libraryOf({ [TIDES]: 'Tide Tables' })
    expect(() => feeds.resolve(reference)).toThrow(
      expect.objectContaining({ code: 'NEWSLETTER_NOT_FOUND' }),
    )
  })
})

describe('two histories under one key', () => {
  test('are noticed, noted, and leave what is held readable', async () => {
    vi.spyOn(console, 'log').mockImplementation(() => undefined)
    const author = await openFeeds()
    const stale = await openFeeds()
    const reader = await openFeeds()
    const honest = await author.feeds.create(signingKeys())
    const forked = await stale.feeds.create(signingKeys())
    await publish(honest, ['One', 'Two'])
    await publish(forked, ['One', 'Another two', 'Another three'])
    const { feedKey } = honest
    await reader.library.add(feedKey, 'subscriber')
    const read = await reader.feeds.get({ feedKey })
    connect(author.store, reader.store)
    while (read.length < honest.length) await once(read.core, 'append')
    await read.core.download({ start: 0, end: read.length }).done()

    const conflict = once(read.core, 'conflict')
    connect(stale.store, reader.store)
    await conflict
    await expect
      .poll(() => reader.library.get(feedKey)?.problem?.code, { timeout: 5_000 })
      .toBe('FEED_CONFLICT')
    const again = await reader.feeds.get({ feedKey })
    expect(again).not.toBe(read)
    const { issues } = await again.list({ wait: false })
    expect(issues.map((it) => it.record.title)).toEqual(['Two', 'One'])
  })
})
