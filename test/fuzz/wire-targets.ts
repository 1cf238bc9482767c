import { strict as assert } from 'node:assert'
import { createRequire } from 'node:module'
import { duplexPair } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import SecretStream from '@hyperswarm/secret-stream'
import c, { type Encoder } from 'compact-encoding'
import Corestore from 'corestore'
import packet from 'dns-packet'
import fc from 'fast-check'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import Protomux from 'protomux'
import { guardReplication } from '../../src/log/internals/wire-guard.ts'
import { letterEncoding } from '../../src/engine/network/letter-message.ts'
import { introductionEncoding } from '../../src/peers/introductions.ts'
import { relayEncoding } from '../../src/peers/relay/handshake-forwarding.ts'
import {
  announcementDigest,
  announcementRecords,
  announcementsIn,
  asksForService,
  goodbyeRecords,
  goodbyesIn,
  MAX_ENTRIES,
  SERVICE,
  sharedTopics,
  type DnsPacket,
} from '../../src/peers/lan/announcement.ts'
import { FirstFrames, handshake } from '../../src/peers/lan/handshake.ts'
import { PeerProtocol } from '../../src/peers/peer-protocol.ts'
import { wakeupEncoding } from '../../src/replication/idle/wakeup.ts'
import { MAX_PUSH_BYTES, pushEncoding } from '../../src/replication/push/push-message.ts'
import { rangeEncoding } from '../../src/replication/ranges/range-message.ts'
import { NOTHING, REQUEST, SYNC } from '../helpers/floods.ts'
import { directory, mutated, type Target } from './target.ts'

const BYTES_32 = Buffer.alloc(32, 1)

function messageTarget<T>(name: string, encoding: Encoder<T>, samples: readonly T[]): Target {
  return {
    name,
    inputs: mutated(samples.map((it) => c.encode(encoding, it))),
    async check(input) {
      await speaks(encoding, input)
      let decoded: T
      try {
        decoded = c.decode(encoding, input)
      } catch {
        // What cannot be decoded ends the connection.
        return
      }
      const again = c.encode(encoding, decoded)
      assert.deepEqual(c.encode(encoding, c.decode(encoding, again)), again)
    },
  }
}

/** Sends bytes as a message of a protocol: it arrives, or the connection ends with a complaint. */
async function speaks<T>(encoding: Encoder<T>, bytes: Uint8Array): Promise<void> {
  const { near, far, end } = await muxPair()
  try {
    const name = 'hyperletter/fuzz/1'
    const seen: string[] = []
    const protocol = new PeerProtocol<T, undefined>({
      protocol: name,
      encoding,
      maxBytes: MAX_PUSH_BYTES,
      rate: { perSecond: 1, burst: 10 },
      newState: () => undefined,
      onMessage: () => seen.push('taken'),
      onMisdeed: () => seen.push('refused'),
    })
    const peer = protocol.attach(near)
    const channel = far.createChannel({ protocol: name, messages: [{ encoding: c.raw }] })
    channel?.open()
    assert(await peer?.opened)
    channel?.messages[0]?.send(bytes)
    for (let turn = 0; turn < 100 && seen.length === 0; turn++) await setImmediate()
    assert.equal(seen.length, 1, 'Neither taken nor refused.')
  } finally {
    end()
  }
}

async function muxPair() {
  const [one, other] = duplexPair()
  const near = new SecretStream(true, one, { keyPair: crypto.keyPair() })
  const far = new SecretStream(false, other, { keyPair: crypto.keyPair() })
  for (const it of [near, far]) it.on('error', () => undefined)
  await Promise.all([near.opened, far.opened])
  const end = () => [near, far].forEach((it) => it.destroy())
  return { near: Protomux.from(near), far: Protomux.from(far), end }
}

