import { randomBytes } from 'node:crypto'
import HyperDHT from 'hyperdht'
import NoiseWrap from 'hyperdht/lib/noise-wrap.js'
import type Hyperswarm from 'hyperswarm'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Address } from '../../src/config/config.ts'
import { createLogger } from '../../src/logger.ts'
import { guardReplication } from '../../src/log/internals/wire-guard.ts'
import { openDht } from '../../src/peers/dht.ts'
import { Swarm } from '../../src/peers/swarm.ts'
import { eventually, PAYLOAD, plainPeer } from '../helpers/swarm-peers.ts'
import { privateNetwork } from '../helpers/testnet.ts'

const TELLER = 'aa'.repeat(32)

function dhtOf(bootstrap: readonly Address[]) {
  return openDht({ bootstrap, host: '127.0.0.1', udpPort: undefined })
}

function openSwarm(bootstrap: readonly Address[], dht = dhtOf(bootstrap), limits = {}): Swarm {
  const swarm = new Swarm({
    ...limits,
    guard: guardReplication,
    keyPair: HyperDHT.keyPair(),
    dht,
    logger: createLogger('silent'),
    onConnection: () => undefined,
  })
  onTestFinished(() => swarm.close())
  return swarm
}

/** A peer that is on no topic: it is found by its key or not at all. */
async function listener(bootstrap: readonly Address[]): Promise<Hyperswarm> {
  const { swarm } = await plainPeer(bootstrap)
  await swarm.listen()
  return swarm
}

async function connected(bootstrap: readonly Address[]) {
  const swarm = openSwarm(bootstrap)
  const peer = await listener(bootstrap)
  const key = peer.keyPair.publicKey
  swarm.dial(key, TELLER)
  await eventually(() => expect([swarm.size, peer.connections.size]).toEqual([1, 1]))
  return { swarm, peer, key }
}

