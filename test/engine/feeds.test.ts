import { once } from 'node:events'
import type Corestore from 'corestore'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Feeds } from '../../src/engine/feeds.ts'
import { LOG_START, composeNewsletter } from '../../src/format/history/entry.ts'
import type { Feed } from '../../src/format/feed.ts'
import { Store } from '../../src/log/store/store.ts'
import { SigningKeys } from '../../src/engine/publish/author-files.ts'
import { Library } from '../../src/engine/library/library.ts'
import { createLogger } from '../../src/logger.ts'
import { encryptionKeyOf, feedKeyOf, type FeedKey } from '../../src/format/keys/feed-key.ts'
import { expectCode } from '../helpers/errors.ts'
import { issueOf, PROFILE, signingKeys } from '../helpers/newsletters.ts'
import { coreOf, connect, openStore } from '../helpers/stores.ts'
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
  const library = await Library.open(await new Store(owned).openKeyValues('library'))
  const discarded: FeedKey[] = []
  const feeds = new Feeds({
    dataDir: await temporaryDirectory(),
    store: new Store(owned),
    library,
    logger: createLogger('silent'),
    keys: await SigningKeys.open(await keysOf(owned)),
    onGrown: () => undefined,
    network: () => undefined,
    goOnline: () => Promise.reject(new Error('There is no network.')),
    onOpen: () => undefined,
    onDiscard: async (feedKey) => void discarded.push(feedKey),
  })
  onTestFinished(async () => {
    await feeds.close()
    await library.close()
  })
  return { store: owned, library, feeds, discarded }
}

/** Longer than a feed without a session stays open. */
const LATER_MS = 61_000

/** Appends without any of the checks that the product makes. */
async function publish(feed: Feed, titles: readonly string[]): Promise<void> {
  if (feed.length === 0) await coreOf(feed).append(composeNewsletter(LOG_START, PROFILE).blocks)
  for (const title of titles) {
    const compose = await issueOf(title)
    await coreOf(feed).append(compose(await feed.position()).blocks)
  }
}

describe('the feeds of a library', () => {
  test('are opened once', async () => {
    const { feeds } = await openFeeds()
    const { feedKey } = (await feeds.create(signingKeys())).feed
    const [one, other] = await Promise.all([feeds.open({ feedKey }), feeds.open({ feedKey })])
    expect(one.feed).toBe(other.feed)
    expect(one).not.toBe(other)
    expect(one.feed.writable).toBe(true)
  })

  test('are opened anew once they were closed', async () => {
    const { feeds } = await openFeeds()
    const { feed } = await feeds.create(signingKeys())
    await feeds.closeFeed(feed.feedKey)
    await feeds.closeFeed(feed.feedKey)
    const { feed: again } = await feeds.open(feed)
    expect(again).not.toBe(feed)
    expect([coreOf(feed).closed, coreOf(again).closed]).toEqual([true, false])
  })

  test('are opened anew, and once, when they were closed from elsewhere', async () => {
    const { feeds } = await openFeeds()
    const { feed } = await feeds.create(signingKeys())
    await feed.close()
    const [one, other] = await Promise.all([feeds.open(feed), feeds.open(feed)])
    expect(one.feed).toBe(other.feed)
    expect(coreOf(one.feed).closed).toBe(false)
  })

  test('are closed with them all', async () => {
    const { feeds } = await openFeeds()
    const opened = [await feeds.create(signingKeys(1)), await feeds.create(signingKeys(2))]
    await feeds.close()
    expect(opened.map((it) => coreOf(it.feed).closed)).toEqual([true, true])
  })

  test('can be read once they were closed and opened with the right key', async () => {
    const { feeds } = await openFeeds()
    const { feed: written } = await feeds.create(signingKeys(), KEY)
    await publish(written, ['One'])
    const { feedKey } = written
    await feeds.closeFeed(feedKey)
    const wrong = await feeds.open({ feedKey, encryptionKey: WRONG_KEY })
    await expectCode(wrong.feed.list(), 'NEEDS_KEY')
    await feeds.closeFeed(feedKey)
    const { issues } = await (await feeds.open({ feedKey, encryptionKey: KEY })).feed.list()
    expect(issues).toHaveLength(1)
  })

  test('fail to open in a store that is closed, and are not remembered', async () => {
    const { feeds, store, library } = await openFeeds()
    await library.close()
    await store.close()
    const feedKey = feedKeyOf(Buffer.alloc(32, 1))
    await expectCode(feeds.open({ feedKey }), 'ABORTED')
    await expectCode(feeds.open({ feedKey }), 'ABORTED')
  })
})

