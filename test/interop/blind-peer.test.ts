import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import BlindPeer from 'blind-peer'
import BlindPeering from 'blind-peering'
import HyperDHT from 'hyperdht'
import Hyperswarm from 'hyperswarm'
import { expect, onTestFinished, test } from 'vitest'
import type { Address } from '../../src/config/config.ts'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { all } from '../helpers/operations.ts'
import { openAuthor, openPeer, publish } from '../helpers/peers.ts'
import {
  copyPlainly,
  eventually,
  feedOf,
  folderWithImage,
  plainPeer,
  subscribe,
} from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const TITLE = 'The harbour pilot'
const TEXT = 'Meets nobody at the mole before the tide turns.'

/** An unmodified blind-peer on loopback, as its operator runs it. */
async function runBlindPeer(bootstrap: readonly Address[], trusted: Uint8Array, folder: string) {
  const dht = new HyperDHT({ bootstrap, host: '127.0.0.1', firewalled: false })
  const swarm = new Hyperswarm({ dht })
  const blindPeer = new BlindPeer(folder, { swarm, trustedPubKeys: [trusted] })
  onTestFinished(async () => {
    await blindPeer.close()
    await swarm.destroy({ force: true })
  })
  await blindPeer.listen()
  return blindPeer
}

async function filesContaining(folder: string, bytes: Buffer): Promise<string[]> {
  const found = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && (await readFile(path)).includes(bytes)) found.push(path)
  }
  return found
}

test.each([
  { kind: 'a public', isPrivate: false, canRead: 'can read it' },
  { kind: 'a private', isPrivate: true, canRead: 'can read nothing of it' },
])('an unmodified blind-peer keeps $kind newsletter alive, and $canRead', async ({ isPrivate }) => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { isPrivate })
  const { feedKey, link } = author
  await publish(author.operations, `# ${TITLE}\n\n${TEXT}\n`)
  const { folder: drafts, bytes } = await folderWithImage('chart.png', 200_000)
  const draft = { markdown: '# With a chart\n\n![The chart](chart.png)\n', folder: drafts }
  await all(author.operations.publishIssue({ draft }))
  const { length } = await feedOf(author, feedKey)

  // Whoever hands the newsletter over needs the feed key only.
  const helper = await plainPeer(bootstrap)
  const core = await copyPlainly(helper, feedKey, length)
  const folder = await temporaryDirectory()
  const { dht } = helper.swarm
  const blindPeer = await runBlindPeer(bootstrap, dht.defaultKeyPair.publicKey, folder)
  const client = new BlindPeering(dht, helper.store, { keys: [blindPeer.publicKey] })
  await client.addCore(core, { announce: true })
  const held = blindPeer.store.get({ key: parseFeedKey(feedKey) })
  await held.ready()
  await eventually(() => expect(held.contiguousLength).toBe(length))
  await held.close()
  await client.close()
  await helper.swarm.destroy({ force: true })
  await author.engine.close()

  const reader = await openPeer(bootstrap)
  await subscribe(reader, link)

  const { operations } = reader
  expect(await operations.readIssue({ newsletter: feedKey, number: 1 })).toMatchObject({
    title: TITLE,
    markdown: `# ${TITLE}\n\n${TEXT}\n`,
    verified: true,
  })
  const chart = { newsletter: feedKey, number: 2, name: 'chart.png' }
  expect(Buffer.concat(await all(operations.readAttachment(chart))).equals(bytes)).toBe(true)
  // What stands in blocks as it is: a title in its record, a picture that no compression makes smaller.
  for (const plaintext of [Buffer.from(TITLE), bytes.subarray(0, 64)]) {
    expect((await filesContaining(folder, plaintext)).length > 0).toBe(!isPrivate)
  }
})
