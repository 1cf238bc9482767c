import { expect, test } from 'vitest'
import type { Output } from '../../../src/api/contract/contract.ts'
import { expectFailure } from '../../helpers/operations.ts'
import { whereIsTheRest } from '../../../src/api/diagnosing/explain.ts'
import { bindOperations } from '../../../src/api/operations.ts'
import { parseFeedKey } from '../../../src/format/keys/feed-key.ts'
import { openEngine } from '../../helpers/engines.ts'
import { openAuthor, openPeer, publish, type Peer } from '../../helpers/peers.ts'
import {
  announce,
  copyPlainly,
  eventually,
  feedOf,
  openPlainly,
  plainPeer,
  standing,
  subscribe,
  subscribeSoon,
} from '../../helpers/swarm-peers.ts'
import { privateNetwork } from '../../helpers/testnet.ts'
import { coreOf } from '../../helpers/stores.ts'

const NOWHERE = [{ host: '127.0.0.1', port: 9 }]

const codes = ({ reasons }: Output<'explainNewsletter'>) => reasons.map((it) => it.code)

const explain = ({ operations }: Peer, newsletter: string) =>
  operations.explainNewsletter({ newsletter })

test('a newsletter that is here is complete', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 2 })
  const reader = await openPeer(network)
  await subscribe(reader, author.link)
  for (const peer of [author, reader]) {
    const found = await explain(peer, author.feedKey)
    expect(found).toMatchObject({ complete: true, heldBlocks: 5, length: 5, title: 'Tide tables' })
    expect(codes(found)).toEqual(['complete'])
  }
})

test('a newsletter that the gateway has is found by browsers', async () => {
  const facts = { address: 'https://news.example/', tabs: 0, uploadedBytes: 0 }
  const newsletters: string[] = []
  const engine = await openEngine({ bootstrap: [], gateway: () => ({ ...facts, newsletters }) })
  const operations = bindOperations(engine, 'engine')
  const { feedKey } = await operations.createNewsletter({ title: 'Tide tables' })
  expect(codes(await operations.explainNewsletter({ newsletter: feedKey }))).toEqual(['complete'])
  newsletters.push(feedKey)
  const { reasons } = await operations.explainNewsletter({ newsletter: feedKey })
  expect(reasons[1]).toEqual({
    code: 'gateway',
    message: `Browsers read it at https://news.example/#${feedKey}, through the gateway here.`,
  })
})

test('what was taken back is not missing', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 2 })
  const { operations, feedKey } = author
  await operations.retractIssue({ newsletter: feedKey, number: 1 })
  const reader = await openPeer(network)
  await subscribe(reader, author.link)
  const found = await explain(reader, feedKey)
  expect(found.complete).toBe(true)
  expect(codes(found)).toEqual(['complete', 'retracted'])
})

test('what has no place here is not missing, and is told of', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 3 })
  const reader = await openPeer(network)
  await subscribe(reader, author.link)
  const keep = { newest: 1 }
  await reader.operations.keepNewsletter({ newsletter: author.feedKey, keep })
  await eventually(async () => {
    const found = await explain(reader, author.feedKey)
    expect(found.complete).toBe(true)
    expect(codes(found)).toEqual(['complete', 'left-out'])
    const [complete] = found.reasons
    expect(complete?.message).toBe('Everything you chose to keep is here and checked.')
  })
})

test('a newsletter that nobody announces', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { isOnline: false })
  const reader = await openPeer(network)
  await subscribeSoon(reader, author.link)
  const found = await explain(reader, author.feedKey)
  expect(found).toMatchObject({ complete: false, length: 0, peers: 0 })
  expect(codes(found)).toEqual(['nobody-announces', 'nothing-yet'])
})

test('no DHT in reach', async () => {
  const author = await openAuthor(NOWHERE, { isOnline: false })
  const reader = await openPeer(NOWHERE)
  await subscribeSoon(reader, author.link)
  expect(codes(await explain(reader, author.feedKey))).toEqual(['no-dht', 'nothing-yet'])
})

test('those who announced it are gone without a word', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { isOnline: false })
  const gone = await plainPeer(network)
  await announce(gone, await openPlainly(gone, author.feedKey))
  await gone.swarm.destroy({ force: true })
  const reader = await openPeer(network)
  await subscribeSoon(reader, author.link)
  expect(codes(await explain(reader, author.feedKey))).toEqual(['unreachable', 'nothing-yet'])
})

test('blocks that no connected peer holds are named', { timeout: 60_000 }, async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 4 })
  const helper = await plainPeer(network)
  const core = await copyPlainly(helper, author.feedKey, 9)
  await author.engine.close()
  await core.clear(6, 9)
  const reader = await openPeer(network)
  await subscribeSoon(reader, author.link)
  await eventually(async () => {
    expect((await standing(reader, author.feedKey)).heldBlocks).toBe(6)
    // The newest issue, which nobody has, is waited for first.
  }, 30_000)

  const found = await explain(reader, author.feedKey)

  expect(codes(found)).toEqual(['nobody-holds'])
  expect(found.reasons[0]?.message).toContain('blocks 6 to 8')
  expect(found).toMatchObject({ complete: false, heldBlocks: 6, length: 9, peers: 1 })
})

test('a second history comes first, whatever else there is', async () => {
  const author = await openAuthor(NOWHERE, { issues: 1, isOnline: false })
  const problem = { code: 'FEED_CONFLICT', message: 'Two histories.' }
  await author.engine.library.update(parseFeedKey(author.feedKey), { problem })
  const found = await explain(author, author.feedKey)
  expect(codes(found)).toEqual(['fork', 'complete'])
})

test('a private newsletter that is only carried needs no key; one that is read does', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 1, isPrivate: true })
  const seeder = await openPeer(network)
  await seeder.operations.seed({ link: author.feedKey })
  await eventually(async () => {
    expect(codes(await explain(seeder, author.feedKey))).toEqual(['complete'])
  })
  await seeder.engine.library.add(parseFeedKey(author.feedKey), 'subscriber')
  expect(codes(await explain(seeder, author.feedKey))).toEqual(['needs-key', 'complete'])
})

test('what comes at a limited rate is being fetched', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 1 })
  const reader = await openPeer(network)
  await subscribe(reader, author.link)
  // The reader knows of the next issue, and asks for nothing of it yet.
  const feed = await feedOf(reader, author.feedKey)
  const online = await reader.engine.network()
  await online.stop(feed.feedKey)
  const core = coreOf(feed)
  const grown = new Promise<void>((resolve) => core.once('append', resolve))
  await publish(author.operations, '# Next\n')
  await grown
  const reasons = whereIsTheRest({ downloadLimit: 50_000 }, online, feed)
  expect(reasons).toMatchObject([{ code: 'fetching' }])
  expect(reasons[0]?.message).toContain('50 kB/s')
})

test('an unknown newsletter is refused', async () => {
  const { operations } = await openPeer(NOWHERE, { isOnline: false })
  await expectFailure('NEWSLETTER_NOT_FOUND', operations.explainNewsletter({ newsletter: 'tides' }))
})
