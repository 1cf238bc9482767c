import { rm } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { EngineSupervisor } from '../../src/daemon/engine-supervisor.ts'
import { Engine } from '../../src/engine/engine.ts'
import { createLogger } from '../../src/logger.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { fillAllBut, heldIssues, isDiskFull, KIB, noise, openOn } from '../helpers/full-disk.ts'
import { all, expectFailure, single } from '../helpers/operations.ts'
import { publish } from '../helpers/peers.ts'
import { NO_SMALL_DISK, smallDisk } from '../helpers/small-disk.ts'
import { eventually, subscribe } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

/** On a disk of its own, which can be filled. */
async function openOnSmallDisk(open?: () => Promise<Engine>) {
  const disk = await smallDisk(64)
  const config = configOf(disk, await privateNetwork())
  const logger = createLogger('silent')
  const openAgain = open ?? (() => Engine.open({ config, logger }))
  const lasting = new EngineSupervisor(await openEngine({ config }), {
    open: openAgain,
    dataDir: disk,
    logger,
  })
  onTestFinished(() => lasting.close())
  await lasting.goOnline()
  const { operations } = lasting
  const { feedKey, link } = await operations.createNewsletter({ title: 'Tides' })
  return { disk, config, lasting, operations, feedKey, link }
}

type Opened = Awaited<ReturnType<typeof openOnSmallDisk>>

/** Publishes until the disk is full; what was acknowledged, and the file that takes the room. */
async function fillUp({ disk, operations, feedKey }: Opened) {
  const filling = await fillAllBut(disk, 200 * KIB)
  const acknowledged = await heldIssues(operations, feedKey)
  for (let i = 0; i < 30; i++) {
    const markdown = `# Issue ${i}\n\n${noise(90 * KIB)}\n`
    const published = await publish(operations, markdown).catch(isDiskFull)
    if (published === undefined) return { filling, acknowledged }
    acknowledged.set(published.number, markdown)
  }
  throw new Error('The disk did not fill up.')
}

test('an author publishes on as soon as there is room, and readers get it', async ({ skip }) => {
  skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
  const opened = await openOnSmallDisk()
  const { operations, feedKey, link, config } = opened
  await publish(operations, '# First\n')
  const reader = await openOn(configOf(await temporaryDirectory(), config.bootstrap))
  await subscribe(reader, link)
  const { filling, acknowledged } = await fillUp(opened)
  await expectFailure('DISK_FULL', publish(operations, '# Too much\n'))
  expect((await operations.status({})).problem).toMatchObject({ code: 'DISK_FULL' })
  // What is here stays readable.
  expect(await heldIssues(operations, feedKey)).toEqual(acknowledged)
  await rm(filling)

  const { number } = await publish(operations, '# There is room\n')
  acknowledged.set(number, '# There is room\n')
  expect(number).toBe(acknowledged.size)
  expect((await operations.status({})).problem).toBeUndefined()
  expect(await heldIssues(operations, feedKey)).toEqual(acknowledged)
  await eventually(async () =>
    expect(await heldIssues(reader.operations, feedKey)).toEqual(acknowledged),
  )
  expect(single((await reader.operations.status({})).newsletters).problem).toBeUndefined()
})

test('what runs while there is room again ends with NOT_AVAILABLE', async ({ skip }) => {
  skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
  const opened = await openOnSmallDisk()
  const { operations } = opened
  const draft = { markdown: '# For a thousand\n' }
  const publishing = operations.publishIssue({ draft, waitCopies: 1_000 })[Symbol.asyncIterator]()
  await publishing.next()
  const { filling } = await fillUp(opened)
  await rm(filling)
  await operations.status({})
  const waiting = async () => {
    for (;;) if ((await publishing.next()).done === true) return
  }
  await expectFailure('NOT_AVAILABLE', waiting())
})

test('a watch ends with DISK_FULL, for nothing arrives any more', async ({ skip }) => {
  skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
  const opened = await openOnSmallDisk()
  const watching = all(opened.operations.watchIssues({}))
  watching.catch(() => undefined)
  await fillUp(opened)
  await expectFailure('DISK_FULL', watching)
})

test('an interrupted operation still ends with ABORTED', async ({ skip }) => {
  skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
  const { operations } = await openOnSmallDisk()
  const abort = new AbortController()
  const watching = all(operations.watchIssues({}, { signal: abort.signal }))
  watching.catch(() => undefined)
  abort.abort()
  await expectFailure('ABORTED', watching)
})

test('an engine that does not open at once is tried again', async ({ skip }) => {
  skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
  let attempts = 0
  const opened = await openOnSmallDisk(async () => {
    attempts++
    if (attempts === 1) throw new Error('Not yet.')
    return Engine.open({ config: opened.config, logger: createLogger('silent') })
  })
  const { operations, feedKey } = opened
  const { filling, acknowledged } = await fillUp(opened)
  await rm(filling)
  await expect(operations.status({})).rejects.toThrow('Not yet.')
  expect(await heldIssues(operations, feedKey)).toEqual(acknowledged)
  expect(attempts).toBe(2)
})

test('a failure for want of room on another disk leaves the engine as it is', async ({ skip }) => {
  skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
  const disk = await smallDisk(1)
  const base = configOf(await temporaryDirectory(), [])
  const config = { ...base, journalDir: disk }
  const engine = await openEngine({ config })
  const lasting = new EngineSupervisor(engine, {
    open: () => Promise.reject(new Error('Nobody asked for that.')),
    dataDir: base.dataDir,
    logger: createLogger('silent'),
  })
  onTestFinished(() => lasting.close())
  const { operations } = lasting
  await operations.createNewsletter({ title: 'Tides' })
  const filling = await fillAllBut(disk, 0)
  await expectFailure('DISK_FULL', publish(operations, '# Too much\n'))
  expect(engine.full.aborted).toBe(false)
  await rm(filling)
  expect((await publish(operations, '# First\n')).number).toBe(1)
})
