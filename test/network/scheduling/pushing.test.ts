import { expect, test } from 'vitest'
import { openAuthor, openPeer, publish, type Peer } from '../../helpers/peers.ts'
import {
  copyPlainly,
  eventually,
  feedOf,
  plainPeer,
  subscribe,
  tamper,
} from '../../helpers/swarm-peers.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

/** Blocks that a reader got, and whether it had asked for each. */
async function arrivals(reader: Peer, feedKey: string): Promise<Map<number, boolean>> {
  const { core } = await feedOf(reader, feedKey)
  const wasAsked = new Map<number, boolean>()
  core.on('download', (index, _sizeBytes, _peer, request) => wasAsked.set(index, request !== null))
  return wasAsked
}

test('a small issue comes unasked to a reader who is connected', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const reader = await openPeer(bootstrap)
  await subscribe(reader, author.link)
  const { core } = await feedOf(reader, author.feedKey)
  const wasAsked = await arrivals(reader, author.feedKey)

  await eventually(async () => {
    // Only what follows a pause is pushed.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await publish(author.operations, '# Once more\n\nHigh water at noon.\n')
    const { length } = await feedOf(author, author.feedKey)
    await eventually(() => expect(core.contiguousLength).toBe(length))
    expect(wasAsked.get(length - 1)).toBe(false)
  }, 20_000)
})

test('a plain Hypercore reader takes part without being pushed anything', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const { length: before } = await feedOf(author, author.feedKey)
  const plain = await copyPlainly(await plainPeer(bootstrap), author.feedKey, before)

  await publish(author.operations, '# Once more\n\nHigh water at noon.\n')

  const { length } = await feedOf(author, author.feedKey)
  await eventually(() => expect(plain.contiguousLength).toBe(length))
})

test('a false block that is pushed is not kept, and the true one comes', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const reader = await openPeer(bootstrap)
  await subscribe(reader, author.link)
  const feed = await feedOf(reader, author.feedKey)
  const { core: source } = await feedOf(author, author.feedKey)
  const { length: before } = source
  const liar = await plainPeer(bootstrap)
  const copy = await copyPlainly(liar, author.feedKey, before)
  tamper(copy)
  await feed.core.clear(0)
  const pushed = copy.peers.map((it) =>
    (it as unknown as { push(index: number): Promise<void> }).push(0),
  )
  await Promise.all(pushed)

  await publish(author.operations, '# Once more\n\nHigh water at noon.\n')

  await eventually(async () => {
    expect(feed.core.contiguousLength).toBe(source.length)
    expect(await feed.core.get(0)).toEqual(await source.get(0))
  })
})
