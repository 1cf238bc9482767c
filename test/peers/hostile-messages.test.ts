import type { Peer as ReplicationPeer } from 'hypercore'
import type { Connection } from 'hyperswarm'
import Protomux from 'protomux'
import { expect, onTestFinished, test } from 'vitest'
import type { Address } from '../../src/config/config.ts'
import { NOTHING, REQUEST, SYNC, type Wire } from '../helpers/floods.ts'
import { openAuthor, openPeer } from '../helpers/peers.ts'
import {
  announce,
  copyPlainly,
  eventually,
  feedOf,
  openPlainly,
  plainPeer,
  subscribe,
  subscribeSoon,
} from '../helpers/swarm-peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { coreOf } from '../helpers/stores.ts'

const { MAX_SAFE_INTEGER: MOST } = Number

/** Why there is no data, as Hypercore says it. */
const NOT_AVAILABLE = 1

/** After so many refusals Hypercore asks a peer for nothing more, and gives it nothing. */
const MOST_REFUSED = 33

async function hostilePeer(bootstrap: readonly Address[], feedKey: string, length: number) {
  const connections: Connection[] = []
  const plain = await plainPeer(bootstrap, (connection, store) => {
    connections.push(connection)
    store.replicate(connection)
  })
  const core = await copyPlainly(plain, feedKey, length)
  const [peer] = core.peers
  if (peer === undefined) throw new Error('Nobody is there.')
  return { wire: peer as ReplicationPeer & Wire, connections, core }
}

const TOO_FAR: readonly { what: string; send: (wire: Wire) => void }[] = [
  {
    what: 'has nearly endless blocks',
    send: ({ wireRange }) => wireRange.send({ drop: false, start: 1, length: MOST - 1 }),
  },
  {
    what: 'has everything',
    send: ({ wireRange }) => wireRange.send({ drop: false, start: 0, length: MOST }),
  },
  {
    what: 'has 2^28 blocks',
    send: ({ wireRange }) => wireRange.send({ drop: false, start: 1, length: 2 ** 28 }),
  },
  {
    what: 'drops everything',
    send: ({ wireRange }) => wireRange.send({ drop: true, start: 1, length: MOST - 1 }),
  },
  {
    what: 'has a block far away',
    send: ({ wireBitfield }) =>
      wireBitfield.send({ start: 2 ** 50, bitfield: new Uint32Array(32) }),
  },
  {
    what: 'wants everything',
    send: ({ wireWant }) => wireWant.send({ start: 0, length: MOST, any: false }),
  },
  {
    what: 'wants anything',
    send: ({ wireWant }) => wireWant.send({ start: 2 ** 40, length: MOST, any: true }),
  },
  {
    what: 'wants nothing any more',
    send: ({ wireUnwant }) => wireUnwant.send({ start: 0, length: MOST, any: true }),
  },
  {
    what: 'asks for a block far away',
    send: ({ wireRequest }) =>
      wireRequest.send({ ...REQUEST, block: { index: 2 ** 50, nodes: 0 } }),
  },
  {
    what: 'asks for the hashes of a tree without end',
    send: ({ wireRequest }) => wireRequest.send({ ...REQUEST, hash: { index: 0, nodes: MOST } }),
  },
  {
    what: 'asks for a node far away',
    send: ({ wireRequest }) => wireRequest.send({ ...REQUEST, hash: { index: 2 ** 52, nodes: 0 } }),
  },
  {
    what: 'asks for a longer log than there can be',
    send: ({ wireRequest }) =>
      wireRequest.send({ ...REQUEST, upgrade: { start: 0, length: MOST } }),
  },
  {
    what: 'asks for a place behind padding without end',
    send: ({ wireRequest }) => wireRequest.send({ ...REQUEST, seek: { bytes: 1, padding: MOST } }),
  },
  {
    what: 'claims a log without end',
    send: ({ wireSync }) => wireSync.send({ ...SYNC, length: MOST, remoteLength: 0 }),
  },
  {
    what: 'sends a proof of a thousand nodes',
    send: ({ wireData }) => {
      const nodes = Array.from({ length: 1_000 }, (_, index) => ({
        index,
        size: 1,
        hash: Buffer.alloc(32),
      }))
      wireData.send({ request: 1, fork: 0, ...NOTHING, hash: { index: 1, nodes } })
    },
  },
]

