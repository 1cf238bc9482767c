import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Address } from '../../src/config/config.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { openEngine } from '../helpers/engines.ts'
import { all, expectFailure, single } from '../helpers/operations.ts'
import { openPeer, publish, type Peer } from '../helpers/peers.ts'
import { eventually, feedOf, subscribe } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

async function openIn(dataDir: string, bootstrap: readonly Address[]): Promise<Peer> {
  const engine = await openEngine({ dataDir, bootstrap })
  return { engine, operations: bindOperations(engine, 'engine') }
}

/**
 * Three issues that a reader holds, and a thief who has the signing key: on an old copy of the author's
 * device the first issue is taken back and the second one replaced, in a log that is longer than the true one.
 */
async function forged(bootstrap: readonly Address[]) {
  const dataDir = await temporaryDirectory()
  const before = await openIn(dataDir, bootstrap)
  const { feedKey, link } = await before.operations.createNewsletter({ title: 'Tides' })
  for (const i of [1, 2]) await publish(before.operations, `# Issue ${i}\n\nText ${i}.\n`)
  await before.engine.close()
  const copy = join(await temporaryDirectory(), 'stolen')
  await cp(dataDir, copy, { recursive: true })
  const author = await openIn(dataDir, bootstrap)
  await author.engine.network()
  await publish(author.operations, '# Issue 3\n\nText 3.\n')
  const reader = await openPeer(bootstrap)
  await subscribe(reader, link)
  await author.engine.close()

  const thief = await openIn(copy, [])
  const newsletter = feedKey
  await thief.operations.retractIssue({ newsletter, number: 1, reason: 'Forged.', force: true })
  const draft = { markdown: '# Forged\n\nNot the author.\n' }
  for (let i = 0; i < 3; i++) await thief.operations.amendIssue({ newsletter, number: 2, draft })
  const bundle = join(await temporaryDirectory(), 'forged.bundle')
  await writeFile(bundle, Buffer.concat(await all(thief.operations.exportBundle({ newsletter }))))
  await thief.engine.close()
  const { length } = await feedOf(reader, feedKey)
  return { reader, newsletter, bundle, length, openThief: () => openIn(copy, bootstrap) }
}

async function expectUnchanged({ operations }: Peer, newsletter: string): Promise<void> {
  for (const number of [1, 2, 3]) {
    const issue = await operations.readIssue({ newsletter, number })
    const markdown = `# Issue ${number}\n\nText ${number}.\n`
    expect(issue).toMatchObject({ markdown, editions: 1, verified: true })
    expect(issue).not.toHaveProperty('retracted')
  }
}

test('amendments and retractions of a forged history in a bundle change nothing', async () => {
  const { reader, newsletter, bundle, length } = await forged(await privateNetwork())
  await expectFailure('FEED_CONFLICT', reader.operations.importBundle({ file: bundle }))
  await expectUnchanged(reader, newsletter)
  expect((await feedOf(reader, newsletter)).length).toBe(length)
  const { problem } = single(await reader.operations.listNewsletters({}))
  expect(problem).toMatchObject({ code: 'FEED_CONFLICT' })
})

test('amendments and retractions of a forged history from a peer change nothing', async () => {
  const { reader, newsletter, length, openThief } = await forged(await privateNetwork())
  const thief = await openThief()
  await thief.engine.network()
  await eventually(async () => {
    const { problem } = single(await reader.operations.listNewsletters({}))
    expect(problem).toMatchObject({ code: 'FEED_CONFLICT' })
  })
  await thief.engine.close()
  await expectUnchanged(reader, newsletter)
  expect((await feedOf(reader, newsletter)).length).toBe(length)
})
