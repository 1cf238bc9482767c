import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { bindOperations } from '../../../src/api/operations.ts'
import type { Input } from '../../../src/api/contract/contract.ts'
import { openEngine } from '../../helpers/engines.ts'
import { startFeedServer } from '../../helpers/feed-server.ts'
import { all, checked, expectFailure, only, single } from '../../helpers/operations.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const ONE = { id: 'one', title: 'One', text: 'High water at noon.' }
const TWO = { id: 'two', title: 'Two', text: 'Low water.', date: '2026-01-03T00:00:00Z' }

async function author(dataDir?: string) {
  const engine = await openEngine(dataDir === undefined ? {} : { dataDir })
  const operations = checked(bindOperations(engine, 'engine'))
  const round = async (address: string, options: Partial<Input<'republishFeed'>> = {}) =>
    all(operations.republishFeed({ address, allowPrivateAddresses: true, ...options }))
  const issues = async () =>
    Promise.all(
      (await operations.listIssues({ newsletter: 'Tides' })).map(async ({ number }) => {
        const issue = await operations.readIssue({ newsletter: 'Tides', number })
        return [issue.number, issue.title, issue.markdown.trim(), issue.editions]
      }),
    )
  return { engine, operations, round, issues }
}

async function newAuthor() {
  const opened = await author()
  await opened.operations.createNewsletter({ title: 'Tides' })
  return opened
}

it('publishes what a feed has and what is new in it, the oldest first, and nothing twice', async () => {
  const { operations, round, issues } = await newAuthor()
  const feed = await startFeedServer(TWO, ONE)
  const rehearsal = await round(feed.address, { dryRun: true })
  expect(only(rehearsal, 'planned').map((it) => it.title)).toStrictEqual(['One', 'Two'])
  expect(await operations.listRepublished({})).toStrictEqual([])

  const first = await round(feed.address)
  expect(single(only(first, 'finished')).published).toBe(2)
  expect(single(only(await round(feed.address), 'finished')).published).toBe(0)
  expect(feed.seen.map((it) => it.status)).toStrictEqual([200, 200, 304])

  feed.posts.unshift({ id: 'three', title: 'Three', text: 'Neap.', date: '2026-01-04T00:00:00Z' })
  expect(single(only(await round(feed.address), 'finished')).published).toBe(1)
  expect((await issues()).map(([, title]) => title)).toStrictEqual(['Three', 'Two', 'One'])
})

it('amends a post that changed, whatever of it did, and leaves one that is gone', async () => {
  const { round, issues } = await newAuthor()
  const feed = await startFeedServer(ONE, TWO)
  await round(feed.address)
  feed.posts.splice(0, 2, { ...ONE, title: 'At one', text: 'High water at one.' })
  const events = await round(feed.address)
  expect(single(only(events, 'amended'))).toMatchObject({ number: 1, title: 'At one' })
  expect(await issues()).toStrictEqual([
    [2, 'Two', 'Low water.', 1],
    [1, 'At one', 'High water at one.', 2],
  ])
})

it('publishes nothing twice where what it remembered is lost', async () => {
  const { engine, operations, round, issues } = await newAuthor()
  const feed = await startFeedServer(ONE, TWO)
  await round(feed.address)
  await operations.stopRepublishing({ address: feed.address })
  await round(feed.address)
  const file = join(engine.config.dataDir, 'republished.json')
  expect(JSON.parse(await readFile(file, 'utf8'))).toHaveLength(1)
  expect(await issues()).toHaveLength(2)
  await writeFile(file, '{')
  await expectFailure('INVALID_INPUT', round(feed.address))
})

it('takes no signs of other dialects of Markdown for what they mean there', async () => {
  const { round, issues } = await newAuthor()
  const feed = await startFeedServer({ ...ONE, text: 'Up %%by 2 m%% and {{ here }}.' })
  await round(feed.address)
  expect(await issues()).toStrictEqual([[1, 'One', 'Up %%by 2 m%% and {{ here }}.', 1]])
})

