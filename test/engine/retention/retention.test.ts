import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Corestore from 'corestore'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Library } from '../../../src/engine/library/library.ts'
import { Retention } from '../../../src/engine/retention/retention.ts'
import type { Feed } from '../../../src/format/feed.ts'
import { EVERYTHING, UNDECIDED } from '../../../src/format/selection.ts'
import { feedKeyOf } from '../../../src/format/keys/feed-key.ts'
import { bytesUnderCap } from '../../../src/log/store/disk.ts'
import { Store } from '../../../src/log/store/store.ts'
import { createLogger } from '../../../src/logger.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'
import { connect, coreOf, openFeed, openStore } from '../../helpers/stores.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** Of which the storage takes all but 2 MB for itself. */
const CAP_BYTES = 8 * 2 ** 20

/** A capped device that follows newsletters of others; each is connected, and so much of it is fetched as is asked for. */
async function device(
  opening: (store: Corestore) => Promise<Feed | undefined> = async () => undefined,
) {
  const dataDir = await temporaryDirectory()
  const storeDir = join(dataDir, 'store')
  const store = await openStore(storeDir)
  const library = await Library.open(await new Store(store).openKeyValues('library'))
  const retention = new Retention({
    config: { storeDir, lettersDir: join(dataDir, 'letters') },
    capBytes: CAP_BYTES,
    store: new Store(store),
    library,
    logger: createLogger('silent'),
    open: async () => {
      const opened = await opening(store)
      if (opened !== undefined) retention.add(opened)
    },
  })
  onTestFinished(async () => {
    await retention.close()
    await library.close()
  })
  const follow = async (write = (log: LogBuilder): Promise<unknown> => log.issue()) => {
    const log = new LogBuilder((await openStore()).get({ name: 'log' }))
    await log.core.ready()
    await log.newsletter()
    await write(log)
    const core = store.get({ key: log.core.key as Buffer, allowFork: false })
    const feed = await openFeed(core)
    connect(log.core, core)
    await core.download({ start: 0, end: log.core.length }).done()
    await library.add(feed.feedKey, 'subscriber')
    retention.add(feed)
    return { log, feed }
  }
  return { dataDir, storeDir, store, library, retention, follow }
}

test('what fits is fetched whole', async () => {
  const { retention, follow } = await device()
  const { feed } = await follow()
  await retention.runNow()
  expect(feed.selection).toBe(EVERYTHING)
})

test('what a policy leaves out is dropped, and stays out when the log grows', async () => {
  const { library, retention, follow } = await device()
  const { log, feed } = await follow()
  await log.issue()
  await coreOf(feed).download({ start: 0, end: log.core.length }).done()
  await library.update(feed.feedKey, { keep: { newest: 1 } })
  await retention.runNow()
  expect(feed.selection).not.toBe(EVERYTHING)
  expect(retention.leftOut(feed.feedKey)).toBe(1)
  const [newest, oldest] = (await feed.list({ wait: false })).issues
  if (newest === undefined || oldest === undefined) throw new Error('There are two issues.')
  expect([feed.holdsIssue(newest), await coreOf(feed).has(oldest.record.body.block)]).toEqual([
    true,
    false,
  ])
})

test('letters stay with the issue that they are about', async () => {
  const { library, retention, follow } = await device()
  const { log, feed } = await follow()
  await log.issue()
  const about = [await log.letter(1, { issue: 1 }), await log.letter(2, { issue: 2 })]
  const gone = await log.letter(3, { issue: 2 })
  await log.letters({ withdrawn: [{ letter: 3 }] })
  await coreOf(feed).download({ start: 0, end: log.core.length }).done()
  await library.update(feed.feedKey, { keep: { newest: 1 } })
  await retention.runNow()
  await feed.dropUnwanted()
  const held = await Promise.all([...about, gone].map((it) => coreOf(feed).has(it)))
  expect(held).toEqual([false, true, false])
})

