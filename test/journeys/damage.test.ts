import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Operations } from '../../src/api/contract/contract.ts'
import { bindOperations } from '../../src/api/operations.ts'
import type { Config } from '../../src/config/config.ts'
import { Engine } from '../../src/engine/engine.ts'
import { repairStore } from '../../src/engine/recovery/repair-store.ts'
import { codeOf } from '../../src/errors.ts'
import { createLogger } from '../../src/logger.ts'
import { KINDS, Damageable, PLACES, type Damage } from '../helpers/damage.ts'
import { configOf } from '../helpers/engines.ts'
import { all } from '../helpers/operations.ts'
import { publish } from '../helpers/peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** Every file at every place, as `npm run damage` asks for; otherwise each file at two places. */
const IS_WHOLE = process.env['HYPERLETTER_DAMAGE'] === 'whole'

/** With each of these, nothing is wrong with what is told. */
const FAILURES = new Set([
  'STORE_DAMAGED',
  'LIBRARY_DAMAGED',
  'KEY_DAMAGED',
  'FEED_BEHIND',
  'NOT_AVAILABLE',
])

async function withEngine<T>(config: Config, work: (operations: Operations) => Promise<T>) {
  const engine = await Engine.open({ config, logger: createLogger('silent'), catchUpMs: 1 })
  try {
    return await work(bindOperations(engine, 'engine'))
  } finally {
    await engine.close()
  }
}

/** An author of two newsletters, one of them private, with issues, stars and read marks from several sessions. */
async function makeData(config: Config): Promise<void> {
  for (const session of [1, 2, 3]) {
    await withEngine(config, async (operations) => {
      if (session === 1) {
        await operations.createNewsletter({ title: 'Public' })
        await operations.createNewsletter({ title: 'Secret', private: true })
      }
      for (const newsletter of ['public', 'secret']) {
        const text = `of session ${session} in ${newsletter}. `.repeat(
          newsletter === 'public' ? 400 : 1,
        )
        const { number } = await publish(operations, `# Issue\n\n${text}\n`, newsletter)
        await operations.markIssue({ newsletter, number, read: true })
        await operations.markIssue({ newsletter, number, starred: number === 2 })
      }
      await all(operations.exportBundle({ newsletter: 'public' }))
    })
  }
}

/** Links, keys and marks, which may never be lost. */
async function library(operations: Operations) {
  const listed = await operations.listNewsletters({})
  return listed.map(({ feedKey, roles, title, private: isPrivate }) => ({
    feedKey,
    roles,
    title,
    isPrivate,
  }))
}

/** All issues that can be read, with their marks. */
async function texts(operations: Operations): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const newsletter of ['public', 'secret']) {
    for (const { number, read, starred } of await operations.listIssues({ newsletter })) {
      const { markdown } = await operations.readIssue({ newsletter, number, markRead: false })
      found.set(`${newsletter} ${number}`, `${markdown} ${read} ${starred}`)
    }
  }
  return found
}

describe('a damaged file of a data directory', () => {
  test('never gives a wrong text, an unknown failure, or a lost subscription', async () => {
    const config = configOf(await temporaryDirectory())
    await makeData(config)
    const before = await withEngine(config, async (operations) => ({
      library: await library(operations),
      texts: await texts(operations),
    }))
    const data = await Damageable.of(config, join(await temporaryDirectory(), 'pristine'))
    const damages = data.files.flatMap((file, i) =>
      KINDS.flatMap((kind, k) =>
        PLACES.filter((place) => IS_WHOLE || place === (2 * i + 3 * k) % PLACES.length).map(
          (place): Damage => ({ file, kind, place }),
        ),
      ),
    )
    const failures = new Set<string | undefined>()
    for (const damage of damages) {
      await data.putBack()
      await data.apply(damage)
      failures.add(await expectSound(config, before, JSON.stringify(damage)))
    }
    // Where nothing failed at all, nothing was damaged.
    expect([...failures]).toEqual(expect.arrayContaining([undefined, 'STORE_DAMAGED']))
  }, 600_000)
})

interface Sound {
  readonly library: Awaited<ReturnType<typeof library>>
  readonly texts: ReadonlyMap<string, string>
}

/** Rethrows what is no honest answer. */
function codeOfKnown(error: unknown, what: string): string {
  const code = codeOf(error) ?? ''
  if (!FAILURES.has(code)) throw new Error(`${what}: ${String(error)}`, { cause: error })
  return code
}

/** @returns the failure that was met before the repair, if one was. */
async function expectSound(
  config: Config,
  before: Sound,
  what: string,
): Promise<string | undefined> {
  const expectTexts = (found: ReadonlyMap<string, string>) => {
    for (const [issue, text] of found) {
      expect({ what, issue, text }).toEqual({ what, issue, text: before.texts.get(issue) })
    }
  }
  const expectLibrary = async (operations: Operations) =>
    expect({ what, library: await library(operations) }).toEqual({ what, library: before.library })
  let failed: string | undefined
  try {
    await withEngine(config, async (operations) => {
      await expectLibrary(operations)
      expectTexts(await texts(operations))
    })
  } catch (error) {
    failed = codeOfKnown(error, what)
    await repairStore(config)
  }
  await withEngine(config, async (operations) => {
    await expectLibrary(operations)
    const again = await texts(operations).catch((error: unknown) => {
      codeOfKnown(error, `${what}, repaired`)
      return new Map<string, string>()
    })
    expectTexts(again)
    // Nothing is published under a number that was taken, whatever was lost.
    const number = await publish(operations, '# New\n', 'public').then(
      (it) => it.number,
      (error: unknown) => codeOfKnown(error, `${what}, published`),
    )
    expect([4, 'FEED_BEHIND', 'KEY_DAMAGED']).toContain(number)
  })
  return failed
}