it('dates a post that says no date by the round that found it', async () => {
  const { operations, round } = await newAuthor()
  const feed = await startFeedServer({ ...ONE, date: '' })
  const before = new Date().toISOString()
  await round(feed.address)
  await round(feed.address)
  const { publishedAt } = single(await operations.listIssues({ newsletter: 'Tides' }))
  expect(publishedAt >= before && publishedAt <= new Date().toISOString()).toBe(true)
})

it('takes pictures along if it is asked to, now and later', async () => {
  const { operations, round } = await newAuthor()
  const shown = (name: string) => `&lt;img src="/${name}.png"&gt;`
  const feed = await startFeedServer({ ...ONE, text: shown('one') })
  await round(feed.address, { fetchPictures: true })
  feed.posts.push({ ...TWO, text: shown('two') })
  await round(feed.address)
  for (const number of [1, 2]) {
    const issue = await operations.readIssue({ newsletter: 'Tides', number })
    expect(issue.attachments).toMatchObject([{ mediaType: 'image/png', bytes: 8 }])
  }
})

it('runs rounds one after the other', async () => {
  const { round, issues } = await newAuthor()
  const feed = await startFeedServer(ONE, TWO)
  await Promise.all([round(feed.address), round(feed.address), round(feed.address)])
  expect(await issues()).toHaveLength(2)
})

it('leaves posts from before alone if it is asked to, and what it did not publish', async () => {
  const { round, issues } = await newAuthor()
  const feed = await startFeedServer(ONE)
  await round(feed.address, { newOnly: true })
  const date = new Date().toISOString()
  feed.posts.splice(0, 1, { ...ONE, text: 'Changed.' }, { ...TWO, date })
  await round(feed.address)
  expect((await issues()).map(([, title]) => title)).toStrictEqual(['Two'])
})

it('remembers why a look failed, until one succeeds', async () => {
  const { operations, round } = await newAuthor()
  const feed = await startFeedServer(ONE)
  feed.failure = 500
  await expectFailure('NOT_AVAILABLE', round(feed.address))
  expect(await operations.listRepublished({})).toStrictEqual([])
  feed.failure = undefined
  await round(feed.address, { everySeconds: 5 })
  feed.failure = 503
  await expectFailure('NOT_AVAILABLE', round(feed.address))
  const problem = { code: 'NOT_AVAILABLE' }
  expect(await operations.listRepublished({})).toMatchObject([{ everySeconds: 5, problem }])
  feed.failure = undefined
  await round(feed.address)
  expect(single(await operations.listRepublished({}))).not.toHaveProperty('problem')
})

it('asks nobody too often, and no private address unless it may', async () => {
  const { operations } = await newAuthor()
  const address = 'https://example.org/feed.xml'
  await expectFailure('INVALID_INPUT', all(operations.republishFeed({ address, everySeconds: 59 })))
  const feed = await startFeedServer(ONE)
  await expectFailure('INVALID_INPUT', all(operations.republishFeed({ address: feed.address })))
  await expectFailure('INVALID_INPUT', operations.stopRepublishing({ address }))
  expect(feed.seen).toStrictEqual([])
})

it('forgets what it published in another newsletter', async () => {
  const { operations, round } = await newAuthor()
  const feed = await startFeedServer(ONE)
  await round(feed.address)
  await operations.createNewsletter({ title: 'Other' })
  const events = await round(feed.address, { newsletter: 'Other' })
  expect(single(only(events, 'finished')).published).toBe(1)
  expect(await operations.listRepublished({})).toMatchObject([{ title: 'Other' }])
})

it('goes on after a restart', async () => {
  const dataDir = await temporaryDirectory()
  const before = await author(dataDir)
  await before.operations.createNewsletter({ title: 'Tides' })
  const feed = await startFeedServer(ONE)
  await before.round(feed.address)
  await before.engine.close()
  const after = await author(dataDir)
  feed.posts.push(TWO)
  await after.round(feed.address)
  expect((await after.issues()).map(([, title]) => title)).toStrictEqual(['Two', 'One'])
})
