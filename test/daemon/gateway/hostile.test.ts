import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { WebSocket } from 'ws'
import { bindOperations } from '../../../src/api/operations.ts'
import { ask, fetchAll, openGateway, openTab, socketTo } from '../../helpers/gateways.ts'
import { openAuthor } from '../../helpers/peers.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

const SOCKETS = 1_000

/** Opened at once: more wait in a queue of the system. */
const BATCH = 100

/** As a trusted server says it: each is somebody else. */
const from = (i: number) => ({ 'x-forwarded-for': `198.${18 + (i >> 8)}.${i & 255}.1` })

function rawSocket(origin: string): Socket {
  const { hostname, port } = new URL(origin)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  return socket
}

/** What strangers send, each on a socket of its own. */
const STRANGERS: readonly ((origin: string, i: number) => WebSocket | Socket)[] = [
  // Garbage instead of a handshake.
  (origin, i) => {
    const socket = socketTo(origin, { headers: from(i) })
    socket.on('open', () => socket.send(randomBytes(4_096)))
    return socket
  },
  // A frame that claims to have 16 MiB.
  (origin, i) => {
    const socket = socketTo(origin, { headers: from(i) })
    socket.on('open', () => socket.send(Buffer.from([255, 255, 255, 0])))
    return socket
  },
  // Nothing at all.
  (origin, i) => socketTo(origin, { headers: from(i) }),
  // A handshake, byte by byte.
  (origin, i) => {
    const socket = socketTo(origin, { headers: from(i) })
    const timer = setInterval(() => socket.readyState === 1 && socket.send(Buffer.from([32])), 200)
    socket.on('close', () => clearInterval(timer))
    return socket
  },
  // Messages as fast as they go.
  (origin, i) => {
    const socket = socketTo(origin, { headers: from(i) })
    socket.on('open', () => {
      for (let k = 0; k < 50; k++) socket.send(randomBytes(60_000))
    })
    return socket
  },
  // Half a request.
  (origin) => {
    const socket = rawSocket(origin)
    socket.resume()
    socket.write('GET / HTTP/1.1\r\nHost: 127')
    return socket
  },
  // Text, and a message that is longer than may be.
  (origin, i) => {
    const socket = socketTo(origin, { headers: from(i) })
    socket.on('open', () => {
      socket.send('text')
      socket.send(Buffer.alloc(2_000_000))
    })
    return socket
  },
]

/** Resolves once a socket is connected, or is turned away. */
function connected(socket: WebSocket | Socket): Promise<unknown> {
  return Promise.race(
    ['connect', 'open', 'close', 'unexpected-response'].map(
      (event) => new Promise((resolve) => (socket as NodeJS.EventEmitter).once(event, resolve)),
    ),
  )
}

describe('a gateway with a thousand hostile sockets', () => {
  it('keeps its memory, answers, lets others read, and ends who opens no newsletter', async () => {
    const { engine, feedKey } = await openAuthor([], { issues: 4, isOnline: false })
    const { origin, gateway } = await openGateway(engine, { gatewayProxies: ['127.0.0.1'] })
    const operations = bindOperations(engine, 'engine')
    const idle = await openTab(origin, { headers: { 'x-forwarded-for': '203.0.113.8' } })
    await idle.connection.opened
    const before = process.memoryUsage().rss
    const sockets: (WebSocket | Socket)[] = []
    for (let i = 0; i < SOCKETS; i += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, k) => STRANGERS[(i + k) % STRANGERS.length])
      const begun = batch.flatMap((stranger, k) => stranger?.(origin, i + k) ?? [])
      sockets.push(...begun)
      await Promise.all(begun.map(connected))
    }
    // While they are all there.
    const status = await operations.status({})
    expect(status.newsletters).toHaveLength(1)
    const tab = await openTab(origin, { headers: { 'x-forwarded-for': '203.0.113.9' } })
    expect(await fetchAll(await tab.open(feedKey))).toHaveLength(9)
    expect((await ask(`${origin}/${feedKey}/log/head`)).status).toBe(200)

    const left = () =>
      sockets.filter(
        (it) => it !== undefined && ('destroyed' in it ? !it.destroyed : it.readyState < 2),
      )
    await eventually(() => expect(left().length).toBe(0), 30_000)
    await eventually(() => expect(gateway.facts()?.tabs).toBe(1), 20_000)
    expect(idle.connection.destroyed).toBe(true)
    // Both ends are in this process.
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024)
  }, 90_000)

  it('gives one address eight tabs, and the others to others', async () => {
    const { engine } = await openAuthor([], { issues: 1, isOnline: false })
    const { origin } = await openGateway(engine, { gatewayTabs: 10, gatewayProxies: ['127.0.0.1'] })
    const opened = async (i: number) => {
      const socket = socketTo(origin, { headers: from(i) })
      const refused = once(socket, 'unexpected-response').then(
        ([, it]) => (it as { statusCode: number }).statusCode,
      )
      return Promise.race([once(socket, 'open').then(() => 101), refused])
    }
    const ofOne = []
    for (let k = 0; k < 10; k++) ofOne.push(await opened(1))
    expect(ofOne.filter((it) => it === 101)).toHaveLength(8)
    expect(ofOne.slice(8)).toEqual([429, 429])
    expect(await opened(2)).toBe(101)
  })
})

describe('whoever asks for another protocol', () => {
  const asking = (path: string, protocol: string) =>
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`

  it('is answered in HTTP where it is none of a gateway', async () => {
    const { engine, feedKey } = await openAuthor([], { issues: 1, isOnline: false })
    const { origin } = await openGateway(engine)
    const headers = { connection: 'Upgrade', upgrade: 'h2c' }
    const head = await ask(`${origin}/${feedKey}/log/head`, headers)
    expect(head).toMatchObject({ status: 200, headers: { connection: 'close' } })
    expect(head.bytes).toEqual((await ask(`${origin}/${feedKey}/log/head`)).bytes)
  })

  it.each([
    ['/page.js', 'h2c'],
    ['/nowhere', 'websocket'],
    ['/peer', 'websocket'],
  ])('ends nothing when it is gone before the answer of %s to %s', async (path, protocol) => {
    const { engine } = await openAuthor([], { isOnline: false })
    const { origin } = await openGateway(engine)
    const { hostname, port } = new URL(origin)
    for (let i = 0; i < 20; i++) {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(asking(path, protocol))
      if (i % 2 === 0) await once(socket, 'data')
      socket.resetAndDestroy()
    }
    expect((await ask(`${origin}/`)).status).toBe(200)
  })

  it('is hung up on when it is turned away, and keeps no gateway from closing', async () => {
    const { engine } = await openAuthor([], { isOnline: false })
    const { origin, gateway } = await openGateway(engine)
    const { hostname, port } = new URL(origin)
    for (const path of ['/nowhere', '/peer']) {
      const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
      socket.on('error', () => undefined)
      onTestFinished(() => void socket.destroy())
      socket.write(asking(path, 'websocket'))
      const [answer] = (await once(socket, 'data')) as [Buffer]
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 40[04] /)
      // It goes on sending, and does not hang up.
      await eventually(() => {
        socket.write('x')
        expect(socket.destroyed).toBe(true)
      })
    }
    await gateway.close()
  })
})
