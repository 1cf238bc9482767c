import { readdir, rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import type { Operations } from '../../src/api/contract/contract.ts'
import { configOf } from '../helpers/engines.ts'
import {
  expectNoConflict,
  fillAllBut,
  heldIssues,
  isDiskFull,
  KIB,
  noise,
  openOn,
} from '../helpers/full-disk.ts'
import { all, expectFailure } from '../helpers/operations.ts'
import { publish } from '../helpers/peers.ts'
import { NO_SMALL_DISK, smallDisk } from '../helpers/small-disk.ts'
import { eventually, feedOf, subscribe } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const ISSUES = 12
const KEPT = 3

/** What readers see of each issue: its newest text, or that it was taken back. */
type Seen = Map<number, string>

const GONE = 'retracted'

async function seen(operations: Operations, newsletter: string): Promise<Seen> {
  const found: Seen = new Map()
  for (const { number, held } of await operations.listIssues({ newsletter })) {
    if (!held) throw new Error(`Issue ${number} is not held.`)
    const { markdown, retracted, verified } = await operations.readIssue({ newsletter, number })
    expect(verified).toBe(true)
    found.set(number, retracted === undefined ? markdown : GONE)
  }
  return found
}

describe('amending and retracting', () => {
  test.for([
    ['nothing', 0],
    ['4 KiB', 4 * KIB],
    ['12 KiB', 12 * KIB],
    ['40 KiB', 40 * KIB],
    ['64 KiB', 64 * KIB],
    ['200 KiB', 200 * KIB],
    ['600 KiB', 600 * KIB],
  ] as const)(
    'with %s left keep what was acknowledged and nothing else, and go on once there is room',
    async ([, roomBytes], { skip }) => {
      skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
      const bootstrap = await privateNetwork()
      const disk = await smallDisk(32)
      const config = configOf(disk, bootstrap)
      const author = await openOn(config)
      const { feedKey: newsletter, link } = await author.operations.createNewsletter({
        title: 'Tides',
      })
      for (let i = 1; i <= ISSUES; i++) await publish(author.operations, `# Issue ${i}\n\nNoon.\n`)
      const reader = await openOn(configOf(await temporaryDirectory(), bootstrap))
      await subscribe(reader, link)
      const acknowledged = await seen(author.operations, newsletter)

      const filling = await fillAllBut(disk, roomBytes)
      let failures = 0
      for (let i = 0; i < 40 && failures < 4; i++) {
        const number = (i % ISSUES) + 1
        if (acknowledged.get(number) === GONE) continue
        const markdown = `# Amended ${i}\n\n${noise(i % 3 === 0 ? 90 * KIB : 500)}\n`
        const isRetraction = i % 4 === 1
        const { amendIssue, retractIssue } = author.operations
        const done = await (
          isRetraction
            ? retractIssue({ newsletter, number })
            : amendIssue({ newsletter, number, draft: { markdown } })
        ).catch(isDiskFull)
        if (done === undefined) failures++
        else acknowledged.set(number, isRetraction ? GONE : markdown)
      }
      expect(failures).toBeGreaterThan(2)
      expect(await seen(author.operations, newsletter)).toEqual(acknowledged)
      await author.engine.close()
      await rm(filling)

      const again = await openOn(config)
      const { operations } = again
      expect(await seen(operations, newsletter)).toEqual(acknowledged)
      expect(await readdir(config.journalDir)).toEqual([])
      const [kept] = [...acknowledged].find(([, text]) => text !== GONE) ?? []
      if (kept === undefined) throw new Error('Everything was taken back.')
      const markdown = '# Amended once more\n\nThere is room.\n'
      await operations.amendIssue({ newsletter, number: kept, draft: { markdown } })
      await operations.retractIssue({ newsletter, number: ISSUES })
      acknowledged.set(kept, markdown).set(ISSUES, GONE)
      await publish(operations, '# Next\n\nThere is room.\n')
      acknowledged.set(ISSUES + 1, '# Next\n\nThere is room.\n')
      expect(await seen(operations, newsletter)).toEqual(acknowledged)

      const { length } = await feedOf(again, newsletter)
      await eventually(async () => expect((await feedOf(reader, newsletter)).length).toBe(length))
      await all(reader.operations.followSync({ newsletter }))
      expect(await seen(reader.operations, newsletter)).toEqual(acknowledged)
      await expectNoConflict(reader)
      await expectNoConflict(again)
    },
  )

  test('of what a reader holds reaches them though their own disk is full for a while', async ({
    skip,
  }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const bootstrap = await privateNetwork()
    const author = await openOn(configOf(await temporaryDirectory(), bootstrap))
    const { feedKey: newsletter, link } = await author.operations.createNewsletter({
      title: 'Tides',
    })
    for (let i = 1; i <= 3; i++) await publish(author.operations, `# Issue ${i}\n\nNoon.\n`)
    const disk = await smallDisk(32)
    const config = configOf(disk, bootstrap)
    const reader = await openOn(config)
    await subscribe(reader, link)
    const before = await seen(reader.operations, newsletter)
    const filling = await fillAllBut(disk, 0)
    const markdown = `# Amended\n\n${noise(90 * KIB)}\n`
    await author.operations.amendIssue({ newsletter, number: 1, draft: { markdown } })
    await author.operations.retractIssue({ newsletter, number: 2 })
    await eventually(() => expect(reader.engine.full.aborted).toBe(true))
    await expectFailure('DISK_FULL', reader.operations.subscribe({ link }))
    expect(await seen(reader.operations, newsletter)).toEqual(before)
    await reader.engine.close()
    await rm(filling)

    const again = await openOn(config)
    const after = await seen(author.operations, newsletter)
    await eventually(async () =>
      expect(await seen(again.operations, newsletter).catch(() => before)).toEqual(after),
    )
    await expectNoConflict(again)
  })
})

test.for([
  ['nothing', 0],
  ['12 KiB', 12 * KIB],
  ['200 KiB', 200 * KIB],
] as const)(
  'choosing what to keep with %s left drops nothing that is to stay, and all comes back once there is room',
  async ([, roomBytes], { skip }) => {
    skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
    const bootstrap = await privateNetwork()
    const author = await openOn(configOf(await temporaryDirectory(), bootstrap))
    const { feedKey: newsletter, link } = await author.operations.createNewsletter({
      title: 'Tides',
    })
    for (let i = 1; i <= ISSUES; i++) {
      await publish(author.operations, `# Issue ${i}\n\n${noise(90 * KIB)}\n`)
    }
    const disk = await smallDisk(32)
    const config = configOf(disk, bootstrap)
    const reader = await openOn(config)
    await subscribe(reader, link)
    const before = await heldIssues(reader.operations, newsletter)
    expect(before.size).toBe(ISSUES)

    /** Others may go at any moment. */
    const expectNewest = async ({ readIssue }: Operations) => {
      for (let number = ISSUES; number > ISSUES - KEPT; number--) {
        const { markdown, verified } = await readIssue({ newsletter, number, timeoutSeconds: 1 })
        expect({ markdown, verified }).toEqual({ markdown: before.get(number), verified: true })
      }
    }
    const filling = await fillAllBut(disk, roomBytes)
    const { keepNewsletter } = reader.operations
    await keepNewsletter({ newsletter, keep: { newest: KEPT } }).catch(isDiskFull)
    await expectNewest(reader.operations)
    await reader.engine.close()
    await rm(filling)

    const again = await openOn(config)
    await expectNewest(again.operations)
    await again.operations.keepNewsletter({ newsletter, keep: { newest: KEPT } })
    await eventually(async () => {
      const issues = await again.operations.listIssues({ newsletter })
      expect(issues.filter((it) => it.held)).toHaveLength(KEPT)
    })
    await again.operations.keepNewsletter({ newsletter, keep: {} })
    await eventually(
      async () => expect(await heldIssues(again.operations, newsletter)).toEqual(before),
      30_000,
    )
    await expectNoConflict(again)
  },
)
