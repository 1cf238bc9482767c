import { randomBytes } from 'node:crypto'
import type { Connection } from 'hyperswarm'
import { describe, expect, test } from 'vitest'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { openEngine } from '../helpers/engines.ts'
import { all } from '../helpers/operations.ts'
import { openAuthor, openPeer } from '../helpers/peers.ts'
import {
  announce,
  copyPlainly,
  eventually,
  feedOf,
  folderWithImage,
  openPlainly,
  plainPeer,
  subscribe,
  subscribeSoon,
  tamper,
} from '../helpers/swarm-peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { coreOf } from '../helpers/stores.ts'

test('a peer that serves tampered blocks is cut off, and the rest comes from an honest one', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 3 })
  const { folder } = await folderWithImage('chart.png', 3_000_000)
  const draft = { markdown: '# Chart\n\n![](chart.png)\n', folder }
  await all(author.operations.publishIssue({ draft }))
  const { length } = await feedOf(author, author.feedKey)
  const connections: Connection[] = []
  const liar = await plainPeer(bootstrap, (connection, store) => {
    connections.push(connection)
    store.replicate(connection)
  })
  const core = await copyPlainly(liar, author.feedKey, length)
  tamper(core)
  const { dataDir } = author.engine.config
  await author.engine.close()

  const reader = await openPeer(bootstrap)
  // Opened before it is subscribed to, so that no bad block goes uncounted: the third one bans.
  const { feed } = await reader.engine.open(
    { feedKey: parseFeedKey(author.feedKey) },
    { online: false },
  )
  let badBlocks = 0
  coreOf(feed).on('verification-error', () => badBlocks++)
  await subscribeSoon(reader, author.link)
  await eventually(() => {
    expect(badBlocks).toBeGreaterThanOrEqual(3)
    expect(connections.length).toBeGreaterThanOrEqual(3)
    expect(connections.every((it) => it.destroyed)).toBe(true)
  }, 20_000)
  expect(coreOf(feed).contiguousLength).toBeLessThan(length)

  const again = await openEngine({ bootstrap, dataDir })
  await again.network()
  await all(reader.operations.followSync({ newsletter: author.feedKey }))
  expect(coreOf(feed).contiguousLength).toBe(length)
  expect(coreOf(feed).peers.map((it) => it.remotePublicKey)).not.toContainEqual(
    liar.swarm.keyPair.publicKey,
  )
})

describe.each([
  { what: 'sends random bytes', act: (it: Connection) => it.write(randomBytes(10_000)) },
  { what: 'sends one byte', act: (it: Connection) => it.write(Buffer.of(1)) },
  { what: 'says nothing', act: () => true },
  { what: 'hangs up', act: (it: Connection) => it.destroy() },
])('a peer that $what', ({ act }) => {
  test('does not keep a reader from syncing and serving', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 2 })
    let met = 0
    const hostile = await plainPeer(bootstrap, (connection) => {
      met++
      act(connection)
    })
    await announce(hostile, await openPlainly(hostile, author.feedKey))
    const reader = await openPeer(bootstrap)
    await subscribe(reader, author.link)
    await eventually(() => expect(met).toBeGreaterThanOrEqual(2))
    await author.engine.close()

    const other = await openPeer(bootstrap)
    await subscribe(other, author.link)

    expect(await other.operations.listInbox({})).toHaveLength(2)
  })
})
