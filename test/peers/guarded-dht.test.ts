import { setTimeout as sleep } from 'node:timers/promises'
import createTestnet from 'hyperdht/testnet.js'
import HyperDHT, { type HyperDHTOptions } from 'hyperdht'
import NoiseWrap from 'hyperdht/lib/noise-wrap.js'
import type { Connection } from 'hyperswarm'
import { beforeAll, afterAll, expect, onTestFinished, test } from 'vitest'
import { GuardedDht } from '../../src/peers/guarded-dht.ts'
import { PAYLOAD } from '../helpers/swarm-peers.ts'

interface Router {
  set(target: Uint8Array, handlers: object): void
}

let testnet: Awaited<ReturnType<typeof createTestnet>>
beforeAll(async () => (testnet = await createTestnet(3)))
afterAll(() => testnet.destroy())

function open<D extends HyperDHT>(Node: new (options: HyperDHTOptions) => D): D {
  const { bootstrap } = testnet
  const node = new Node({ bootstrap, host: '127.0.0.1', firewalled: false })
  onTestFinished(() => node.destroy({ force: true }))
  return node
}

async function listening() {
  const node = open(GuardedDht)
  const server = node.createServer()
  const keyPair = HyperDHT.keyPair()
  await server.listen(keyPair)
  const address = { host: '127.0.0.1', port: node.address()?.port ?? 0 }
  return { node, keyPair, target: HyperDHT.hash(keyPair.publicKey), address }
}

async function opened(connection: Connection): Promise<boolean> {
  connection.on('error', () => undefined)
  onTestFinished(() => void connection.destroy())
  return connection.opened
}

const greeting = (server: Uint8Array) =>
  Buffer.from(new NoiseWrap(HyperDHT.keyPair(), Buffer.from(server)).send(PAYLOAD))

test('a handshake that is cut off ends nothing', async () => {
  const { keyPair, target, address } = await listening()
  const stranger = open(HyperDHT)
  for (const length of [81, 95]) {
    const noise = greeting(keyPair.publicKey).subarray(0, length)
    stranger._router.peerHandshake(target, { noise }, address).catch(() => undefined)
  }
  expect(await opened(stranger.connect(keyPair.publicKey))).toBe(true)
})

test('a message that nobody can handle ends nothing', async () => {
  const { node, keyPair, target, address } = await listening()
  const onpeerhandshake = () => Promise.reject(new TypeError('There is no payload.'))
  ;(node._router as unknown as Router).set(target, { onpeerhandshake })
  const stranger = open(HyperDHT)
  const noise = greeting(keyPair.publicKey)
  stranger._router.peerHandshake(target, { noise }, address).catch(() => undefined)
  await sleep(200)
  expect(await stranger.ping(address)).toBeDefined()
})

test('a peer that says it is nowhere ends nothing of who dials it', async () => {
  const { node, keyPair, target } = await listening()
  const answer = { ...PAYLOAD, addresses4: [{ host: '9.9.9.9', port: 0 }] }
  const onpeerhandshake = ({ noise }: { readonly noise: Buffer }) => {
    const handshake = new NoiseWrap(keyPair, null)
    handshake.recv(noise)
    return Promise.resolve({ socket: null, noise: handshake.send(answer) })
  }
  ;(node._router as unknown as Router).set(target, { onpeerhandshake })
  const dialer = open(GuardedDht)
  const connection = dialer.connect(keyPair.publicKey)
  connection.on('error', () => undefined)
  await sleep(500)
  connection.destroy()
  const other = await listening()
  expect(await opened(dialer.connect(other.keyPair.publicKey))).toBe(true)
})
