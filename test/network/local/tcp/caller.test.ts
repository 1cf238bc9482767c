import crypto from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLogger } from '../../../../src/logger.ts'
import { Caller } from '../../../../src/network/local/tcp/caller.ts'
import { Listener } from '../../../../src/network/local/tcp/listener.ts'
import { deafPort, LOOPBACK_LINKS } from '../../../helpers/loopback.ts'
import { eventually } from '../../../helpers/swarm-peers.ts'

const MINUTE_MS = 60_000
const logger = createLogger('silent')
const host = '127.0.0.1'

function openCaller() {
  const clock = { now: 0 }
  const connections = new Set<Connection>()
  const caller = new Caller({
    keyPair: crypto.keyPair(),
    logger,
    isConnected: (peer) =>
      [...connections].some((it) => it.remotePublicKey.toString('hex') === peer),
    onConnection: (connection) => {
      connections.add(connection)
      connection.on('error', () => undefined)
      connection.on('close', () => connections.delete(connection))
    },
    now: () => clock.now,
  })
  onTestFinished(() => caller.close())
  return { caller, connections, clock }
}

async function listening(port?: number) {
  const keyPair = crypto.keyPair()
  const connections: Connection[] = []
  const listener = new Listener({
    keyPair,
    host,
    port,
    links: () => LOOPBACK_LINKS,
    logger,
    onConnection: (connection) => {
      connection.on('error', () => undefined)
      connections.push(connection)
    },
  })
  onTestFinished(() => listener.close())
  await eventually(() => expect(listener.port).toBeDefined())
  return { publicKey: keyPair.publicKey, port: listener.port ?? 0, listener, connections }
}

const ignore = () => undefined

describe('a caller in the local network', () => {
  test('connects once, however often it is told to', async () => {
    const { caller, connections } = openCaller()
    const { publicKey, port } = await listening()
    const calls = [1, 2, 3].map(() => caller.call(publicKey, { host, port }, ignore))
    expect(await Promise.all(calls)).toEqual([true, true, true])
    expect(connections.size).toBe(1)
  })

  test('leaves a port where nobody listens alone for ten minutes, and no other one', async () => {
    const { caller, clock } = openCaller()
    const { publicKey, port, connections } = await listening()
    const somebodyElse = crypto.keyPair().publicKey
    expect(await caller.call(somebodyElse, { host, port }, ignore)).toBe(false)
    expect(await caller.call(publicKey, { host, port: await deafPort() }, ignore)).toBe(false)
    expect(connections).toEqual([])

    expect(await caller.call(publicKey, { host, port }, ignore)).toBe(true)

    const { keyPair, late } = { keyPair: crypto.keyPair(), late: await deafPort() }
    const toLate = () => caller.call(keyPair.publicKey, { host, port: late }, ignore)
    expect(await toLate()).toBe(false)
    const listener = new Listener({
      keyPair,
      host,
      port: late,
      links: () => LOOPBACK_LINKS,
      logger,
      onConnection: (connection) => void connection.on('error', ignore),
    })
    onTestFinished(() => listener.close())
    await eventually(() => expect(listener.port).toBeDefined())
    clock.now += 9 * MINUTE_MS
    expect(await toLate()).toBe(false)
    clock.now += 2 * MINUTE_MS
    // Another process may have taken the port in between.
    expect(await toLate()).toBe(listener.port === late)
  })

  test('tells when a connection is lost that was there for a while', async () => {
    const { caller, clock } = openCaller()
    const { publicKey, port, connections } = await listening()
    let lost = 0
    await caller.call(publicKey, { host, port }, () => lost++)
    await eventually(() => expect(connections).toHaveLength(1))
    clock.now += MINUTE_MS
    connections[0]?.destroy()
    await eventually(() => expect(lost).toBe(1))
    expect(await caller.call(publicKey, { host, port }, ignore)).toBe(true)
  })

  test('does not call again where the connection breaks at once', async () => {
    const { caller, connections } = openCaller()
    const peer = await listening()
    let lost = 0
    const call = () => caller.call(peer.publicKey, { host, port: peer.port }, () => lost++)
    expect(await call()).toBe(true)
    await eventually(() => expect(peer.connections).toHaveLength(1))
    peer.connections[0]?.destroy()
    await eventually(() => expect(connections.size).toBe(0))
    expect(await call()).toBe(false)
    expect(lost).toBe(0)
  })
})
