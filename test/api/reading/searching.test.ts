import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import type { Engine } from '../../../src/engine/engine.ts'
import { Feed } from '../../../src/format/feed.ts'
import { bindOperations } from '../../../src/api/operations.ts'
import { openEngine } from '../../helpers/engines.ts'
import { all, expectFailure, single } from '../../helpers/operations.ts'
import { openAuthor, openPeer, publish } from '../../helpers/peers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

afterEach(() => vi.restoreAllMocks())

/** How many texts are read from disk while `work` runs. */
async function readsDuring(work: () => Promise<unknown>): Promise<number> {
  const read = vi.spyOn(Feed.prototype, 'readBody')
  try {
    await work()
    return read.mock.calls.length
  } finally {
    read.mockRestore()
  }
}

const NOWHERE = { query: 'nowhere' }

async function withIssues(count: number) {
  const dataDir = await temporaryDirectory()
  const engine = await openEngine({ dataDir })
  const operations = bindOperations(engine, 'engine')
  const { feedKey } = await operations.createNewsletter({ title: 'Tide tables' })
  for (let number = 1; number <= count; number++) {
    await publish(operations, `# Issue ${number}\n\nHigh water, word${number}.\n`)
  }
  return { dataDir, engine, operations, feedKey }
}

async function reopened(engine: Engine) {
  await engine.close()
  const next = await openEngine({ config: engine.config })
  return { engine: next, operations: bindOperations(next, 'engine') }
}

it('makes no index before the first search', async () => {
  const { dataDir, operations } = await withIssues(2)
  await operations.listIssues({ newsletter: 'Tide tables' })
  expect(await readdir(dataDir)).not.toContain('search')
  await operations.search(NOWHERE)
  expect(await readdir(join(dataDir, 'search'))).toHaveLength(1)
})

it('reads each text once, and after a restart only what is new', async () => {
  const { engine, operations } = await withIssues(5)
  expect(await readsDuring(() => operations.search(NOWHERE))).toBe(5)
  expect(await readsDuring(() => operations.search(NOWHERE))).toBe(0)

  const second = await reopened(engine)
  expect(await readsDuring(() => second.operations.search(NOWHERE))).toBe(0)
  await publish(second.operations, '# Issue 6\n\nword6\n')
  await second.operations.amendIssue({ number: 2, draft: { markdown: '# Issue 2\n\nbeacon\n' } })

  const third = await reopened(second.engine)
  expect(await readsDuring(() => third.operations.search(NOWHERE))).toBe(2)
  expect(single(await third.operations.search({ query: 'beacon' }))).toMatchObject({ number: 2 })
  expect(single(await third.operations.search({ query: 'word6' }))).toMatchObject({ number: 6 })
  const like = await third.operations.search({ query: 'word2' })
  expect(like.map((it) => it.number)).not.toContain(2)
})

it('makes an index anew that was damaged', async () => {
  const { dataDir, engine, operations } = await withIssues(3)
  await operations.search(NOWHERE)
  for (const name of await readdir(join(dataDir, 'search')))
    await writeFile(join(dataDir, 'search', name), '{"version":"0"}')
  const { operations: again } = await reopened(engine)
  expect(await readsDuring(() => again.search(NOWHERE))).toBe(3)
  expect(await again.search({ query: 'word3' })).toHaveLength(1)
})

it('answers though the index cannot be written', async () => {
  const { dataDir, operations } = await withIssues(1)
  await writeFile(join(dataDir, 'search'), 'in the way')
  expect(await operations.search({ query: 'word1' })).toHaveLength(1)
  await rm(join(dataDir, 'search'))
  await publish(operations, '# Issue 2\n\nword2\n')
  expect(await operations.search({ query: 'word2' })).toHaveLength(1)
  expect(await readdir(join(dataDir, 'search'))).toHaveLength(1)
})

it('keeps what it has read when it is aborted', async () => {
  const { operations } = await withIssues(20)
  const abort = new AbortController()
  const readBody = Reflect.get(Feed.prototype, 'readBody')
  const read = vi.spyOn(Feed.prototype, 'readBody').mockImplementation(function (
    this: Feed,
    ...given
  ) {
    abort.abort()
    return readBody.apply(this, given)
  })
  await expectFailure('ABORTED', operations.search(NOWHERE, { signal: abort.signal }))
  const before = read.mock.calls.length
  await operations.search(NOWHERE)
  expect(read.mock.calls).toHaveLength(20)
  expect(before).toBeLessThan(20)
})

it('finds what was subscribed to as it arrives, and nothing of it after unsubscribing', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 3 })
  const { operations, engine } = await openPeer(network)
  await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
  expect(await operations.search({ query: 'water' })).toHaveLength(3)
  expect(single(await operations.search({ query: '"Issue 2"' }))).toMatchObject({ read: false })

  await publish(author.operations, '# Issue 4\n\nA lighthouse.\n')
  await vi.waitUntil(async () => (await operations.search({ query: 'lighthouse' })).length > 0, {
    timeout: 15_000,
  })
  expect(single(await operations.search({ query: 'lighthouse' }))).toMatchObject({ number: 4 })

  await operations.unsubscribe({ newsletter: author.feedKey })
  expect(await operations.search({ query: 'water' })).toStrictEqual([])
  expect(await readdir(join(engine.config.dataDir, 'search'))).toStrictEqual([])
})

it('marks a whole archive as read, and as unread again', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 3 })
  const { operations } = await openPeer(network)
  await all(operations.subscribe({ link: author.link, timeoutSeconds: 15 }))
  const newsletter = author.feedKey
  expect(await operations.markIssues({ newsletter, read: true })).toMatchObject({ changed: 3 })
  expect(await operations.listInbox({})).toStrictEqual([])
  expect(await operations.listInbox({ show: 'all' })).toHaveLength(3)
  const back = { newsletter, numbers: [1, 3], read: false }
  expect(await operations.markIssues(back)).toMatchObject({ changed: 2 })
  expect(await operations.listInbox({})).toHaveLength(2)
})