test.each(TOO_FAR)('a peer that $what is cut off, and others are served', async ({ send }) => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 2 })
  const feed = await feedOf(author, author.feedKey)
  const { length } = feed
  const { wire, connections } = await hostilePeer(bootstrap, author.feedKey, length)
  send(wire)
  await eventually(() => expect(connections[0]?.destroyed).toBe(true))

  expect(coreOf(feed).remoteContiguousLength).toBeLessThanOrEqual(length)
  const reader = await openPeer(bootstrap)
  await subscribe(reader, author.link)
  expect(await reader.operations.listInbox({})).toHaveLength(2)
})

test('a peer that has nothing of what it claims, and then asks for more than is answered at once, ends its connection and nothing else', async () => {
  const failures: unknown[] = []
  const note = (error: unknown) => void failures.push(error)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 30 })
  const { length } = await feedOf(author, author.feedKey)
  const { connections, core } = await hostilePeer(bootstrap, author.feedKey, length)
  await author.engine.close()
  let refused = 0
  core.on('peer-add', (peer) => {
    const { wireData, wireNoData, wireRequest } = peer as ReplicationPeer & Wire
    const protomux = Protomux.from(peer.stream)
    const give = wireData.send.bind(wireData)
    wireData.send = (message) => {
      const { request, upgrade } = message as { request: number; upgrade: object | null }
      if (upgrade !== null) return give(message)
      if (++refused === MOST_REFUSED) {
        // In one frame, which is worked off in one piece.
        protomux.cork()
        for (let id = 1; id <= 2_000; id++)
          wireRequest.send({ ...REQUEST, id, fork: 1, block: { index: 0, nodes: 0 } })
        protomux.uncork()
      }
      return wireNoData.send({ request, reason: NOT_AVAILABLE })
    }
  })
  const met = connections.length
  const reader = await openPeer(bootstrap)
  await subscribeSoon(reader, author.link)
  await eventually(() => {
    expect(refused).toBeGreaterThanOrEqual(MOST_REFUSED)
    expect(connections[met]?.destroyed).toBe(true)
  }, 20_000)
  expect(await reader.operations.status({})).toBeDefined()
  expect(failures).toEqual([])
})

test('who does it three times is banned', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const { length } = await feedOf(author, author.feedKey)
  const { connections, core } = await hostilePeer(bootstrap, author.feedKey, length)
  core.on('peer-add', (peer) => {
    ;(peer as ReplicationPeer & Wire).wireRange.send({ drop: false, start: 0, length: MOST })
  })
  const [peer] = core.peers as unknown as (ReplicationPeer & Wire)[]
  peer?.wireRange.send({ drop: false, start: 0, length: MOST })
  const network = await author.engine.network()
  await eventually(() => expect(network.swarm.diagnosis.facts().bannedPeers).toBe(1), 20_000)
  expect(connections.length).toBeGreaterThanOrEqual(3)
})

test('peers learn of the log of a newsletter, and of none that is for this device alone', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const { log } = await feedOf(author, author.feedKey)
  const offered = new Set<string>()
  const plain = await plainPeer(bootstrap, (connection) => {
    Protomux.from(connection).pair({ protocol: 'hypercore/alpha' }, (id) => {
      offered.add(id?.toString('hex') ?? '')
    })
  })
  await announce(plain, await openPlainly(plain, author.feedKey))

  await eventually(() => expect(offered.size).toBeGreaterThan(0))
  // The library grows with each, and stays here: what is offered arrives in the order in which it was.
  const newsletters = [log]
  for (const title of ['Another', 'A third']) {
    const { feedKey } = await author.operations.createNewsletter({ title })
    newsletters.push((await feedOf(author, feedKey)).log)
    await eventually(() => expect(offered.size).toBeGreaterThanOrEqual(newsletters.length))
  }
  const expected = newsletters.map((it) => Buffer.from(it.discoveryKey).toString('hex'))
  expect([...offered].toSorted()).toEqual(expected.toSorted())
})
