import c from 'compact-encoding'
import type { Connection } from 'hyperswarm'
import Protomux from 'protomux'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Address } from '../../../src/config/config.ts'
import { KEEP_OPEN } from '../../../src/replication/idle/idle-feeds.ts'
import { keyBytes, type FeedKey } from '../../../src/format/keys/feed-key.ts'
import { openEngine } from '../../helpers/engines.ts'
import { openAuthor, openPeer, publish, type Peer } from '../../helpers/peers.ts'
import {
  copyPlainly,
  eventually,
  feedOf,
  plainPeer,
  standing,
  subscribe,
} from '../../helpers/swarm-peers.ts'
import { bindOperations } from '../../../src/api/operations.ts'
import { privateNetwork } from '../../helpers/testnet.ts'
import { coreOf } from '../../helpers/stores.ts'

/** A reader of `link` who comes back with so many other newsletters, all younger, that this one rests. */
async function returningReader(bootstrap: readonly Address[], link: string) {
  const reader = await openPeer(bootstrap)
  await subscribe(reader, link)
  const { dataDir } = reader.engine.config
  await reader.engine.close()
  const offline = await openEngine({ bootstrap, dataDir })
  const operations = bindOperations(offline, 'engine')
  for (let i = 0; i < KEEP_OPEN; i++) {
    await operations.createNewsletter({ title: `Other ${i}` })
  }
  await offline.close()
  return async (): Promise<Peer & { readonly lengths: ReadonlyMap<FeedKey, number> }> => {
    const engine = await openEngine({ bootstrap, dataDir })
    const lengths = new Map<FeedKey, number>()
    const grown = (feedKey: FeedKey, before: number) => lengths.set(feedKey, before)
    onTestFinished(engine.feeds.watchGrowth(grown))
    await engine.network()
    return { engine, operations: bindOperations(engine, 'engine'), lengths }
  }
}

describe('a newsletter that rests', () => {
  test('gets what its author published meanwhile', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 1 })
    const comeBack = await returningReader(bootstrap, author.link)
    await publish(author.operations, '# Meanwhile\n', author.feedKey)
    const reader = await comeBack()
    // Nobody here has opened it but the network.
    await eventually(() => expect(reader.lengths.has(author.feedKey as FeedKey)).toBe(true))
    await eventually(async () => {
      expect(await reader.operations.listIssues({ newsletter: author.feedKey })).toHaveLength(2)
    })
  })

  test('opens when a peer, who lets it rest as well, tells that it has more', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 1 })
    const comeBack = await returningReader(bootstrap, author.link)
    await publish(author.operations, '# Meanwhile\n', author.feedKey)
    const other = await (await returningReader(bootstrap, author.link))()
    await author.engine.close()
    const key = author.feedKey as FeedKey

    const reader = await comeBack()

    await eventually(() => expect(reader.lengths.has(key)).toBe(true))
    const feed = await feedOf(reader, author.feedKey)
    await eventually(() => expect(feed.heldBlocks).toBe(feed.length))
    expect(other.lengths.has(key)).toBe(false)
  })

  test('is counted as a copy by those who have it open', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 1 })
    const comeBack = await returningReader(bootstrap, author.link)
    const reader = await comeBack()
    await eventually(async () =>
      expect(await standing(author, author.feedKey)).toMatchObject({ peers: 1, fullCopies: 1 }),
    )
    expect(reader.lengths.size).toBe(0)
  })

  test('is served to a plain peer, and taken from one', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 1 })
    const comeBack = await returningReader(bootstrap, author.link)
    await publish(author.operations, '# Meanwhile\n', author.feedKey)
    const { length } = await feedOf(author, author.feedKey)
    await copyPlainly(await plainPeer(bootstrap), author.feedKey, length)
    await author.engine.close()

    const reader = await comeBack()
    await eventually(() => expect(reader.lengths.size).toBe(1))
    const feed = await feedOf(reader, author.feedKey)
    await eventually(() => expect(feed.heldBlocks).toBe(length))

    const late = await comeBackAgain(reader, bootstrap)
    await copyPlainly(await plainPeer(bootstrap), author.feedKey, length)
    expect(await late.engine.networkIfOnline()).toBeDefined()
  })

  test('is not opened for a stranger who repeats what it heard, and gives it no key', async () => {
    const bootstrap = await privateNetwork()
    const author = await openAuthor(bootstrap, { issues: 1 })
    const comeBack = await returningReader(bootstrap, author.link)
    const { discoveryKey } = coreOf(await feedOf(author, author.feedKey))
    const topic = discoveryKey as Buffer
    await author.engine.close()
    const reader = await comeBack()
    const heard: Buffer[] = []
    const connections: Connection[] = []
    const stranger = await plainPeer(bootstrap, (connection) => {
      connections.push(connection)
      const channel = Protomux.from(connection).createChannel({
        protocol: 'hyperletter/shelf/1',
        messages: [
          {
            encoding: c.raw,
            onmessage: (message: Buffer) => {
              heard.push(message)
              // One newsletter after another: 16 bytes, then how far it is; now it is further.
              const echo = Buffer.from(message)
              for (let at = 1; at < echo.length; at += 18) echo[at + 16] = 200
              channel?.messages[0]?.send(echo)
            },
          },
        ],
      })
      channel?.open()
    })
    await stranger.swarm.join(topic).flushed()
    await eventually(() => expect(heard.length).toBeGreaterThan(0))
    await Promise.all(connections.map((it) => it.flush()))
    const { feeds } = reader.engine
    // Once it is sure that the answer came, another round shows what came of it.
    await Promise.all(connections.map((it) => it.flush()))
    expect(await feeds.ifOpen(author.feedKey as FeedKey)).toBeUndefined()
    expect(Buffer.concat(heard).includes(Buffer.from(keyBytes(author.feedKey as FeedKey)))).toBe(
      false,
    )
    expect(Buffer.concat(heard).includes(topic)).toBe(false)
  })
})

async function comeBackAgain(reader: Peer, bootstrap: readonly Address[]): Promise<Peer> {
  const { dataDir } = reader.engine.config
  await reader.engine.close()
  const engine = await openEngine({ bootstrap, dataDir })
  await engine.network()
  return { engine, operations: bindOperations(engine, 'engine') }
}