test('what has grown while the others were planned stays held back until it is planned too', async () => {
  const { library, retention, follow } = await device()
  const [limited, growing] = [await follow(), await follow()]
  await library.update(limited.feed.feedKey, { keep: { newest: 1 } })
  await retention.runNow()
  expect(growing.feed.selection).toBe(EVERYTHING)

  const list = limited.feed.list.bind(limited.feed)
  vi.spyOn(limited.feed, 'list').mockImplementationOnce(async (options) => {
    // More than fits.
    await growing.log.raw(...Array.from({ length: 60 }, () => new Uint8Array(64 * 1024)))
    while (growing.feed.length < growing.log.core.length) await once(coreOf(growing.feed), 'append')
    return list(options)
  })
  await retention.runNow()
  expect(growing.feed.selection).toEqual(UNDECIDED)
})

test('records count against the cap: of those that do not fit the newest stay, and the others are not listed', async () => {
  const { retention, follow } = await device()
  const { log, feed } = await follow(async (it) => {
    await it.issue()
    for (let i = 0; i < 200; i++) await it.newsletter({ padding: 'x'.repeat(60_000) })
    await it.issue({ title: 'Newest' })
  })
  await retention.runNow()
  const budgetBytes = bytesUnderCap(CAP_BYTES)
  const held = () => feed.log.countHeld({ start: 1, end: feed.length }) * 60_000
  expect(held()).toBeGreaterThan(budgetBytes / 8)
  expect(held()).toBeLessThan(budgetBytes)
  const { issues, isCut, missing } = await feed.list({ wait: false })
  expect(issues.map((it) => it.record.title)).toEqual(['Newest'])
  expect({ isCut, missing }).toEqual({ isCut: true, missing: 0 })
  expect(await feed.profile({ wait: false })).toMatchObject({ title: 'Tide Tables' })

  // Later ones take the place of older ones, and nobody asks for those again.
  for (let i = 0; i < 40; i++) await log.newsletter({ padding: 'y'.repeat(60_000) })
  await log.issue({ title: 'Newer' })
  const { length } = log.core
  await coreOf(feed)
    .download({ start: length - 50, end: length })
    .done()
  await retention.runNow()
  expect(held()).toBeLessThan(budgetBytes)
  expect((await feed.list({ wait: false })).issues.map((it) => it.record.title)).toEqual(['Newer'])
  expect(feed.selection.fetch.every((it) => it.start === 0 || it.start > length - 100)).toBe(true)
})

test('nothing counts against the cap but what others wrote', async () => {
  const own = new LogBuilder((await openStore()).get({ name: 'own' }))
  await own.core.ready()
  await own.newsletter()
  const { dataDir, storeDir, store, library, retention, follow } = await device(async (it) => {
    const core = it.get({ key: own.core.key as Buffer })
    onTestFinished(() => core.close())
    return openFeed(core)
  })
  const copy = store.get({ key: own.core.key as Buffer })
  connect(own.core, copy)
  for (let i = 0; i < 40; i++) await own.raw(new Uint8Array(64 * 1024).fill(i))
  await copy.download({ start: 0, end: own.core.length }).done()
  await copy.close()
  await library.add(feedKeyOf(own.core.key as Buffer), 'author')
  await mkdir(join(storeDir, 'db'), { recursive: true })
  await writeFile(join(storeDir, 'db', 'LOG.old.1790000000000000'), new Uint8Array(4e6).fill(1))
  await writeFile(join(dataDir, 'daemon.log'), new Uint8Array(4e6).fill(1))

  const { feed } = await follow((it) => it.raw(new Uint8Array(1e6).fill(7)))
  await retention.runNow()
  expect(feed.selection).toBe(EVERYTHING)
  expect(await retention.usedBytes()).toBeLessThan(CAP_BYTES)
  await retention.reserve(feed, 1e6)
})
