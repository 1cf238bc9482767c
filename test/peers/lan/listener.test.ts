import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import crypto from 'hypercore-crypto'
import type { Connection } from 'hyperswarm'
import { describe, expect, onTestFinished, test } from 'vitest'
import { handshake } from '../../../src/peers/lan/handshake.ts'
import type { ListenerOptions } from '../../../src/peers/lan/tcp.ts'
import { listenHere } from '../../helpers/loopback.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

const keyPair = crypto.keyPair()

async function listening(options: Partial<ListenerOptions> = {}) {
  const connections: Connection[] = []
  const { listener, port } = await listenHere({
    keyPair,
    onConnection: (connection) => connections.push(connection),
    ...options,
  })
  return { listener, port, connections }
}

async function dialled(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function greeted(port: number): Promise<Connection> {
  const options = { keyPair: crypto.keyPair(), remotePublicKey: keyPair.publicKey }
  return handshake(await dialled(port), { ...options, deadlineMs: 10_000 })
}

/** Reads to the end; for a socket that the other side closes. */
const ended = (socket: Socket) => once(socket.resume(), 'close')

describe('a listener in the local network', () => {
  test('lets in who proves a key, and ends that when it closes', async () => {
    const { listener, port, connections } = await listening()
    const connection = await greeted(port)
    await eventually(() => expect(connections).toHaveLength(1))
    expect(connections[0]?.remotePublicKey).toEqual(connection.publicKey)
    const lost = once(connection, 'close')
    await listener.close()
    await lost
    expect(listener.port).toBeUndefined()
  })

  test('answers nobody from outside of its networks', async () => {
    const interfaces = () => [{ address: '10.0.0.1', cidr: '10.0.0.0/8' }]
    const { port, connections } = await listening({ interfaces })
    await ended(await dialled(port))
    expect(connections).toEqual([])
  })

  test('keeps eight sockets of one address at most, and has room again when they end', async () => {
    const { port } = await listening()
    const silent: Socket[] = []
    for (let i = 0; i < 8; i++) silent.push(await dialled(port))
    await ended(await dialled(port))
    expect(silent.some((it) => it.destroyed)).toBe(false)
    for (const socket of silent) socket.destroy()
    await eventually(() => greeted(port))
  })

  test('drops who says nothing by the deadline', async () => {
    const { port, connections } = await listening({ deadlineMs: 100 })
    await ended(await dialled(port))
    expect(connections).toEqual([])
  })

  test('drops who says nonsense', async () => {
    const { port, connections } = await listening()
    const socket = await dialled(port)
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await ended(socket)
    expect(connections).toEqual([])
  })

  test('takes another port when its own is taken', async () => {
    const { port } = await listening()
    const second = await listening({ port })
    expect(second.port).not.toBe(port)
    await greeted(second.port)
  })
})
