import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SharedFeeds } from '../../../src/engine/network/shared-feeds.ts'
import type { Feed } from '../../../src/format/feed.ts'
import { PeerProtocol } from '../../../src/peers/peer-protocol.ts'

const feedWith = (first: number) =>
  ({ log: { discoveryKey: Buffer.alloc(32, first) } }) as unknown as Feed

test('tells of a changed newsletter once, in the next turn of the event loop, unless it is left before', async () => {
  const told: Feed[] = []
  const protocol = new PeerProtocol<string, object>({
    protocol: 'test',
    encoding: { preencode: () => {}, encode: () => {}, decode: () => '' },
    maxBytes: 1,
    rate: { perSecond: 1, burst: 1 },
    newState: () => ({}),
    onMessage: () => {},
    onMisdeed: () => {},
  })
  const feeds = new SharedFeeds(protocol, (feed) => told.push(feed))
  const [kept, left] = [feedWith(1), feedWith(2)]
  for (const it of [kept, left, kept]) feeds.changed(it)
  feeds.delete(left)
  expect(told).toEqual([])
  await setImmediate()
  expect(told).toEqual([kept])
})