const MESSAGES: readonly Target[] = [
  messageTarget('introduction', introductionEncoding, [
    { topic: BYTES_32, keys: [BYTES_32, BYTES_32] },
    { topic: BYTES_32, keys: [BYTES_32], gone: [BYTES_32] },
    { topic: BYTES_32, keys: [], gone: [], relays: [{ key: BYTES_32, bytesPerSecond: 70_000 }] },
  ]),
  messageTarget('relay', relayEncoding, [
    { kind: 'dial', id: 300, peer: BYTES_32, noise: Buffer.from('handshake') },
    { kind: 'answer', id: 300, noise: Buffer.alloc(0) },
  ]),
  messageTarget('wakeup', wakeupEncoding, [
    [
      { token: Buffer.alloc(16, 2), length: 300, held: 7 },
      { token: Buffer.alloc(16, 3), length: 2 ** 40, held: 70_000 },
    ],
  ]),
  messageTarget('push', pushEncoding, [
    {
      topic: BYTES_32,
      from: 70_000,
      signature: Buffer.alloc(68, 4),
      receivers: [1, 65_535],
      blocks: [Buffer.from('body'), Buffer.from('record'), Buffer.alloc(0)],
    },
  ]),
  messageTarget('range', rangeEncoding, [
    {
      kind: 'ask',
      topic: BYTES_32,
      id: 300,
      runs: [
        { start: 0, blocks: 16, anchor: 15 },
        { start: 70_000, blocks: 1, anchor: 140_000 },
      ],
    },
    {
      kind: 'give',
      id: 300,
      beside: [{ size: 2 ** 40, hash: BYTES_32 }],
      blocks: [Buffer.from('body'), Buffer.from('record'), Buffer.alloc(0)],
    },
    { kind: 'lack', id: 1, why: 1 },
    { kind: 'cancel', id: 2 },
    { kind: 'begin', topic: BYTES_32, id: 3 },
    {
      kind: 'head',
      id: 3,
      publicKey: BYTES_32,
      signature: Buffer.alloc(68, 4),
      start: 70_000,
      roots: [{ size: 2 ** 40, hash: BYTES_32 }],
      first: Buffer.from('profile'),
      beside: [{ size: 7, hash: BYTES_32 }],
      blocks: [Buffer.from('body'), Buffer.from('record'), Buffer.alloc(0)],
    },
  ]),
  messageTarget('letters', letterEncoding, [
    { kind: 'have', topic: BYTES_32, ids: [Buffer.alloc(16, 2), Buffer.alloc(16, 3)], favoured: 1 },
    { kind: 'refused', topic: BYTES_32, id: Buffer.alloc(16, 2), bits: 19 },
    { kind: 'want', topic: BYTES_32, ids: [Buffer.alloc(16, 2)] },
    { kind: 'letter', topic: BYTES_32, bytes: Buffer.from('letter') },
    { kind: 'statement', topic: BYTES_32, bytes: Buffer.from('receipt') },
    { kind: 'ask', topic: BYTES_32 },
  ]),
]

const require = createRequire(import.meta.url)

/** The messages of Hypercore's protocol, and what proves that one knows the key of a log. */
const { wire } = require('hypercore/lib/messages.js') as { wire: Record<string, Encoder> }
const caps = require('hypercore/lib/caps.js') as {
  replicate(isInitiator: boolean, key: Uint8Array, handshakeHash: Uint8Array): Uint8Array
}

/** In the order of their numbers. */
const KINDS = ['sync', 'request', 'cancel', 'data', 'noData', 'want', 'unwant', 'bitfield', 'range']

const NODE = { index: 2, size: 3, hash: BYTES_32 }
const BLOCK = { index: 3, value: BYTES_32, nodes: [NODE] }
const UPGRADE = {
  start: 10,
  length: 9,
  nodes: [NODE],
  additionalNodes: [NODE],
  signature: BYTES_32,
}

