import type Hypercore from 'hypercore'
import { cp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { Journal } from '../../src/engine/publish/journal.ts'
import { PublishedNotes } from '../../src/engine/publish/author-files.ts'
import { openStore as openOwnStore } from '../../src/log/store/opening.ts'
import type { Feed } from '../../src/format/feed.ts'
import { keyBytes } from '../../src/format/keys/feed-key.ts'
import { openEngine } from '../helpers/engines.ts'
import { expectCode } from '../helpers/errors.ts'
import { fingerprint } from '../helpers/fingerprint.ts'
import { beginNewsletter, issueOf, signingKeys } from '../helpers/newsletters.ts'
import { coreOf, connect } from '../helpers/stores.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const SOON = { catchUpMs: 200 }

async function publishedEngine(issues: readonly string[] = ['One']) {
  const dataDir = await temporaryDirectory()
  const engine = await openEngine({ dataDir, ...SOON })
  const { feed, entry } = await beginNewsletter(engine)
  for (const title of issues) await engine.author.append(feed, [await issueOf(title)])
  return { dataDir, engine, feed, entry, config: engine.config }
}

async function onlyFeed(engine: Engine): Promise<Feed> {
  const [entry] = engine.library.list()
  if (entry === undefined) throw new Error('The library is empty.')
  return (await engine.open(entry)).feed
}

/** Changes the log behind the back of the engine, as damage does. */
async function tamper(config: Config, feed: Feed, change: (core: Hypercore) => Promise<unknown>) {
  const store = await openOwnStore(config)
  const log = await store.openLog(keyBytes(feed.feedKey), { signing: signingKeys() })
  await change(log.core)
  await store.close()
}

async function titles(feed: Feed): Promise<string[]> {
  return (await feed.list()).issues.map((it) => it.record.title).toReversed()
}

describe('the note of what was published', () => {
  test('has length and hash of the log, is for this user alone, and is there before the journal goes', async () => {
    const { engine, feed, config } = await publishedEngine()
    const seen: unknown[] = []
    expect(await readdir(config.publishedDir)).toEqual([`${feed.feedKey}.json`])
    const path = join(config.publishedDir, `${feed.feedKey}.json`)
    const drop = vi.spyOn(Journal.prototype, 'drop').mockImplementation(async () => {
      seen.push(JSON.parse(await readFile(path, 'utf8')))
    })
    onTestFinished(() => drop.mockRestore())
    await engine.author.append(feed, [await issueOf('Two')])
    const treeHash = (await coreOf(feed).treeHash()).toString('hex')
    expect(seen).toMatchObject([{ length: feed.length, treeHash, mustCatchUp: false }])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
  })

  test('stops an append to a store that is shorter, unless it is forced', async () => {
    const { dataDir, engine, feed, config } = await publishedEngine(['One', 'Two'])
    await engine.close()
    await tamper(config, feed, (core) => core.truncate(3, { fork: 0 }))
    const again = await openEngine({ dataDir, ...SOON })
    const shorter = await onlyFeed(again)
    const error = await expectCode(
      again.author.append(shorter, [await issueOf('Three')]),
      'FEED_BEHIND',
    )
    expect(error.hint).toContain('--force')
    expect(shorter.length).toBe(3)
    await again.author.append(shorter, [await issueOf('Three')], { force: true })
    expect(await titles(shorter)).toEqual(['One', 'Three'])
    await again.author.append(shorter, [await issueOf('Four')])
    expect(await titles(shorter)).toEqual(['One', 'Three', 'Four'])
  })

  test('stops an append to another history of the same length, also if it is forced', async () => {
    const { dataDir, engine, feed, config } = await publishedEngine(['One', 'Two'])
    const { blocks } = (await issueOf('Another two'))({
      length: 3,
      previous: [2, 0],
      profile: 0,
      lastNumber: 1,
    })
    await engine.close()
    await tamper(config, feed, async (core) => {
      await core.truncate(3, { fork: 0 })
      await core.append(blocks)
    })
    const again = await openEngine({ dataDir, ...SOON })
    const other = await onlyFeed(again)
    const issue = await issueOf('Three')
    await expectCode(again.author.append(other, [issue]), 'FEED_CONFLICT')
    await expectCode(again.author.append(other, [issue], { force: true }), 'FEED_CONFLICT')
    expect(other.length).toBe(5)
  })

  test.each([
    ['cut', (text: string) => text.slice(0, 10)],
    ['changed in its hash', (text: string) => text.replace(/"treeHash":"./, '"treeHash":"x')],
    ['changed in its length', (text: string) => text.replace('"length":', '"length":9')],
  ])('that is %s counts as a log of which nothing is known', async (_, damage) => {
    const { dataDir, engine, feed, config } = await publishedEngine()
    await engine.close()
    const path = join(config.publishedDir, `${feed.feedKey}.json`)
    await writeFile(path, damage(await readFile(path, 'utf8')))
    const again = await openEngine({ dataDir, ...SOON })
    await expectCode(
      again.author.append(await onlyFeed(again), [await issueOf('Two')]),
      'FEED_BEHIND',
    )
  })

  test('that is missing stops nothing: the newsletter is older than notes', async () => {
    const { dataDir, engine, config } = await publishedEngine()
    await engine.close()
    await rm(config.publishedDir, { recursive: true })
    const again = await openEngine({ dataDir, ...SOON })
    const feed = await onlyFeed(again)
    await again.author.append(feed, [await issueOf('Two')])
    expect(await titles(feed)).toEqual(['One', 'Two'])
  })

  test('follows a log that peers made longer', async () => {
    const { engine, feed, config } = await publishedEngine(['One'])
    const ahead = await publishedEngine(['One', 'Two', 'Three'])
    connect(coreOf(ahead.feed), coreOf(feed))
    await coreOf(feed).update({ force: true, wait: true })
    const path = join(config.publishedDir, `${feed.feedKey}.json`)
    await expect
      .poll(async (): Promise<unknown> => JSON.parse(await readFile(path, 'utf8')), {
        timeout: 5_000,
      })
      .toMatchObject({ length: ahead.feed.length, mustCatchUp: false })
    await engine.close()
  })
})

describe('a data directory that was copied or put back', () => {
  async function putBack() {
    const { dataDir, engine, config, feed } = await publishedEngine(['One'])
    await engine.close()
    const copy = `${dataDir}-copy`
    await cp(dataDir, copy, { recursive: true })
    await rm(dataDir, { recursive: true })
    await rename(copy, dataDir)
    return { dataDir, config, feedKey: feed.feedKey }
  }

  test('opens, and publishes nothing before a peer was asked, however often it is opened', async () => {
    const { dataDir, config } = await putBack()
    for (let i = 0; i < 2; i++) {
      const engine = await openEngine({ dataDir, ...SOON })
      const feed = await onlyFeed(engine)
      expect(await titles(feed)).toEqual(['One'])
      await expectCode(engine.author.append(feed, [await issueOf('Two')]), 'FEED_BEHIND')
      expect(feed.length).toBe(3)
      await engine.close()
    }
    expect(await readdir(config.publishedDir)).toHaveLength(1)
  })

  test('stays known as one when the start is interrupted before the newsletters know', async () => {
    const { dataDir, config } = await putBack()
    await (await openOwnStore(config)).close()
    const engine = await openEngine({ dataDir, ...SOON })
    await expectCode(
      engine.author.append(await onlyFeed(engine), [await issueOf('Two')]),
      'FEED_BEHIND',
    )
  })

  test('leaves an entry in the journal until peers were asked, and publishes with it when forced', async () => {
    const { dataDir, config, feedKey } = await putBack()
    const journal = await Journal.open(config.journalDir)
    const before = await openEngine({ dataDir, ...SOON })
    const { blocks } = (await issueOf('Two'))(await (await onlyFeed(before)).position())
    await before.close()
    await journal.write({ feedKey, start: 3, blocks })
    const engine = await openEngine({ dataDir, ...SOON })
    const feed = await onlyFeed(engine)
    expect(feed.length).toBe(3)
    await expectCode(engine.author.append(feed, [await issueOf('Three')]), 'FEED_BEHIND')
    await engine.author.append(feed, [await issueOf('Three')], { force: true })
    expect(await titles(feed)).toEqual(['One', 'Two', 'Three'])
  })

  test('keeps a second process out while it is open', async () => {
    const { dataDir } = await putBack()
    await openEngine({ dataDir, ...SOON })
    await expectCode(openEngine({ dataDir, ...SOON }), 'STORE_BUSY')
  })
})

describe('after a power loss', () => {
  /** What of the protocol had reached the disk, by what came next. */
  const STEPS = ['the journal', 'the append', 'the flush', 'the note', 'the end'] as const
  type Step = (typeof STEPS)[number]

  /** Publishes a second issue, and keeps journal and notes as they were before each step. */
  async function cutEverywhere(isPrivate: boolean) {
    const dataDir = await temporaryDirectory()
    const first = await openEngine({ dataDir, ...SOON })
    const { feed: begun, entry } = await beginNewsletter(first, { isPrivate })
    await first.author.append(begun, [await issueOf('One')])
    const one = await fingerprint(coreOf(begun))
    await first.close()
    const kept = await temporaryDirectory()
    await cp(dataDir, join(kept, 'before'), { recursive: true })

    const engine = await openEngine({ dataDir, ...SOON })
    const { feed } = await engine.open(entry)
    const keep = async (step: Step) => {
      for (const part of ['journal', 'published'] as const) {
        await cp(join(dataDir, part), join(kept, step, part), { recursive: true })
      }
    }
    const before = (owner: object, method: string, step: Step) => {
      const original = Reflect.get(owner, method) as (...args: unknown[]) => Promise<unknown>
      Reflect.set(owner, method, async function (this: unknown, ...args: unknown[]) {
        Reflect.set(owner, method, original)
        await keep(step)
        return original.apply(this, args)
      })
    }
    before(Journal.prototype, 'write', 'the journal')
    before(coreOf(feed), 'append', 'the append')
    before(PublishedNotes.prototype, 'put', 'the note')
    before(Journal.prototype, 'drop', 'the end')
    await engine.author.append(feed, [await issueOf('Two')])
    const two = await fingerprint(coreOf(feed))
    // Between the append and the flush neither file changes.
    await cp(join(kept, 'the append'), join(kept, 'the flush'), { recursive: true })
    await engine.close()
    return { dataDir, kept, one, two, config: engine.config }
  }

  test.each([
    ['public', false],
    ['private', true],
  ])(
    'that took the newest blocks of the store, a %s log comes back the same or nothing was published',
    async (_, isPrivate) => {
      const { dataDir, kept, one, two } = await cutEverywhere(isPrivate)
      for (const step of STEPS) {
        await rm(dataDir, { recursive: true })
        await cp(join(kept, 'before'), dataDir, { recursive: true })
        for (const part of ['journal', 'published']) {
          await rm(join(dataDir, part), { recursive: true })
          await cp(join(kept, step, part), join(dataDir, part), { recursive: true })
        }
        // The disk is the same one; only copying it here made it another.
        await rm(join(dataDir, 'store', 'CORESTORE'))
        const engine = await openEngine({ dataDir, ...SOON })
        const core = coreOf(await onlyFeed(engine))
        expect({ step, ...(await fingerprint(core)) }).toEqual({
          step,
          ...(step === 'the journal' ? one : two),
        })
        expect(await readdir(join(dataDir, 'journal'))).toEqual([])
        await engine.close()
      }
    },
  )

  test('of which a disk lied that all was written, nothing is signed anew', async () => {
    const { dataDir, kept, one } = await cutEverywhere(false)
    const published = await readFile(
      join(dataDir, 'published', (await readdir(join(dataDir, 'published')))[0] ?? ''),
    )
    const [name = ''] = await readdir(join(dataDir, 'published'))
    await rm(dataDir, { recursive: true })
    await cp(join(kept, 'before'), dataDir, { recursive: true })
    await writeFile(join(dataDir, 'published', name), published)
    await rm(join(dataDir, 'store', 'CORESTORE'))
    const engine = await openEngine({ dataDir, ...SOON })
    const feed = await onlyFeed(engine)
    await expectCode(engine.author.append(feed, [await issueOf('Other')]), 'FEED_BEHIND')
    expect(await fingerprint(coreOf(feed))).toEqual(one)
  })
})
