import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import { sleep } from '../../../src/async.ts'
import { createLogger } from '../../../src/logger.ts'
import {
  isWorthParsing,
  Multicast,
  type MulticastOptions,
} from '../../../src/peers/lan/multicast.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

vi.mock('node:os', async (original) => ({
  ...(await original<object>()),
  networkInterfaces: () => ({
    lo: [{ family: 'IPv4', internal: false, address: '127.0.0.1', cidr: '127.0.0.1/8' }],
  }),
}))

const SERVICE = Buffer.from('\u000c_hyperletter\u0004_udp\u0005local\u0000', 'latin1')

/** A DNS packet, by how many records of each section it claims to have, and what follows that. */
function packet(flags: number, counts: readonly number[], ...body: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(12)
  for (const [i, it] of [0, flags, ...counts].entries()) header.writeUInt16BE(it, 2 * i)
  return Buffer.concat([header, ...body])
}

const PTR_QUESTION = Buffer.from([0, 12, 0, 1])
const query = () => packet(0, [1, 0, 0, 0], SERVICE, PTR_QUESTION)

/** Questions that all point to one name of so many labels. */
function pointers(count: number, labels: number): Buffer {
  const name = Buffer.concat([Buffer.from('\u0001a'.repeat(labels), 'latin1'), Buffer.alloc(1)])
  const each = Buffer.concat([Buffer.from([0xc0, 12]), PTR_QUESTION])
  const all = Array.from({ length: count }, () => each)
  const last = Buffer.concat([SERVICE, PTR_QUESTION])
  return packet(0, [count + 2, 0, 0, 0], name, PTR_QUESTION, ...all, last)
}

const HOSTILE = [
  { what: 'claims records without end', bytes: packet(0x8400, Array(4).fill(0xffff), SERVICE) },
  { what: 'has thousands of names that point to a long one', bytes: pointers(8_000, 120) },
  { what: 'has hundreds of them', bytes: pointers(190, 120) },
  { what: 'is garbage', bytes: randomBytes(60_000) },
  { what: 'is cut off', bytes: query().subarray(0, 11) },
  { what: 'is nothing', bytes: Buffer.alloc(0) },
]

test.each(HOSTILE)('a packet that $what is not parsed', ({ bytes }) => {
  expect(isWorthParsing(bytes)).toBe(false)
})

test('a packet of our service is parsed, in whatever case it is written, and one of others is not', () => {
  expect(isWorthParsing(query())).toBe(true)
  expect(isWorthParsing(Buffer.from(query().toString('latin1').toUpperCase(), 'latin1'))).toBe(true)
  const other = Buffer.from('\u0004_ipp\u0004_tcp\u0005local\u0000', 'latin1')
  expect(isWorthParsing(packet(0, [1, 0, 0, 0], other, PTR_QUESTION))).toBe(false)
})

async function listening() {
  const heard: unknown[] = []
  const options: MulticastOptions = {
    logger: createLogger('silent'),
    onQuery: (it) => heard.push(it),
    onResponse: () => undefined,
    onJoined: () => undefined,
  }
  const subject = new Multicast(options)
  onTestFinished(() => subject.close({ answers: [] }))
  const udp = createSocket({ type: 'udp4' })
  onTestFinished(() => void udp.close())
  udp.bind(0, '127.0.0.1')
  await once(udp, 'listening')
  udp.setMulticastInterface('127.0.0.1')
  const send = (bytes: Uint8Array) =>
    new Promise<void>((resolve) => udp.send(bytes, 5353, '224.0.0.251', () => resolve()))
  await eventually(async () => {
    await send(query())
    expect(heard.length).toBeGreaterThan(0)
  })
  return { heard, send }
}

test('hostile packets take no time of those who are heard, and a flood of queries is cut', async () => {
  const { heard, send } = await listening()
  const before = process.cpuUsage()
  for (let i = 0; i < 10; i++) {
    for (const { bytes } of HOSTILE) await send(bytes)
    // What arrives faster than it is read is dropped by the system.
    await sleep(10)
  }
  const known = heard.length
  await send(query())
  await eventually(() => expect(heard.length).toBeGreaterThan(known))
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1_000).toBeLessThan(1_000)

  const earlier = heard.length
  const start = performance.now()
  for (let i = 0; i < 1_000; i++) {
    await send(query())
    if (i % 20 === 0) await sleep(1)
  }
  await sleep(200)
  const seconds = (performance.now() - start) / 1_000
  expect(heard.length - earlier).toBeLessThanOrEqual(200 + 100 * Math.ceil(seconds))
})