const SENT: readonly (readonly [string, object])[] = [
  ['sync', { ...SYNC, length: 12, remoteLength: 10 }],
  ['request', { ...REQUEST, block: { index: 3, nodes: 2 } }],
  ['request', { ...REQUEST, hash: { index: 3, nodes: 2 }, seek: { bytes: 5, padding: 0 } }],
  ['request', { ...REQUEST, upgrade: { start: 2, length: 8 }, manifest: true }],
  ['cancel', { request: 1 }],
  ['data', { request: 0, fork: 0, ...NOTHING, manifest: null, block: BLOCK }],
  ['data', { request: 1, fork: 1, ...NOTHING, manifest: null, hash: { index: 3, nodes: [NODE] } }],
  ['data', { request: 0, fork: 0, ...NOTHING, manifest: null, upgrade: UPGRADE }],
  ['noData', { request: 1, reason: 0 }],
  ['want', { start: 0, length: 2 ** 21, any: false }],
  ['unwant', { start: 32, length: 32, any: true }],
  ['bitfield', { start: 32, bitfield: Uint32Array.of(1, 2, 3) }],
  ['range', { drop: false, start: 1, length: 9 }],
  ['range', { drop: true, start: 0, length: 9 }],
]

/** Messages, each as its number, the length of its bytes, and these. */
const replicated = fc
  .array(
    fc.constantFrom(...SENT).chain(([kind, message]) => {
      const bytes = c.encode(wire[kind] ?? c.raw, message)
      const number = KINDS.indexOf(kind)
      return fc.tuple(
        fc.oneof({ weight: 9, arbitrary: fc.constant(number) }, fc.nat(9)),
        mutated([bytes]),
      )
    }),
    { maxLength: 12 },
  )
  .map((sent) => Buffer.concat(sent.flatMap(([kind, bytes]) => frame(kind, bytes))))

function frame(kind: number, bytes: Uint8Array): Uint8Array[] {
  const sent = bytes.subarray(0, 65_535)
  return [Uint8Array.of(kind, sent.byteLength >> 8, sent.byteLength & 255), sent]
}

function* framesIn(input: Uint8Array): Generator<readonly [number, Uint8Array]> {
  for (let at = 0; at + 3 <= input.byteLength;) {
    const [kind = 0, high = 0, low = 0] = input.subarray(at, at + 3)
    const bytes = input.subarray(at + 3, at + 3 + 256 * high + low)
    yield [kind % 10, bytes]
    at += 3 + bytes.byteLength
  }
}

let opening: Promise<Hypercore> | undefined

/** A log of ten blocks that lasts as long as the process. */
async function openCore(): Promise<Hypercore> {
  const made = new Corestore(directory()).get({ name: 'log' })
  await made.ready()
  await made.append(Array.from({ length: 10 }, (_, i) => `block ${i}`))
  return made
}

async function factsOf(core: Hypercore) {
  const blocks = Array.from({ length: core.length }, (_, i) => core.get(i))
  const texts = (await Promise.all(blocks)).map(String)
  return {
    length: core.length,
    fork: core.fork,
    hash: (await core.treeHash()).toString('hex'),
    texts,
  }
}

/** A peer that knows the key, and sends what it likes. */
const replication: Target = {
  name: 'replication',
  inputs: replicated,
  async check(input) {
    const core = await (opening ??= openCore())
    const before = await factsOf(core)
    const { near, far, end } = await muxPair()
    try {
      guardReplication(near, {
        onViolation: () => near.stream.destroy(),
        onExcess: () => undefined,
      })
      core.replicate(near.stream)
      const asHypercore = { protocol: 'hypercore/alpha', handshake: wire['handshake'] }
      const messages = Array.from({ length: 10 }, () => ({ encoding: c.raw }))
      const channel = far.createChannel({ ...asHypercore, id: core.discoveryKey, messages })
      const { isInitiator, handshakeHash } = far.stream as unknown as Handshaken
      const capability = caps.replicate(isInitiator, core.key as Buffer, handshakeHash)
      channel?.open({ seeks: true, capability } as never)
      assert(await channel?.fullyOpened(), 'The peer is not let in.')
      for (const [kind, bytes] of framesIn(input)) channel?.messages[kind]?.send(bytes)
      for (let turn = 0; turn < 20; turn++) await setImmediate()
    } finally {
      end()
    }
    await setImmediate()
    assert.deepEqual(await factsOf(core), before)
    assert.deepEqual(core.peers, [], 'A peer that left is still there.')
  },
}

