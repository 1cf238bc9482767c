import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { runPeer } from '../helpers/child.ts'
import { openEngine } from '../helpers/engines.ts'
import { all, expectFailure } from '../helpers/operations.ts'
import { openAuthor, openPeer, publish, type Peer } from '../helpers/peers.ts'
import {
  addressOf,
  eventually,
  feedOf,
  folderWithImage,
  standing,
  subscribe,
  subscribeSoon,
} from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { coreOf } from '../helpers/stores.ts'

describe('while the author is away', () => {
  test('a new reader gets every issue from another reader, verified', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 5 })
    const first = await openPeer(bootstrap)
    await subscribe(first, author.link)
    await author.engine.close()

    const second = await openPeer(bootstrap)
    await subscribe(second, author.link)

    const { operations } = second
    const issues = await operations.listIssues({ newsletter: author.feedKey })
    expect(issues.map((it) => it.number)).toEqual([5, 4, 3, 2, 1])
    expect(issues.every((it) => it.held)).toBe(true)
    for (const { number } of issues) {
      const issue = await operations.readIssue({ newsletter: author.feedKey, number })
      expect(issue).toMatchObject({
        markdown: `# Issue ${number}\n\nHigh water at ${number} o'clock.\n`,
        verified: true,
      })
    }
  })

  test('an author process that was killed is not missed either', async () => {
    const bootstrap = await privateNetwork()
    const { folder, bytes } = await folderWithImage('chart.png', 300_000)
    const dataDir = await temporaryDirectory()
    const author = runPeer('author', addressOf(bootstrap), dataDir, folder)
    const link = await author.line(/^hyperletter:/)
    const first = await openPeer(bootstrap)
    await subscribe(first, link)
    author.process.kill('SIGKILL')
    await author.ended()

    const second = await openPeer(bootstrap)
    await subscribe(second, link)

    await expectIssuesWithChart(second, link, bytes)
  })

  test('a reader passes on what it holds after a restart', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 2 })
    const first = await openPeer(bootstrap)
    await subscribe(first, author.link)
    await author.engine.close()
    const { dataDir } = first.engine.config
    await first.engine.close()
    const second = await openPeer(bootstrap)
    await subscribeSoon(second, author.link)

    const again = await openEngine({ bootstrap, dataDir })
    await again.network()

    await eventually(async () =>
      expect(await standing(second, author.feedKey)).toMatchObject({ issues: 2, fullCopies: 1 }),
    )
    await all(second.operations.followSync({ newsletter: author.feedKey }))
  })
})

async function expectIssuesWithChart({ operations }: Peer, link: string, chart: Buffer) {
  for (const number of [1, 2, 3]) {
    const newsletter = link
    const issue = await operations.readIssue({ newsletter, number })
    expect(issue).toMatchObject({ title: `Issue ${number}`, verified: true })
    const found = await all(operations.readAttachment({ newsletter, number, name: 'chart.png' }))
    expect(Buffer.concat(found).equals(chart)).toBe(true)
  }
}

describe('an issue published later', () => {
  test('reaches readers who are connected', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 1 })
    const readers = [await openPeer(bootstrap), await openPeer(bootstrap)]
    for (const reader of readers) await subscribe(reader, author.link)

    const arrivals = readers.map(async ({ operations }) => {
      for await (const issue of operations.watchIssues({})) return issue
      return undefined
    })
    await publish(author.operations, '# Neap tides\n')

    const [one, other] = await Promise.all(arrivals)
    expect(one).toMatchObject({ number: 2, title: 'Neap tides', held: true })
    expect(other).toMatchObject({ number: 2, title: 'Neap tides', held: true })
  })
})

describe('a new reader of a large newsletter', () => {
  test('can read the newest issue long before it holds the backlog', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap)
    const { folder } = await folderWithImage('chart.png', 40_000_000)
    const draft = { markdown: '# Old\n\n![](chart.png)\n', folder }
    await all(author.operations.publishIssue({ draft }))
    await publish(author.operations, '# New\n\nSee the old one.\n')
    const reader = await openPeer(bootstrap)
    const order: number[] = []
    const { feed } = await reader.engine.open(
      { feedKey: parseFeedKey(author.feedKey) },
      { online: false },
    )
    coreOf(feed).on('download', (index) => order.push(index))
    await subscribeSoon(reader, author.link)

    const issue = await eventually(() =>
      reader.operations.readIssue({ newsletter: author.feedKey, timeoutSeconds: 1 }),
    )

    expect(issue).toMatchObject({ number: 2, markdown: '# New\n\nSee the old one.\n' })
    const newest = feed.entryRange(await feed.issue(2))
    // The profile and the record before may come with it; nothing else of the backlog does.
    expect(order).toContain(newest.start)
    const before = order.slice(0, order.indexOf(newest.start))
    expect(before.filter((index) => index > 0 && index < newest.start - 1)).toEqual([])
    expect(coreOf(feed).contiguousLength).toBeLessThan(feed.length)
    await all(reader.operations.followSync({ newsletter: author.feedKey }))
    expect(coreOf(feed).contiguousLength).toBe(feed.length)
  })
})

describe('a seeder that knows the feed key only', () => {
  test.each([
    { kind: 'a public', isPrivate: false },
    { kind: 'a private', isPrivate: true },
  ])('keeps $kind newsletter alive', async ({ isPrivate }) => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { isPrivate })
    const newsletter = author.feedKey
    const { number } = await publish(author.operations, '# The harbour pilot\n\nMeets nobody.\n')
    const seeder = await openPeer(bootstrap)
    await seeder.operations.seed({ link: newsletter })
    const { length } = await feedOf(author, newsletter)
    await eventually(async () =>
      expect(await standing(seeder, newsletter)).toMatchObject({ heldBlocks: length, length }),
    )
    await author.engine.close()

    const reader = await openPeer(bootstrap)
    await subscribe(reader, author.link)

    expect(await reader.operations.readIssue({ newsletter, number })).toMatchObject({
      markdown: '# The harbour pilot\n\nMeets nobody.\n',
      verified: true,
    })
    await seeder.engine.close()
    // The title stands in the record as it is, so a store that could be read shows it.
    const found = await filesContaining(seeder.engine.config.dataDir, 'The harbour pilot')
    expect(found.length > 0).toBe(!isPrivate)
  })

  test('cannot read a private newsletter', async () => {
    const bootstrap = await privateNetwork()
    const { link, feedKey } = await openAuthor(bootstrap, { isPrivate: true, issues: 1 })
    expect(link).not.toBe(`hyperletter://${feedKey}`)
    const seeder = await openPeer(bootstrap)
    await seeder.operations.seed({ link: feedKey })
    await eventually(async () => expect((await standing(seeder, feedKey)).heldBlocks).toBe(3))
    const reading = seeder.operations.readIssue({ newsletter: feedKey })
    await expectFailure('NEEDS_KEY', reading)
  })
})

async function filesContaining(directory: string, text: string): Promise<string[]> {
  const found = []
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && (await readFile(path)).includes(text)) found.push(path)
  }
  return found
}
