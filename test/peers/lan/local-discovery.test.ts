import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import { decode, encode } from 'dns-packet'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createLogger } from '../../../src/logger.ts'
import {
  announcementRecords,
  goodbyeRecords,
  type DnsRecords,
} from '../../../src/peers/lan/announcement.ts'
import { LocalDiscovery, type FoundPeer } from '../../../src/peers/lan/local-discovery.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

const NEAR = '10.1.2.3'
const FAR = '10.9.9.9'

/** Reads what its socket hears as the package does, and sends nothing. */
class FakeMulticast extends EventEmitter {
  readonly socket: Socket
  constructor(socket: Socket) {
    super()
    this.socket = socket
    socket.on('message', (bytes, from) => this.emit('response', decode(bytes), from))
  }
  query() {}
  respond(_records: DnsRecords, done?: () => void) {
    done?.()
  }
  destroy(done?: () => void) {
    done?.()
  }
}

const opened: FakeMulticast[] = []

vi.mock('multicast-dns', () => ({
  default: ({ socket }: { socket: Socket }) => {
    const multicast = new FakeMulticast(socket)
    opened.push(multicast)
    return multicast
  },
}))

vi.mock('node:os', async (original) => ({
  ...(await original<object>()),
  networkInterfaces: () => ({
    eth0: [{ family: 'IPv4', internal: false, address: '10.1.2.9', cidr: '10.1.2.9/24' }],
  }),
}))

/** A device in a network where packets come from wherever the test says. */
async function discovery(topic: Uint8Array) {
  const found: FoundPeer[] = []
  const goodbyes: string[] = []
  const before = opened.length
  const subject = new LocalDiscovery({
    publicKey: randomBytes(32),
    port: () => 49_737,
    tcpPort: () => undefined,
    host: undefined,
    logger: createLogger('silent'),
    onPeer: (it) => found.push(it),
    onGoodbye: (peer) => goodbyes.push(peer),
  })
  onTestFinished(() => subject.close())
  subject.add(topic)
  await eventually(() => expect(opened.length).toBe(before + 1))
  const receive = (records: DnsRecords, address: string) =>
    opened.at(-1)?.socket.emit('message', encode({ type: 'response', ...records }), { address })
  return { found, goodbyes, receive }
}

function announcement(topic: Uint8Array, publicKey: Uint8Array): DnsRecords {
  return announcementRecords({
    name: 'someone',
    address: NEAR,
    port: 40_000,
    tcpPort: 41_000,
    publicKey,
    salt: randomBytes(16),
    topics: [topic],
  })
}

test('a peer nearby is found by its announcement, and one from farther away is not', async () => {
  const [topic, publicKey] = [randomBytes(32), randomBytes(32)]
  const { found, receive } = await discovery(topic)
  receive(announcement(topic, publicKey), FAR)
  expect(found).toEqual([])
  receive(announcement(topic, publicKey), NEAR)
  expect(found).toEqual([
    { topic, publicKey, address: { host: NEAR, port: 40_000 }, tcpPort: 41_000 },
  ])
})

test('the goodbye of a peer that was found names it, and that of any other nobody', async () => {
  const [topic, publicKey] = [randomBytes(32), randomBytes(32)]
  const { found, goodbyes, receive } = await discovery(topic)
  receive(announcement(topic, publicKey), NEAR)
  receive(goodbyeRecords('someone-else'), NEAR)
  receive(goodbyeRecords('someone'), FAR)
  expect(goodbyes).toEqual([])
  receive(goodbyeRecords('someone'), NEAR)
  expect(goodbyes).toEqual([publicKey.toString('hex')])
  receive(goodbyeRecords('someone'), NEAR)
  expect(goodbyes).toHaveLength(1)
  expect(found).toHaveLength(1)
})