describe('a session', () => {
  /** A feed with a session, on a clock that the test moves. */
  async function opened() {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const all = await openFeeds()
    const session = await all.feeds.create(signingKeys())
    const { feed } = session
    return { ...all, session, feed, feedKey: feed.feedKey }
  }

  test('keeps its feed open, however long it lasts', async () => {
    const { feeds, session, feed, feedKey } = await opened()
    vi.advanceTimersByTime(100 * LATER_MS)
    expect(feeds.closeIfIdle(feedKey)).toBe(false)
    await session[Symbol.asyncDispose]()
    expect(feeds.closeIfIdle(feedKey)).toBe(false)
    vi.advanceTimersByTime(LATER_MS)
    expect(feeds.closeIfIdle(feedKey)).toBe(true)
    await expect.poll(() => coreOf(feed).closed).toBe(true)
  })

  test('is not ended by another one, nor twice', async () => {
    const { feeds, session, feed, feedKey } = await opened()
    const other = await feeds.open({ feedKey })
    await other[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
    vi.advanceTimersByTime(LATER_MS)
    expect(feeds.closeIfIdle(feedKey)).toBe(false)
    expect(coreOf(feed).closed).toBe(false)
    await session[Symbol.asyncDispose]()
  })

  test('that cannot be opened keeps nothing open', async () => {
    const { feeds, session, feed, feedKey } = await opened()
    await session[Symbol.asyncDispose]()
    await expect(feeds.open({ feedKey }, { online: true })).rejects.toThrow('no network')
    vi.advanceTimersByTime(LATER_MS)
    expect(feeds.closeIfIdle(feedKey)).toBe(true)
    await expect.poll(() => coreOf(feed).closed).toBe(true)
  })

  test('ends with the work that fails in it', async () => {
    const { feeds, session, feedKey } = await opened()
    await session[Symbol.asyncDispose]()
    const work = async () => {
      await using _ = await feeds.open({ feedKey })
      throw new Error('the work')
    }
    await expect(work()).rejects.toThrow('the work')
    vi.advanceTimersByTime(LATER_MS)
    expect(feeds.closeIfIdle(feedKey)).toBe(true)
  })

  test('keeps a feed open that is still being opened', async () => {
    const { feeds, session, feedKey } = await opened()
    await session[Symbol.asyncDispose]()
    await feeds.closeFeed(feedKey)
    const opening = feeds.open({ feedKey })
    vi.advanceTimersByTime(LATER_MS)
    expect(feeds.closeIfIdle(feedKey)).toBe(false)
    expect(coreOf((await opening).feed).closed).toBe(false)
  })

  test('of a feed that is closed is not begun by who only looks', async () => {
    const { feeds, feedKey } = await opened()
    expect((await feeds.ifOpen(feedKey))?.feed.feedKey).toBe(feedKey)
    await feeds.closeFeed(feedKey)
    expect(await feeds.ifOpen(feedKey)).toBeUndefined()
  })
})

describe('a temporary session', () => {
  test('discards with the last of them what is in no library', async () => {
    const { feeds, discarded } = await openFeeds()
    const feedKey = feedKeyOf(Buffer.alloc(32, 4))
    const sessions = [
      await feeds.open({ feedKey }, { temporary: true }),
      await feeds.open({ feedKey }, { temporary: true }),
    ]
    await sessions[0]?.[Symbol.asyncDispose]()
    expect(discarded).toEqual([])
    expect(sessions[1]?.feed.log.isOpen).toBe(true)
    await sessions[1]?.[Symbol.asyncDispose]()
    expect(discarded).toEqual([feedKey])
    expect(sessions[1]?.feed.log.isOpen).toBe(false)
  })

  test('leaves what joined the library meanwhile', async () => {
    const { feeds, library, discarded } = await openFeeds()
    const feedKey = feedKeyOf(Buffer.alloc(32, 4))
    const session = await feeds.open({ feedKey }, { temporary: true })
    await library.add(feedKey, 'subscriber')
    await session[Symbol.asyncDispose]()
    expect(discarded).toEqual([])
    expect(coreOf(session.feed).closed).toBe(false)
  })

  test('tries another key, and gives back the one that is kept', async () => {
    const { feeds, library } = await openFeeds()
    const { feed: written } = await feeds.create(signingKeys(), KEY)
    await publish(written, ['One'])
    const { feedKey } = written
    const entry = await library.add(feedKey, 'seeder', { encryptionKey: KEY })
    const wrong = { feedKey, encryptionKey: WRONG_KEY }
    const session = await feeds.open(wrong, { temporary: true })
    await expectCode(session.feed.list(), 'NEEDS_KEY')
    await session[Symbol.asyncDispose]()
    const { issues } = await (await feeds.open(entry)).feed.list()
    expect(issues).toHaveLength(1)
  })
})

describe('resolve', () => {
  async function libraryOf(titles: Readonly<Record<string, string | undefined>>) {
    const { library } = await openFeeds()
    for (const [feedKey, title] of Object.entries(titles)) {
      await library.add(feedKey as FeedKey, 'seeder', title === undefined ? {} : { title })
    }
    return library
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
    ['a part of its title', 'TABLE'],
  ])('finds a newsletter by %s', async (_, reference) => {
    expect((await libraryOf(LIBRARY)).resolve(reference).feedKey).toBe(TIDES)
  })

  test.each([
    ['by its title', 'Moon'],
    ['by a common prefix', feedKeyOf(Buffer.alloc(32, 2)).slice(0, 1)],
  ])('refuses to choose between several %s', async (_, reference) => {
    const library = await libraryOf({ [MOON]: 'Moon', [MOSS]: 'moon', [TIDES]: undefined })
    const matching = [MOON, MOSS, TIDES].filter((it) => it.startsWith(reference)).length
    expect(reference === 'Moon' || matching > 1).toBe(true)
    expect(() => library.resolve(reference)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
  })

  test.each([8, 12, 51])(
    'takes %i letters of a key for the key, whoever is called so',
    async (length) => {
      const beginning = TIDES.slice(0, length)
      const library = await libraryOf({ [TIDES]: 'Tide Tables', [MOON]: beginning })
      expect(library.resolve(beginning).feedKey).toBe(TIDES)
      expect(library.resolve(` ${beginning.toUpperCase()}`).feedKey).toBe(TIDES)
    },
  )

  test('takes the beginning of a title before a part of one, and no title for a key', async () => {
    const library = await libraryOf({ [TIDES]: 'Tide Tables', [MOON]: `The tide of ${MOSS}` })
    expect(library.resolve('tide').feedKey).toBe(TIDES)
    expect(library.resolve('ide of').feedKey).toBe(MOON)
    expect(() => library.resolve(MOSS)).toThrow(
      expect.objectContaining({ code: 'NEWSLETTER_NOT_FOUND' }),
    )
  })

  test.each([
    ['Tide Tabels', 'Tide Tables'],
    ['tabels', 'Tide Tables'],
    ['mon', 'Moon'],
    ['Sea', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ])('suggests for %j the nearest title', async (reference, title) => {
    const library = await libraryOf({ [TIDES]: 'Tide Tables', [MOON]: 'Moon', [MOSS]: undefined })
    const hint = title === undefined ? 'Run `hyperletter list`' : `Did you mean "${title}"?`
    expect(() => library.resolve(reference)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(hint) as unknown }),
    )
  })

  test('does not choose a title of few letters over a key that begins so', async () => {
    const library = await libraryOf({ [TIDES]: 'Tide Tables', [MOON]: TIDES.slice(0, 4) })
    expect(() => library.resolve(TIDES.slice(0, 4))).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
  })

  test.each([
    ['a title that none has', 'Sea'],
    ['a key that is not here', feedKeyOf(Buffer.alloc(32, 9))],
    ['nothing', ''],
    ['blanks', '  '],
  ])('does not find %s', async (_, reference) => {
    const library = await libraryOf({ [TIDES]: 'Tide Tables' })
    expect(() => library.resolve(reference)).toThrow(
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
    const { feed: honest } = await author.feeds.create(signingKeys())
    const { feed: forked } = await stale.feeds.create(signingKeys())
    await publish(honest, ['One', 'Two'])
    await publish(forked, ['One', 'Another two', 'Another three'])
    const { feedKey } = honest
    await reader.library.add(feedKey, 'subscriber')
    const { feed: read } = await reader.feeds.open({ feedKey })
    connect(author.store, reader.store)
    while (read.length < honest.length) await once(coreOf(read), 'append')
    await coreOf(read).download({ start: 0, end: read.length }).done()

    const conflict = once(coreOf(read), 'conflict')
    connect(stale.store, reader.store)
    await conflict
    await expect
      .poll(() => reader.library.get(feedKey)?.problem?.code, { timeout: 5_000 })
      .toBe('FEED_CONFLICT')
    const { feed: again } = await reader.feeds.open({ feedKey })
    expect(again).not.toBe(read)
    const { issues } = await again.list({ wait: false })
    expect(issues.map((it) => it.record.title)).toEqual(['Two', 'One'])
  })
})
