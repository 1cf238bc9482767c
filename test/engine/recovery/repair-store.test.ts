import { readdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Config } from '../../../src/config/config.ts'
import { repairStore } from '../../../src/engine/recovery/repair-store.ts'
import { jsonOf, runCli } from '../../helpers/cli.ts'
import { openEngine } from '../../helpers/engines.ts'
import { expectCode } from '../../helpers/errors.ts'
import { beginNewsletter, issueOf } from '../../helpers/newsletters.ts'

/** A closed data directory with a private newsletter of one issue, which is starred. */
async function dataDirectory() {
  const engine = await openEngine()
  const { feed, entry } = await beginNewsletter(engine, { isPrivate: true })
  await engine.author.append(feed, [await issueOf('One')])
  await engine.library.marks.set('star', feed.feedKey, [1], true)
  await engine.flush()
  await engine.close()
  return { config: engine.config, entry }
}

async function titles(config: Config): Promise<string[]> {
  const engine = await openEngine({ config })
  const found: string[] = []
  for (const entry of engine.library.list()) {
    await using session = await engine.open(entry)
    const { issues } = await session.feed.list({ wait: false })
    found.push(...issues.map(({ record }) => record.title))
  }
  await engine.close()
  return found
}

async function damage({ storeDir }: Config, ending: string): Promise<void> {
  for (const it of await readdir(join(storeDir, 'db'))) {
    if (it.endsWith(ending)) await writeFile(join(storeDir, 'db', it), 'x'.repeat(100))
  }
}

describe('repairStore', () => {
  test('leaves a store that can be read as it is', async () => {
    const { config } = await dataDirectory()
    const repaired = await repairStore(config)
    expect(repaired).toMatchObject({ newsletters: 1, lost: 0 })
    expect(repaired.blocks).toBeGreaterThan(2)
    expect(repaired.aside).toBeUndefined()
  })

  test('saves every block where only CURRENT is damaged, and keeps the damaged store', async () => {
    const { config, entry } = await dataDirectory()
    await damage(config, 'CURRENT')
    await expectCode(openEngine({ config }), 'STORE_DAMAGED')
    const { aside = '', ...repaired } = await repairStore(config)
    expect(repaired).toMatchObject({ newsletters: 1, lost: 0, damage: { code: 'STORE_DAMAGED' } })
    expect(await readdir(config.dataDir)).toContain(basename(aside))
    expect(await titles(config)).toEqual(['One'])
    const engine = await openEngine({ config })
    expect(engine.library.list()).toEqual([entry])
    expect(await engine.library.marks.numbers('star', entry.feedKey)).toEqual(new Set([1]))
  })

  test('brings back what is followed from the copy where nothing else can be read', async () => {
    const { config, entry } = await dataDirectory()
    await damage(config, '.sst')
    await repairStore(config)
    const engine = await openEngine({ config })
    expect(engine.library.list()).toEqual([entry])
    // Its log is gone: to begin it anew would be a second history.
    await using session = await engine.open(entry)
    await expectCode(engine.author.append(session.feed, [await issueOf('Two')]), 'FEED_BEHIND')
  })

  test('brings back what there is a signing key of, without the copy', async () => {
    const { config, entry } = await dataDirectory()
    await damage(config, '.sst')
    for (const it of ['library.json', 'published']) {
      await rm(join(config.dataDir, it), { recursive: true })
    }
    await repairStore(config)
    const engine = await openEngine({ config })
    const [found] = engine.library.list()
    expect(found).toMatchObject({ feedKey: entry.feedKey, roles: ['author'] })
    await using session = await engine.open(entry)
    await expectCode(engine.author.append(session.feed, [await issueOf('Two')]), 'FEED_BEHIND')
  })

  test('does nothing while an engine has the store', async () => {
    const { config } = await openEngine()
    await expectCode(repairStore(config), 'STORE_BUSY')
  })
})

describe('doctor --repair', () => {
  test('says what was damaged, what is back, and where the damaged store is', async () => {
    const { config } = await dataDirectory()
    await damage(config, 'CURRENT')
    const services = { loadConfig: () => Promise.resolve(config) }
    const { code, stdout, stderr } = await runCli(['doctor', '--repair'], { services })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^The store is damaged: .*\nMade a new store: 1 newsletters, \d+ blocks/)
    expect(stderr).toContain(`${config.storeDir}.damaged-`)
    const again = await runCli(['doctor', '--repair', '--json'], { services })
    expect(jsonOf(again.stdout)).toMatchObject({ repaired: false, newsletters: 1, lost: 0 })
  })
})
