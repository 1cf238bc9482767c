import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { USES_INTERNALS } from '../../../src/log/internals/version.ts'
import { openAuthor, openPeer, publish } from '../../helpers/peers.ts'
import {
  copyPlainly,
  eventually,
  feedOf,
  plainPeer,
  standing,
  subscribe,
} from '../../helpers/swarm-peers.ts'
import { privateNetwork } from '../../helpers/testnet.ts'
import { coreOf } from '../../helpers/stores.ts'

/** Keeps Hypercore from asking anybody for anything of a core. */
function askNothing(core: Hypercore): void {
  const { core: inner } = core as unknown as {
    core: { replicator: { setPushOnly(isOn: boolean): void } }
  }
  inner.replicator.setPushOnly(true)
}

test.runIf(USES_INTERNALS).each([
  { what: 'an open newsletter', isPrivate: false },
  { what: 'a private newsletter', isPrivate: true },
])('a new issue of $what can be read by who asks for nothing', async ({ isPrivate }) => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1, isPrivate })
  const reader = await openPeer(bootstrap)
  await subscribe(reader, author.link)
  const core = coreOf(await feedOf(reader, author.feedKey))
  const { length } = await feedOf(author, author.feedKey)
  const authors = coreOf(await feedOf(author, author.feedKey))
  await eventually(() => expect(authors.peers[0]).toMatchObject({ remoteLength: length }))
  const before = await standing(reader, author.feedKey)
  askNothing(core)

  await publish(author.operations, '# Spring tide\n\nHigher than usual.\n')

  const newsletter = author.feedKey
  await eventually(async () => {
    const issue = await reader.operations.readIssue({ newsletter })
    expect(issue).toMatchObject({ number: 2, verified: true })
    expect(issue.markdown).toContain('Higher than usual.')
  })
  const { downloadedBytes } = await standing(reader, newsletter)
  const { uploadedBytes, fullCopies } = await standing(author, newsletter)
  expect(downloadedBytes).toBeGreaterThan(before.downloadedBytes)
  expect(uploadedBytes).toBeGreaterThanOrEqual(downloadedBytes)
  expect(fullCopies).toBe(1)
})

test.runIf(USES_INTERNALS)('what is pushed is not asked for too', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const reader = await openPeer(bootstrap)
  await subscribe(reader, author.link)
  const { log } = await feedOf(author, author.feedKey)
  const [theirs, ours] = [coreOf(log), coreOf(await feedOf(reader, author.feedKey))]
  await eventually(() => expect(ours.contiguousLength).toBe(log.length))
  const before = ours.peers[0]?.stats.wireRequest.tx
  for (const tide of ['Spring', 'Neap', 'Spring again']) {
    await eventually(() => expect(theirs.peers[0]).toMatchObject({ remoteLength: log.length }))
    await publish(author.operations, `# ${tide} tide\n`)
    await eventually(() => expect(ours.contiguousLength).toBe(log.length))
  }
  await eventually(() => expect(theirs.peers[0]).toMatchObject({ remoteLength: log.length }))
  expect(ours.peers[0]?.stats.wireRequest.tx).toBe(before)
})

test('a plain Hypercore peer beside a reader gets a new issue as ever', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const { length } = await feedOf(author, author.feedKey)
  const plain = await copyPlainly(await plainPeer(bootstrap), author.feedKey, length)
  const reader = await openPeer(bootstrap)
  await subscribe(reader, author.link)

  await publish(author.operations, '# Spring tide\n')

  await eventually(() => expect(plain.contiguousLength).toBeGreaterThan(length))
  const core = coreOf(await feedOf(reader, author.feedKey))
  await eventually(() => expect(core.contiguousLength).toBe(plain.length))
})
