import { describe, expect, test } from 'vitest'
import type { Address, Config } from '../../src/config/config.ts'
import { parseFeedKey } from '../../src/format/keys/feed-key.ts'
import { bindOperations } from '../../src/api/operations.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { all } from '../helpers/operations.ts'
import { openAuthor, type Peer } from '../helpers/peers.ts'
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
import { coreOf } from '../helpers/stores.ts'

/** Slow enough for any machine, so that the limit is what is measured. */
const BYTES_PER_SECOND = 1_000_000
const MEASURED_MS = 10_000

async function openWith(
  bootstrap: readonly Address[],
  settings: Partial<Config>,
  dataDir?: string,
): Promise<Peer> {
  const directory = dataDir ?? (await temporaryDirectory())
  const engine = await openEngine({ config: { ...configOf(directory, bootstrap), ...settings } })
  await engine.network()
  return { engine, operations: bindOperations(engine, 'engine') }
}

async function authorWith(bootstrap: readonly Address[], settings: Partial<Config>) {
  const author = await openWith(bootstrap, settings)
  const { link, feedKey } = await author.operations.createNewsletter({ title: 'Tides' })
  const { folder } = await folderWithImage('chart.png', 24_000_000)
  const draft = { markdown: '# Chart\n\n![](chart.png)\n', folder }
  await all(author.operations.publishIssue({ draft }))
  return { ...author, link, feedKey }
}

/** Bytes a second that `moved` grows by, once it does. */
async function measured(moved: () => Promise<number>): Promise<number> {
  await eventually(async () => expect(await moved()).toBeGreaterThan(BYTES_PER_SECOND / 2))
  const [before, start] = [await moved(), performance.now()]
  await eventually(() => expect(performance.now() - start).toBeGreaterThan(MEASURED_MS), 15_000)
  return ((await moved()) - before) / ((performance.now() - start) / 1_000)
}

describe('over ten seconds, within a tenth', () => {
  test('an upload limit holds, whatever peers fetch from each other', async () => {
    const bootstrap = await privateNetwork()
    const author = await authorWith(bootstrap, { uploadLimit: BYTES_PER_SECOND })
    for (let i = 0; i < 2; i++) await subscribeSoon(await openWith(bootstrap, {}), author.link)
    const uploaded = async () => (await standing(author, author.feedKey)).uploadedBytes
    const perSecond = await measured(uploaded)
    expect(perSecond).toBeLessThan(1.1 * BYTES_PER_SECOND)
    // What is around the blocks counts as well: encryption, proofs, and what peers say to each other.
    expect(perSecond).toBeGreaterThan(0.9 * BYTES_PER_SECOND)
  })

  test('a download limit holds', async () => {
    const bootstrap = await privateNetwork()
    const author = await authorWith(bootstrap, {})
    const reader = await openWith(bootstrap, { downloadLimit: BYTES_PER_SECOND })
    await subscribeSoon(reader, author.link)
    const downloaded = async () => (await standing(reader, author.feedKey)).downloadedBytes
    const perSecond = await measured(downloaded)
    expect(perSecond).toBeLessThan(1.1 * BYTES_PER_SECOND)
    expect(perSecond).toBeGreaterThan(0.9 * BYTES_PER_SECOND)
  })
})

test('no more peers are talked to than the limit says, and those are served', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const hub = await openWith(bootstrap, { maxConnections: 3 })
  await subscribe(hub, author.link)
  let most = 0
  const crowd = await Promise.all(Array.from({ length: 8 }, () => plainPeer(bootstrap)))
  for (const peer of crowd) {
    await announce(peer, await openPlainly(peer, author.feedKey))
    const { peers } = await hub.operations.status({})
    most = Math.max(most, peers)
  }
  await eventually(async () => {
    const { peers } = await hub.operations.status({})
    most = Math.max(most, peers)
    expect(peers).toBe(3)
  })
  expect(most).toBeLessThanOrEqual(3)
})

describe('a list of allowed peers', () => {
  test('keeps private newsletters from all others, who get the public ones', async () => {
    const bootstrap = await privateNetwork()
    const author = await openWith(bootstrap, { allowPeers: ['00'.repeat(32)] })
    const open = await author.operations.createNewsletter({ title: 'Open' })
    const secret = await author.operations.createNewsletter({ title: 'Secret', private: true })
    const reader = await openWith(bootstrap, {})
    await subscribeSoon(reader, secret.link)
    await subscribe(reader, open.link)

    // Both know the key of the private one, and are connected.
    const feed = await feedOf(reader, secret.feedKey)
    expect(feed.length).toBe(0)
    expect(coreOf(await feedOf(author, secret.feedKey)).peers).toHaveLength(0)

    // Also if it opens later, on the connection that is there.
    const later = await author.operations.createNewsletter({ title: 'Later', private: true })
    await subscribeSoon(reader, later.link)
    const again = await author.operations.createNewsletter({ title: 'Open too' })
    await subscribe(reader, again.link)
    expect((await feedOf(reader, later.feedKey)).length).toBe(0)
  })

  test('lets those who are on it replicate private newsletters', async () => {
    const bootstrap = await privateNetwork()
    const readerDir = await temporaryDirectory()
    const reader = await openWith(bootstrap, {}, readerDir)
    const author = await openAuthor(bootstrap, { issues: 1 })
    await subscribe(reader, author.link)
    const core = coreOf(await feedOf(author, author.feedKey))
    const key = core.peers[0]?.remotePublicKey.toString('hex') ?? ''

    const strict = await openWith(bootstrap, { allowPeers: [key] })
    const { link, feedKey } = await strict.operations.createNewsletter({
      title: 'Secret',
      private: true,
    })
    await subscribe(reader, link)
    const { feed } = await reader.engine.open({ feedKey: parseFeedKey(feedKey) }, { online: false })
    expect(feed.length).toBeGreaterThan(0)
  })
})