/** Outside of all channels: one is opened, several messages in one piece, one is refused, one is closed. */
const FRAMES = [
  '0001 01 05 6b6e6f776e 00',
  '0000 00 09 01 01 056b6e6f776e00 02 03 01',
  '0002 01',
  '0003 01',
]

/** What a peer says of channels. */
const multiplexer: Target = {
  name: 'multiplexer',
  inputs: mutated(FRAMES.map((it) => Buffer.from(it.replaceAll(' ', ''), 'hex'))),
  async check(input) {
    const { near, far, end } = await muxPair()
    try {
      guardReplication(near, {
        onViolation: () => near.stream.destroy(),
        onExcess: () => undefined,
      })
      near.pair({ protocol: 'known' }, () => undefined)
      far.stream.write(Buffer.from(input))
      for (let turn = 0; turn < 20; turn++) await setImmediate()
    } finally {
      end()
    }
  },
}

interface Handshaken {
  readonly isInitiator: boolean
  readonly handshakeHash: Uint8Array
}

const SALT = Buffer.alloc(16, 5)
const TOPICS = [BYTES_32, Buffer.alloc(32, 6)]
const ANNOUNCED = announcementRecords({
  name: 'aabbccdd',
  address: '192.168.1.2',
  port: 5_000,
  tcpPort: 5_001,
  publicKey: BYTES_32,
  salt: SALT,
  topics: TOPICS,
})

/** Whatever arrives by multicast in a room. */
const announcement: Target = {
  name: 'announcement',
  inputs: mutated(
    [
      { type: 'response' as const, ...ANNOUNCED },
      { type: 'response' as const, ...goodbyeRecords('aabbccdd') },
      { type: 'query' as const, questions: [{ name: SERVICE, type: 'PTR' as const }] },
    ].map((it) => packet.encode(it)),
    [SERVICE, 'v=1', 's=', 't=', 'p='],
  ),
  check(input) {
    let received: DnsPacket
    try {
      received = packet.decode(Buffer.from(input))
    } catch {
      // As with the socket, which tells of it and goes on.
      return
    }
    asksForService(received)
    goodbyesIn(received)
    const found = announcementsIn(received)
    assert(found.length <= 16)
    for (const it of found) {
      assert(it.entries.byteLength <= MAX_ENTRIES * 40 && it.port > 0 && it.port < 65_536)
      announcementDigest(it)
      for (const { publicKey } of sharedTopics(it, TOPICS)) assert.equal(publicKey.byteLength, 32)
    }
  },
}

/** Whatever somebody sends to the TCP port of the local network. */
const dialed: Target = {
  name: 'tcp',
  inputs: mutated([Buffer.concat([Buffer.from('600000', 'hex'), Buffer.alloc(96, 7)])]),
  async check(input) {
    const isAllowed = new FirstFrames(3).allow(input)
    const [socket, other] = duplexPair()
    other.on('error', () => undefined)
    other.resume()
    other.end(input)
    const shaking = handshake(socket, { keyPair: KEY_PAIR, deadlineMs: 50 })
    await assert.rejects(shaking, 'A stranger was let in.')
    assert(isAllowed || socket.destroyed)
  },
}

const KEY_PAIR = crypto.keyPair(BYTES_32)

export const WIRE_TARGETS: readonly Target[] = [
  ...MESSAGES,
  multiplexer,
  replication,
  announcement,
  dialed,
]
