import { describe, expect, test } from 'vitest'
import { bindOperations } from '../../src/api/operations.ts'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { all, expectFailure, only } from '../helpers/operations.ts'
import { openAuthor, openPeer } from '../helpers/peers.ts'
import {
  announce,
  eventually,
  feedOf,
  folderWithImage,
  openPlainly,
  plainPeer,
  standing,
  subscribe,
  subscribeSoon,
} from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

describe('publishing with copies to wait for', () => {
  test('counts them as readers fetch the issue', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 1 })
    const readers = [
      await openPeer(bootstrap),
      await openPeer(bootstrap),
      await openPeer(bootstrap),
    ]
    for (const reader of readers) await subscribe(reader, author.link)
    const { folder } = await folderWithImage('chart.png', 2_000_000)

    const events = await all(
      author.operations.publishIssue({
        draft: { markdown: '# Chart\n\n![](chart.png)\n', folder },
        waitCopies: 3,
        timeoutSeconds: 10,
      }),
    )

    expect(only(events, 'published')).toMatchObject([{ copies: 0 }])
    const counts = only(events, 'copies').map((it) => it.copies)
    expect(counts.at(0)).toBe(0)
    expect(counts.at(-1)).toBe(3)
    await eventually(async () =>
      expect(await standing(author, author.feedKey)).toMatchObject({ peers: 3, fullCopies: 3 }),
    )
  })

  test('ends with TIMEOUT when nobody fetches it, and has published all the same', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap)
    const draft = { markdown: '# Alone\n' }
    const publishing = author.operations.publishIssue({
      draft,
      waitCopies: 1,
      timeoutSeconds: 0.2,
    })
    await expectFailure('TIMEOUT', publishing)
    expect(await author.operations.listIssues({ newsletter: author.feedKey })).toHaveLength(1)
  })
})

test('a peer that holds a part is no copy, until it holds everything', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 3 })
  const plain = await plainPeer(bootstrap)
  const core = await openPlainly(plain, author.feedKey)
  await announce(plain, core)
  const feed = await feedOf(author, author.feedKey)
  await eventually(() => expect(core.length).toBe(feed.length))
  const network = await author.engine.network()
  const newest = feed.entryRange(await feed.issue(3))

  await core.download({ start: 1, end: newest.end }).done()
  expect(network.copies(feed.feedKey, { start: 0, end: 1 })).toBe(0)
  expect(network.status(feed.feedKey)).toMatchObject({ peers: 1, fullCopies: 0 })

  await core.get(0)
  await eventually(() => expect(network.status(feed.feedKey).fullCopies).toBe(1))
  expect(network.copies(feed.feedKey, newest)).toBe(1)
})

test('a reader who still fetches the backlog counts for the newest issue, once it is there whole', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap)
  const { folder } = await folderWithImage('chart.png', 16_000_000)
  const draft = { markdown: '# Old\n\n![](chart.png)\n', folder }
  await all(author.operations.publishIssue({ draft }))
  const config = configOf(await temporaryDirectory(), bootstrap)
  const engine = await openEngine({ config: { ...config, downloadLimit: 2_000_000 } })
  await engine.network()
  const reader = { engine, operations: bindOperations(engine, 'engine') }
  await subscribeSoon(reader, author.link)
  const { feed } = await reader.engine.open(
    { feedKey: parseFeedKey(author.feedKey) },
    { online: false },
  )
  await eventually(() => expect(feed.heldBlocks).toBeGreaterThan(30))

  let heldThen = 0
  const events = author.operations.publishIssue({
    draft: { markdown: '# New\n\nShort.\n' },
    waitCopies: 1,
    timeoutSeconds: 10,
  })
  for await (const event of events) {
    if (event.event === 'copies' && event.copies === 1) heldThen = feed.heldBlocks
  }

  expect(heldThen).toBeGreaterThan(0)
  expect(heldThen).toBeLessThan(feed.length)
  expect(await standing(author, author.feedKey)).toMatchObject({
    issues: 2,
    newestCopies: 1,
    olderCopies: 0,
    fullCopies: 0,
  })
  // A peer that connects later is told too.
  const other = await openPeer(bootstrap)
  await subscribeSoon(other, author.link)
  await eventually(async () =>
    expect(await standing(other, author.feedKey)).toMatchObject({ newestCopies: 2 }),
  )
  await all(reader.operations.followSync({ newsletter: author.feedKey }))
  await eventually(async () => {
    const { fullCopies, olderCopies } = await standing(author, author.feedKey)
    expect(Math.min(fullCopies, olderCopies)).toBeGreaterThan(0)
  })
})
