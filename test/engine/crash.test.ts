import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/engine/engine.ts'
import { Journal, type PendingAppend } from '../../src/engine/publish/journal.ts'
import type { Feed } from '../../src/format/feed.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { expectCode } from '../helpers/errors.ts'
import { fingerprint } from '../helpers/fingerprint.ts'
import { beginNewsletter, issueOf } from '../helpers/newsletters.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { coreOf } from '../helpers/stores.ts'

const CHILD = fileURLToPath(new URL('crash-child.ts', import.meta.url))

/** A newsletter with issues that nothing interrupted. */
async function uninterrupted(titles: readonly string[], isPrivate: boolean) {
  const engine = await openEngine()
  const begun = await beginNewsletter(engine, { isPrivate })
  for (const title of titles) await engine.author.append(begun.feed, [await issueOf(title)])
  return { engine, ...begun }
}

async function onlyFeed(engine: Engine): Promise<Feed> {
  const [entry] = engine.library.list()
  if (entry === undefined) throw new Error('The library is empty.')
  return (await engine.open(entry)).feed
}

describe.each(['public', 'private'])('a crash of the author of a %s newsletter', (privacy) => {
  test.each([
    ['before the journal', ['One']],
    ['after the journal', ['One', 'Two']],
    ['after the append', ['One', 'Two']],
    ['after the flush', ['One', 'Two']],
    ['after the note', ['One', 'Two']],
    ['after the journal is dropped', ['One', 'Two']],
  ])('%s leaves a log that is byte for byte the same as without it', async (step, titles) => {
    const dataDir = await temporaryDirectory()
    const config = configOf(dataDir)
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', CHILD, JSON.stringify(config), step, privacy],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    )
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
    expect(signal).toBe('SIGKILL')

    const engine = await openEngine({ dataDir })
    const feed = await onlyFeed(engine)
    const reference = await uninterrupted(titles, privacy === 'private')
    expect(await fingerprint(coreOf(feed))).toEqual(await fingerprint(coreOf(reference.feed)))
    expect(await readdir(config.journalDir)).toEqual([])

    await engine.author.append(feed, [await issueOf('Next')])
    await reference.engine.author.append(reference.feed, [await issueOf('Next')])
    expect(await fingerprint(coreOf(feed))).toEqual(await fingerprint(coreOf(reference.feed)))
  })
})

describe('a journal that is found at the start', () => {
  /** A data directory with one published issue, and what the journal would have for a second. */
  async function published() {
    const dataDir = await temporaryDirectory()
    const engine = await openEngine({ dataDir })
    const { feed, entry } = await beginNewsletter(engine)
    await engine.author.append(feed, [await issueOf('One')])
    const compose = await issueOf('Two')
    const { blocks } = compose(await feed.position())
    const pending: PendingAppend = { feedKey: feed.feedKey, start: feed.length, blocks }
    const { journalDir } = engine.config
    return { dataDir, engine, feed, entry, pending, journal: await Journal.open(journalDir) }
  }

  test('is finished once, whatever else crashes meanwhile', async () => {
    const { dataDir, engine, pending, journal } = await published()
    await engine.close()
    await journal.write(pending)
    const first = await openEngine({ dataDir })
    expect((await onlyFeed(first)).length).toBe(pending.start + pending.blocks.length)
    await first.close()
    // As if the crash came again before the journal was dropped.
    await journal.write(pending)
    const second = await openEngine({ dataDir })
    expect((await onlyFeed(second)).length).toBe(pending.start + pending.blocks.length)
    expect(await journal.has(pending.feedKey)).toBe(false)
  })

  test('is dropped when its feed is not in the library', async () => {
    const { dataDir, engine, pending, journal, entry } = await published()
    await engine.library.remove(entry.feedKey, 'author')
    await engine.close()
    await journal.write(pending)
    const again = await openEngine({ dataDir })
    expect(again.library.list()).toEqual([])
    expect(await journal.has(pending.feedKey)).toBe(false)
  })

  test('stays, and stops further appends, when the log is shorter than where it began', async () => {
    const { dataDir, engine, pending, journal } = await published()
    await expectCode(
      engine.author.recover(await onlyFeed(engine), { ...pending, start: 9 }),
      'FEED_BEHIND',
    )
    await engine.close()
    await journal.write({ ...pending, start: 9 })
    const again = await openEngine({ dataDir })
    const feed = await onlyFeed(again)
    expect(feed.length).toBe(pending.start)
    expect(await journal.has(pending.feedKey)).toBe(true)
    await expectCode(again.author.append(feed, [await issueOf('Two')]), 'FEED_BEHIND')
  })

  test('stays, and stops further appends, when the log went on with other blocks', async () => {
    const { dataDir, engine, feed, pending, journal } = await published()
    await engine.author.append(feed, [await issueOf('Another two')])
    await expectCode(engine.author.recover(feed, pending), 'FEED_CONFLICT')
    await engine.close()
    await journal.write(pending)
    const again = await openEngine({ dataDir })
    const same = await onlyFeed(again)
    expect((await same.list()).issues[0]?.record.title).toBe('Another two')
    expect(await journal.has(pending.feedKey)).toBe(true)
    await expectCode(again.author.append(same, [await issueOf('Three')]), 'FEED_BEHIND')
  })

  test.each([
    ['no record', ['body', 'no record']],
    ['a record of a later format', [JSON.stringify({ hyperletter: 2, type: 'issue' })]],
    ['nothing', []],
  ])('whose last block is %s is never signed, and stays', async (_, texts) => {
    const { dataDir, engine, pending, journal } = await published()
    await engine.close()
    await journal.write({ ...pending, blocks: texts.map((it) => Buffer.from(it)) })
    const again = await openEngine({ dataDir })
    const feed = await onlyFeed(again)
    expect(feed.length).toBe(pending.start)
    await expectCode(again.author.append(feed, [await issueOf('Two')]), 'FEED_BEHIND')
    expect(feed.length).toBe(pending.start)
    expect(await journal.has(pending.feedKey)).toBe(true)
  })

  test('of one feed does not keep another from opening or publishing', async () => {
    const { dataDir, engine, pending, journal } = await published()
    const other = await beginNewsletter(engine, { seed: 2 })
    await engine.close()
    await journal.write({ ...pending, start: 9 })
    const again = await openEngine({ dataDir })
    const { feed } = await again.open(other.entry)
    expect((await again.author.append(feed, [await issueOf('One')]))[0]?.number).toBe(1)
  })
})
