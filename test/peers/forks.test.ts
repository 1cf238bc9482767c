import { describe, expect, test } from 'vitest'
import type Hypercore from 'hypercore'
import { runPeer } from '../helpers/child.ts'
import { openAuthor, openPeer, publish, type Peer } from '../helpers/peers.ts'
import {
  addressOf,
  announce,
  eventually,
  feedOf,
  plainPeer,
  subscribe,
  type PlainPeer,
} from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { coreOf } from '../helpers/stores.ts'

/** A second store with the author's signing key and another, longer history. */
async function forger(peer: PlainPeer, author: Peer & { feedKey: string }): Promise<Hypercore> {
  const core = coreOf(await feedOf(author, author.feedKey))
  const { publicKey, secretKey } = core.keyPair ?? {}
  if (publicKey === undefined || secretKey == null) throw new Error('No signing key.')
  const forged = peer.store.get({ keyPair: { publicKey, secretKey } })
  await forged.ready()
  expect(forged.id).toBe(author.feedKey)
  await forged.append(Array.from({ length: core.length + 2 }, (_, i) => `another block ${i}`))
  return forged
}

describe('a second history under the same feed key', () => {
  test('leaves a reader with what it held, and is reported', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 2 })
    const reader = await openPeer(bootstrap)
    await subscribe(reader, author.link)
    const plain = await plainPeer(bootstrap)
    const forged = await forger(plain, author)
    await author.engine.close()

    await announce(plain, forged)
    await eventually(async () => {
      const [entry] = await reader.operations.listNewsletters({})
      expect(entry).toMatchObject({ problem: { code: 'FEED_CONFLICT' } })
    })
    await plain.swarm.destroy({ force: true })

    const newsletter = author.feedKey
    const markdown = `# Issue 2\n\nHigh water at 2 o'clock.\n`
    const held = await reader.operations.readIssue({ newsletter })
    expect(held).toMatchObject({ markdown, verified: true })
    const other = await openPeer(bootstrap)
    await subscribe(other, author.link)
    expect(await other.operations.readIssue({ newsletter })).toMatchObject({ markdown })
  })

  test('does not part a reader from an author who shares its own', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 2 })
    const reader = await openPeer(bootstrap)
    await subscribe(reader, author.link)
    const plain = await plainPeer(bootstrap)
    await announce(plain, await forger(plain, author))
    for (const { operations } of [author, reader]) {
      await eventually(async () => {
        const [entry] = await operations.listNewsletters({})
        expect(entry).toMatchObject({ problem: { code: 'FEED_CONFLICT' } })
      })
    }

    await publish(author.operations, '# Issue 3\n')

    const newsletter = author.feedKey
    await eventually(async () => {
      const [newest] = await reader.operations.listIssues({ newsletter })
      expect(newest).toMatchObject({ number: 3, held: true })
    })
  })

  test('does not end the process of a reader', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 2 })
    const dataDir = await temporaryDirectory()
    const reader = runPeer('reader', addressOf(bootstrap), dataDir, author.link)
    await reader.line(/^held$/)
    const plain = await plainPeer(bootstrap)
    const forged = await forger(plain, author)
    await author.engine.close()

    await announce(plain, forged)
    await reader.line(/^problem FEED_CONFLICT$/)

    expect(reader.process.exitCode).toBeNull()
  })
})

test('a history that was cut back and rewritten is not adopted', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 2 })
  const reader = await openPeer(bootstrap)
  await subscribe(reader, author.link)
  const authors = coreOf(await feedOf(author, author.feedKey))
  const core = coreOf(await feedOf(reader, author.feedKey))
  const { length } = authors

  await authors.truncate(1)
  await authors.append(Array.from({ length: length + 3 }, (_, i) => `another block ${i}`))
  await eventually(() => expect(core.peers[0]).toMatchObject({ remoteFork: 1 }))

  expect(core).toMatchObject({ fork: 0, length, contiguousLength: length })
  expect(await reader.operations.readIssue({ newsletter: author.feedKey })).toMatchObject({
    number: 2,
    verified: true,
  })
})
