import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { configOf } from '../helpers/engines.ts'
import {
  expectNoConflict,
  fillAllBut,
  heldIssues,
  KIB,
  MIB,
  noise,
  openOn,
} from '../helpers/full-disk.ts'
import { all, expectFailure, only, single } from '../helpers/operations.ts'
import { publish, type Peer } from '../helpers/peers.ts'
import { NO_SMALL_DISK, smallDisk } from '../helpers/small-disk.ts'
import { eventually, feedOf, subscribe } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const ISSUES = 4

/** A newsletter of about 4 MiB whose author is gone: one reader has it, and there is a backup. */
async function lostNewsletter() {
  const bootstrap = await privateNetwork()
  const author = await openOn(configOf(await temporaryDirectory(), bootstrap))
  const { feedKey, link, recoveryPhrase } = await author.operations.createNewsletter({
    title: 'Tides',
  })
  for (let i = 1; i <= ISSUES; i++) {
    await publish(author.operations, `# Issue ${i}\n\n${noise(900 * KIB)}\n`)
  }
  const reader = await openOn(configOf(await temporaryDirectory(), bootstrap))
  await subscribe(reader, link)
  const bundle = join(await temporaryDirectory(), 'tide.bundle')
  const bytes = await all(author.operations.exportBundle({ newsletter: feedKey }))
  await writeFile(bundle, Buffer.concat(bytes))
  const issues = await heldIssues(author.operations, feedKey)
  await author.engine.close()
  return { bootstrap, feedKey, recoveryPhrase, reader, bundle, issues }
}

type Lost = Awaited<ReturnType<typeof lostNewsletter>>

async function restore({ operations }: Peer, { recoveryPhrase }: Lost, bundle?: string) {
  const source = bundle === undefined ? {} : { bundle }
  const input = { recoveryPhrase, timeoutSeconds: 10, ...source }
  return single(only(await all(operations.restoreNewsletter(input)), 'finished'))
}

/** Nothing may be published to a log that is not here, or not known to be whole. */
async function expectNoAuthor({ operations }: Peer): Promise<void> {
  const roles = (await operations.listNewsletters({})).flatMap((it) => it.roles)
  expect(roles).not.toContain('author')
}

/** Restores on a device that has room, publishes, and looks at what the reader got. */
async function expectGoesOn(device: Peer, lost: Lost, bundle?: string): Promise<void> {
  const { feedKey, reader, issues } = lost
  expect(await restore(device, lost, bundle)).toMatchObject({ feedKey, issues: ISSUES })
  const markdown = `# Next ${randomUUID()}\n`
  const { number } = await publish(device.operations, markdown)
  expect(number).toBe(ISSUES + 1)
  const expected = new Map(issues).set(number, markdown)
  expect(await heldIssues(device.operations, feedKey)).toEqual(expected)
  const { length } = await feedOf(device, feedKey)
  await eventually(async () => expect((await feedOf(reader, feedKey)).length).toBe(length))
  await all(reader.operations.followSync({ newsletter: feedKey }))
  expect(await heldIssues(reader.operations, feedKey)).toEqual(expected)
  await expectNoConflict(reader)
  await expectNoConflict(device)
}

describe('restoring on a disk', () => {
  const rooms = [
    ['nothing', 0],
    ['100 KiB', 100 * KIB],
    ['1 MiB', MIB],
    ['3 MiB', 3 * MIB],
  ] as const

  test.for([
    ...rooms.map(([name, room]) => ['readers', name, room] as const),
    ...rooms.map(([name, room]) => ['a backup', name, room] as const),
  ])(
    'from %s with %s left ends with DISK_FULL, and works once there is room',
    async ([source, , roomBytes], { skip }) => {
      skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
      const lost = await lostNewsletter()
      const bundle = source === 'a backup' ? lost.bundle : undefined
      const disk = await smallDisk(64)
      const config = configOf(disk, lost.bootstrap)
      const device = await openOn(config)
      const filling = await fillAllBut(disk, roomBytes)
      await expectFailure('DISK_FULL', restore(device, lost, bundle))
      await expectNoAuthor(device)
      await device.engine.close()
      await rm(filling)

      const again = await openOn(config)
      await expectNoAuthor(again)
      await expectGoesOn(again, lost, bundle)
    },
  )

  test.for(['keysDir', 'publishedDir'] as const)(
    'of which %s is full ends with DISK_FULL, and works in the same process once there is room',
    async (dir, { skip }) => {
      skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
      const lost = await lostNewsletter()
      const disk = await smallDisk(1)
      const config: Config = {
        ...configOf(await temporaryDirectory(), lost.bootstrap),
        [dir]: join(disk, dir),
      }
      const device = await openOn(config)
      const filling = await fillAllBut(disk, 0)
      await expectFailure('DISK_FULL', restore(device, lost))
      await expectNoAuthor(device)
      await rm(filling)
      await expectGoesOn(device, lost)
    },
  )
})
