import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import crypto from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLogger } from '../../../src/logger.ts'
import { Dialer } from '../../../src/peers/lan/tcp.ts'
import { deafPort, listenHere } from '../../helpers/loopback.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

const MINUTE_MS = 60_000
const logger = createLogger('silent')
const host = '127.0.0.1'

function openCaller() {
  const clock = { now: 0 }
  const connections = new Set<Connection>()
  const caller = new Dialer({
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

async function listening() {
  const keyPair = crypto.keyPair()
  const connections: Connection[] = []
  const { listener, port } = await listenHere({
    keyPair,
    onConnection: (connection) => {
      connection.on('error', () => undefined)
      connections.push(connection)
    },
  })
  return { publicKey: keyPair.publicKey, port, listener, connections }
}

/** Ends whoever calls, and counts them. */
async function slammed() {
  let sockets = 0
  const server = createServer((socket) => {
    sockets++
    socket.destroy()
  })
  server.listen(0, host)
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, sockets: () => sockets }
}

const ignore = () => undefined

describe('a caller in the local network', () => {
  test('connects once, however often it is told to', async () => {
    const { caller, connections } = openCaller()
    const { publicKey, port } = await listening()
    const calls = [1, 2, 3].map(() => caller.dial(publicKey, { host, port }, ignore))
    expect(await Promise.all(calls)).toEqual([true, true, true])
    expect(connections.size).toBe(1)
  })

  test('calls others, though nobody listens at one port', async () => {
    const { caller } = openCaller()
    const { publicKey, port, connections } = await listening()
    const somebodyElse = crypto.keyPair().publicKey
    expect(await caller.dial(somebodyElse, { host, port }, ignore)).toBe(false)
    expect(await caller.dial(publicKey, { host, port: await deafPort() }, ignore)).toBe(false)
    expect(connections).toEqual([])
    expect(await caller.dial(publicKey, { host, port }, ignore)).toBe(true)
  })

  test('is delayed little by somebody who says to be a peer from many addresses', async () => {
    const { caller, connections } = openCaller()
    const { publicKey, port } = await listening()
    // Such an address of loopback takes the call and says nothing.
    const deaf = createServer()
    deaf.listen(0, '0.0.0.0')
    await once(deaf, 'listening')
    onTestFinished(() => void deaf.close())
    const deafAt = (deaf.address() as AddressInfo).port
    const places = Array.from({ length: 10 }, (_, i) => ({ host: `127.0.1.${i}`, port: deafAt }))
    const calls = places.map((place) => caller.dial(publicKey, place, ignore))
    const atOnce = await Promise.race([Promise.all(calls.slice(3)), calls[0]])
    expect(atOnce).toEqual(Array.from({ length: 7 }, () => false))
    await Promise.all(calls)
    expect(await caller.dial(publicKey, { host, port }, ignore)).toBe(true)
    expect(connections.size).toBe(1)
  })

  test('leaves an address that fails alone for longer each time, and for ten minutes at most', async () => {
    const { caller, clock } = openCaller()
    const { port, sockets } = await slammed()
    const publicKey = crypto.keyPair().publicKey
    const waits: number[] = []
    for (let round = 0; round < 7; round++) {
      const before = sockets()
      let waitedMs = 0
      while (sockets() === before) {
        expect(await caller.dial(publicKey, { host, port }, ignore)).toBe(false)
        if (sockets() > before) break
        clock.now += 15_000
        waitedMs += 15_000
      }
      waits.push(waitedMs / 1_000)
    }
    expect(waits).toEqual([0, 30, 60, 120, 240, 480, 600])
  })

  test('tells when a connection is lost that was there for a while', async () => {
    const { caller, clock } = openCaller()
    const { publicKey, port, connections } = await listening()
    let lost = 0
    await caller.dial(publicKey, { host, port }, () => lost++)
    await eventually(() => expect(connections).toHaveLength(1))
    clock.now += MINUTE_MS
    connections[0]?.destroy()
    await eventually(() => expect(lost).toBe(1))
    expect(await caller.dial(publicKey, { host, port }, ignore)).toBe(true)
  })

  test('does not call again where the connection breaks at once', async () => {
    const { caller, connections } = openCaller()
    const peer = await listening()
    let lost = 0
    const call = () => caller.dial(peer.publicKey, { host, port: peer.port }, () => lost++)
    expect(await call()).toBe(true)
    await eventually(() => expect(peer.connections).toHaveLength(1))
    peer.connections[0]?.destroy()
    await eventually(() => expect(connections.size).toBe(0))
    expect(await call()).toBe(false)
    expect(lost).toBe(0)
  })
})
