import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Library } from '../../../src/engine/library/library.ts'
import { Retention } from '../../../src/engine/retention/retention.ts'
import { EVERYTHING, UNDECIDED } from '../../../src/format/selection.ts'
import { Store } from '../../../src/log/store/store.ts'
import { createLogger } from '../../../src/logger.ts'
import { LogBuilder } from '../../helpers/log-builder.ts'
import { connect, coreOf, openFeed, openStore } from '../../helpers/stores.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** Of which the storage takes all but 2 MB for itself. */
const CAP_BYTES = 8 * 2 ** 20

/** A capped device that follows newsletters of others; each is connected, and so much of it is fetched as is asked for. */
async function device() {
  const dataDir = await temporaryDirectory()
  const storeDir = join(dataDir, 'store')
  const store = await openStore(storeDir)
  const library = await Library.open(await new Store(store).openKeyValues('library'))
  const retention = new Retention({
    config: { dataDir, storeDir },
    capBytes: CAP_BYTES,
    store: new Store(store),
    library,
    logger: createLogger('silent'),
    open: async () => undefined,
  })
  onTestFinished(async () => {
    await retention.close()
    await library.close()
  })
  const follow = async () => {
    const log = new LogBuilder((await openStore()).get({ name: 'log' }))
    await log.core.ready()
    await log.newsletter()
    await log.issue()
    const core = store.get({ key: log.core.key as Buffer, allowFork: false })
    const feed = await openFeed(core)
    connect(log.core, core)
    await core.download({ start: 0, end: log.core.length }).done()
    await library.add(feed.feedKey, 'subscriber')
    retention.add(feed)
    return { log, feed }
  }
  return { library, retention, follow }
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