describe('a swarm', () => {
  test('finds the peers of a topic before it can be found itself', async () => {
    const bootstrap = await privateNetwork()
    const topic = randomBytes(32)
    const peer = await listener(bootstrap)
    await peer.join(topic).flushed()
    const dht = dhtOf(bootstrap)
    dht.createServer = (...given) => {
      const server = HyperDHT.prototype.createServer.apply(dht, given)
      return Object.assign(server, { listen: () => new Promise(() => undefined) })
    }
    const swarm = openSwarm(bootstrap, dht)

    swarm.topics.join(topic)

    await eventually(() => expect([swarm.size, peer.connections.size]).toEqual([1, 1]))
  })

  test('keeps a peer for two misdeeds and bans it for the third', async () => {
    const { swarm, peer, key } = await connected(await privateNetwork())
    swarm.strike(key, 'first', { hangUp: false })
    swarm.strike(key, 'second', { hangUp: false })
    expect([...peer.connections].map((it) => it.destroyed)).toEqual([false])
    swarm.strike(key, 'third', { hangUp: false })
    await eventually(() => expect([swarm.size, peer.connections.size]).toEqual([0, 0]))
  })

  test('has no connection that nobody uses stand in the way of one more', async () => {
    const bootstrap = await privateNetwork()
    const dht = dhtOf(bootstrap)
    const swarm = openSwarm(bootstrap, dht, { maxConnections: 2 })
    swarm.topics.join(randomBytes(32))
    const stranger = dhtOf(bootstrap)
    onTestFinished(() => stranger.destroy({ force: true }))
    const [target, key] = [HyperDHT.hash(swarm.publicKey), Buffer.from(swarm.publicKey)]
    const begin = () => {
      const noise = new NoiseWrap(HyperDHT.keyPair(), key).send(PAYLOAD)
      const node = { host: '127.0.0.1', port: swarm.localPort ?? 0 }
      return stranger._router.peerHandshake(target, { noise }, node)
    }
    await eventually(begin)
    await begin()
    await begin()
    expect(swarm.size).toBe(2)
    const peer = await listener(bootstrap)
    peer.joinPeer(key)
    await eventually(() => expect(swarm.mayDial(peer.keyPair.publicKey)).toBe(true))
    await eventually(() => expect([swarm.size, peer.connections.size]).toEqual([2, 1]))
  })

  test('hangs up on a peer from which nothing more can be had', async () => {
    const { swarm, peer, key } = await connected(await privateNetwork())
    swarm.strike(key, 'first', { hangUp: true })
    await eventually(() => expect([swarm.size, peer.connections.size]).toEqual([0, 0]))
  })

  test('neither dials a peer that it banned nor itself', async () => {
    const bootstrap = await privateNetwork()
    const { swarm, peer, key } = await connected(bootstrap)
    swarm.ban(key)
    await eventually(() => expect(peer.connections.size).toBe(0))
    const other = await listener(bootstrap)

    swarm.dial(key, TELLER)
    swarm.dial(swarm.publicKey, TELLER)
    swarm.dial(other.keyPair.publicKey, TELLER)

    await eventually(() => expect([swarm.size, other.connections.size]).toEqual([1, 1]))
    expect(peer.connections.size).toBe(0)
  })

  test('accepts no connection from a peer that it banned', async () => {
    const bootstrap = await privateNetwork()
    const { swarm, peer, key } = await connected(bootstrap)
    swarm.topics.join(randomBytes(32))
    const other = await listener(bootstrap)
    const dialIt = (from: Hyperswarm) =>
      eventually(() => {
        from.joinPeer(swarm.publicKey)
        expect(swarm.size).toBe(1)
      })
    swarm.ban(key)
    await eventually(() => expect(swarm.size).toBe(0))

    peer.joinPeer(swarm.publicKey)
    await dialIt(other)

    expect(peer.connections.size).toBe(0)
  })

  test('believes nobody whose words keep coming to nothing', async () => {
    const bootstrap = await privateNetwork()
    const swarm = openSwarm(bootstrap)
    const [one, other] = [await listener(bootstrap), await listener(bootstrap)]
    for (let i = 0; i < 16; i++) swarm.dial(randomBytes(32), TELLER)

    swarm.dial(one.keyPair.publicKey, TELLER)
    swarm.dial(other.keyPair.publicKey, 'bb'.repeat(32))

    await eventually(() => expect(other.connections.size).toBe(1))
    expect(one.connections.size).toBe(0)
  })

  test('goes on believing one whose words are kept', async () => {
    const bootstrap = await privateNetwork()
    const swarm = openSwarm(bootstrap)
    for (let i = 0; i < 15; i++) swarm.dial(randomBytes(32), TELLER)
    for (const expected of [1, 2, 3]) {
      const { keyPair } = await listener(bootstrap)
      swarm.dial(keyPair.publicKey, TELLER)
      await eventually(() => expect(swarm.size).toBe(expected))
    }
  })

  test('finds who is alive among many that died announced', async () => {
    const bootstrap = await privateNetwork()
    const topic = randomBytes(32)
    for (let i = 0; i < 12; i++) {
      const dead = new HyperDHT({ bootstrap, host: '127.0.0.1' })
      const server = dead.createServer()
      await server.listen()
      await dead.announce(topic, dead.defaultKeyPair).finished()
      // By force nothing is unannounced, as when a process is killed.
      await dead.destroy({ force: true })
    }
    const { swarm: alive } = await plainPeer(bootstrap)
    await alive.join(topic, { client: false, server: true }).flushed()

    const swarm = openSwarm(bootstrap)
    swarm.topics.join(topic)

    // A dial of one that died takes 8 s to fail.
    await eventually(() => expect(alive.connections.size).toBe(1), 7_000)
  })

  test('comes back to its peers after it let all of them go', async () => {
    const bootstrap = await privateNetwork()
    const swarm = openSwarm(bootstrap)
    const { swarm: peer } = await plainPeer(bootstrap)
    let met = 0
    peer.on('connection', () => met++)
    const topic = randomBytes(32)
    await peer.join(topic).flushed()
    swarm.topics.join(topic)
    await eventually(() => expect([met, swarm.size]).toEqual([1, 1]))

    swarm.reconnect()

    await eventually(() => expect(met).toBeGreaterThan(1))
  })
})
