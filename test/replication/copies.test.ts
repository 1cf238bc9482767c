import { describe, expect, test } from 'vitest'
import { bindOperations } from '../../src/api/operations.ts'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import type { Log } from '../../src/format/log.ts'
import { Copies } from '../../src/replication/copies.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import type { Wire } from '../helpers/floods.ts'
import { all, expectFailure, only } from '../helpers/operations.ts'
import { openAuthor, openPeer } from '../helpers/peers.ts'
import {
  announce,
  copyPlainly,
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

describe('a peer that announces what it does not have', () => {
  test('is no copy', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 2 })
    const liar = await plainPeer(bootstrap)
    const core = await openPlainly(liar, author.feedKey)
    core.on('peer-add', (peer) => {
      const { wireRange } = peer as unknown as Wire
      wireRange.send({ drop: false, start: 0, length: 1_000 })
    })
    await announce(liar, core)
    const feed = await feedOf(author, author.feedKey)
    const network = await author.engine.network()
    const range = { start: 0, end: feed.length }
    await eventually(() => expect(feed.log.peers[0]?.holds(range)).toBe(true))

    const draft = { markdown: '# Third\n' }
    await expectFailure(
      'TIMEOUT',
      author.operations.publishIssue({ draft, waitCopies: 1, timeoutSeconds: 1 }),
    )
    expect(network.copies(feed.feedKey, range)).toBe(0)
    expect(network.status(feed.feedKey)).toMatchObject({ peers: 1, fullCopies: 0 })
  })

  test('is struck, as one that sends another block', async () => {
    const lies: Uint8Array[] = []
    const evidence = (answer: 'proved' | 'wrong' | 'not-held') => {
      const peer = {
        publicKey: Buffer.alloc(32, 1),
        ownPublicKey: Buffer.alloc(32, 2),
        length: 4,
        isSynced: true,
        holds: () => true,
        prove: () => Promise.resolve(answer),
        announce: () => undefined,
      }
      const leaf = () => Promise.resolve({ index: 0, size: 1, hash: Buffer.alloc(32) })
      const log = { writable: true, length: 4, peers: [peer], leaf } as unknown as Log
      return { peer, copies: new Copies(log, (it) => lies.push(it)) }
    }
    const wrong = evidence('wrong').copies
    expect(wrong.countFull()).toBe(0)
    await eventually(() => expect(lies).toHaveLength(1))
    const none = evidence('not-held').copies
    expect(none.countFull()).toBe(0)
    await eventually(() => expect(lies).toHaveLength(2))
    const right = evidence('proved').copies
    expect(right.countFull()).toBe(0)
    await eventually(() => expect(right.countFull()).toBe(1))
    const { peer, copies } = evidence('not-held')
    for (const index of [0, 1, 2, 3]) copies.uploaded(index, peer)
    expect(copies.countFull()).toBe(1)
    expect(lies).toHaveLength(2)
  })
})

test('who got an issue from another reader proves that, also when it runs plain Hypercore', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 3 })
  const plain = await plainPeer(bootstrap)
  const { length } = await feedOf(author, author.feedKey)
  const core = await copyPlainly(plain, author.feedKey, length)
  const { dataDir } = author.engine.config
  await author.engine.close()

  // What was uploaded before is not known any more.
  const engine = await openEngine({ bootstrap, dataDir })
  const network = await engine.network()
  await eventually(() => expect(core.peers.length).toBeGreaterThan(0))
  const range = { start: 0, end: length }
  await eventually(() => expect(network.copies(parseFeedKey(author.feedKey), range)).toBe(1))
  expect(network.status(parseFeedKey(author.feedKey)).uploadedBytes).toBe(0)
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
