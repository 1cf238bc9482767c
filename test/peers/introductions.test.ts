import { randomBytes } from 'node:crypto'
import c from 'compact-encoding'
import type Hypercore from 'hypercore'
import type { Connection } from 'hyperswarm'
import Protomux, { type Message } from 'protomux'
import { expect, onTestFinished, test } from 'vitest'
import type { Address } from '../../src/config/config.ts'
import { Introductions } from '../../src/peers/introductions.ts'
import { muxPair } from '../helpers/mux-pair.ts'
import { openAuthor, openPeer, type Peer } from '../helpers/peers.ts'
import {
  announce,
  eventually,
  feedOf,
  openPlainly,
  plainPeer,
  standing,
  subscribe,
  type PlainPeer,
} from '../helpers/swarm-peers.ts'
import { hex } from '../../src/hex.ts'
import { privateNetwork } from '../helpers/testnet.ts'
import { coreOf } from '../helpers/stores.ts'

const PROTOCOL = 'hyperletter/peers/1'

interface Teller {
  readonly peer: PlainPeer
  readonly core: Hypercore
  /** Sends bytes as a message of the exchange to everybody; only the victim understands them. */
  readonly tell: (message: Uint8Array) => void
  readonly flush: () => Promise<unknown>
  readonly connections: Connection[]
  /** Keys that others told it of, in hex. */
  readonly heard: Set<string>
}

/** A peer that speaks the exchange by hand; `replicates` false makes it one that knows no feed key. */
async function teller(
  bootstrap: readonly Address[],
  feedKey: string,
  { replicates = true } = {},
): Promise<Teller> {
  const connections: Connection[] = []
  const messages: Message<Buffer>[] = []
  const heard = new Set<string>()
  const peer = await plainPeer(bootstrap, (connection, store) => {
    if (replicates) store.replicate(connection)
    const channel = Protomux.from(connection).createChannel({
      protocol: PROTOCOL,
      messages: [
        {
          encoding: c.raw,
          onmessage: (bytes: Buffer) => {
            for (let at = 33; at < bytes.length; at += 32) {
              heard.add(bytes.toString('hex', at, at + 32))
            }
          },
        },
      ],
    })
    channel?.open()
    connections.push(connection)
    messages.push(channel?.messages[0] as Message<Buffer>)
  })
  const core = await openPlainly(peer, feedKey)
  await announce(peer, core)
  await eventually(() => expect(connections.length).toBeGreaterThan(0))
  await eventually(() => expect(core.peers.length > 0).toBe(replicates))
  const tell = (bytes: Uint8Array) => {
    for (const it of messages) it.send(Buffer.from(bytes))
  }
  const flush = () => Promise.all(connections.map((it) => it.flush()))
  return { peer, core, tell, flush, connections, heard }
}

/** A peer that listens, is announced nowhere, and can only be dialled by somebody who was told its key. */
async function witness(bootstrap: readonly Address[]) {
  const callers: string[] = []
  const peer = await plainPeer(bootstrap, (connection) => {
    callers.push(connection.remotePublicKey.toString('hex'))
  })
  await peer.swarm.listen()
  return { key: peer.swarm.keyPair.publicKey, callers }
}

function message(core: Hypercore, keys: readonly Uint8Array[], count = keys.length): Buffer {
  return Buffer.concat([core.discoveryKey ?? Buffer.alloc(32), Buffer.of(count), ...keys])
}

/** A reader that replicates a feed with nobody but the tellers of a test. */
async function victim(bootstrap: readonly Address[]): Promise<Peer & { feedKey: string }> {
  const author = await openAuthor(bootstrap, { issues: 1 })
  const reader = await openPeer(bootstrap)
  await subscribe(reader, author.link)
  await author.engine.close()
  return { ...reader, feedKey: author.feedKey }
}

async function expectServes(bootstrap: readonly Address[], reader: Peer & { feedKey: string }) {
  const other = await openPeer(bootstrap)
  await subscribe(other, reader.feedKey)
  expect((await standing(reader, reader.feedKey)).peers).toBeGreaterThan(0)
}

test('a peer is dialled on the word of one that replicates the core', async () => {
  const bootstrap = await privateNetwork()
  const reader = await victim(bootstrap)
  const { tell, core } = await teller(bootstrap, reader.feedKey)
  const { key, callers } = await witness(bootstrap)
  tell(message(core, [key]))
  await eventually(() => expect(callers).toHaveLength(1))
})

test('nobody is dialled on the word of one that does not replicate the core', async () => {
  const bootstrap = await privateNetwork()
  const reader = await victim(bootstrap)
  const stranger = await teller(bootstrap, reader.feedKey, { replicates: false })
  const member = await teller(bootstrap, reader.feedKey)
  const one = await witness(bootstrap)
  const other = await witness(bootstrap)

  stranger.tell(message(stranger.core, [one.key]))
  // Something that the reader must have read before what comes next.
  await stranger.flush()
  member.tell(message(member.core, [other.key]))

  await eventually(() => expect(other.callers).toHaveLength(1))
  expect(one.callers).toEqual([])
  expect(member.heard).not.toContain(stranger.peer.swarm.keyPair.publicKey.toString('hex'))
})

test.each([
  {
    what: 'more keys than a message may have',
    bytes: (core: Hypercore) =>
      message(
        core,
        Array.from({ length: 33 }, () => randomBytes(32)),
      ),
  },
  {
    what: 'fewer keys than it says',
    bytes: (core: Hypercore) => message(core, [randomBytes(32)], 20),
  },
  {
    what: 'a count beyond all numbers',
    bytes: (core: Hypercore) =>
      Buffer.concat([message(core, []).subarray(0, 32), Buffer.alloc(9, 0xff)]),
  },
  { what: 'nothing', bytes: () => Buffer.alloc(0) },
  { what: 'half a topic', bytes: () => randomBytes(16) },
])('a message with $what ends that connection and nothing else', async ({ bytes }) => {
  const bootstrap = await privateNetwork()
  const reader = await victim(bootstrap)
  const { tell, core, connections } = await teller(bootstrap, reader.feedKey)
  const first = connections.at(-1)
  tell(bytes(core))
  await eventually(() => expect(first?.destroyed).toBe(true))
  await expectServes(bootstrap, reader)
})

test('its own key, unknown topics and a flood change nothing', async () => {
  const bootstrap = await privateNetwork()
  const reader = await victim(bootstrap)
  const { tell, core, connections } = await teller(bootstrap, reader.feedKey)
  const own = connections.at(-1)?.remotePublicKey ?? Buffer.alloc(32)
  for (let i = 0; i < 1_000; i++) tell(message(core, [own]))
  tell(Buffer.concat([randomBytes(32), Buffer.of(1), randomBytes(32)]))
  await expectServes(bootstrap, reader)
  expect(connections.at(-1)?.destroyed).toBe(false)
})

test('keys of dead peers do not keep living ones from being dialled', async () => {
  const bootstrap = await privateNetwork()
  const reader = await victim(bootstrap)
  const liar = await teller(bootstrap, reader.feedKey)
  const honest = await teller(bootstrap, reader.feedKey)
  const { key, callers } = await witness(bootstrap)
  for (let i = 0; i < 100; i++) {
    liar.tell(
      message(
        liar.core,
        Array.from({ length: 32 }, () => randomBytes(32)),
      ),
    )
  }
  await liar.flush()
  honest.tell(message(honest.core, [key]))
  await eventually(() => expect(callers).toHaveLength(1))
  const feed = await feedOf(reader, reader.feedKey)
  expect(coreOf(feed).peers).toHaveLength(2)
  await expectServes(bootstrap, reader)
})

test('all peers of a topic are named, in several messages, without anybody else arriving, and who goes too', async () => {
  const [mux, other] = await muxPair()
  const topic = randomBytes(32)
  const keys = Array.from({ length: 70 }, () => randomBytes(32))
  const introductions = new Introductions({
    onPeer: () => undefined,
    onMisdeed: () => undefined,
  })
  onTestFinished(() => introductions.close())
  const hearer = new Introductions({ onPeer: () => undefined, onMisdeed: () => undefined })
  onTestFinished(() => hearer.close())
  const namedBy = () => [...(hearer.namedBy(topic, other.stream.remotePublicKey) ?? [])].map(hex)
  hearer.attach(other)
  hearer.add(topic, () => [other.stream.remotePublicKey])
  introductions.attach(mux)
  let members = keys
  introductions.add(topic, () => [...members, mux.stream.remotePublicKey])
  await eventually(() => expect(namedBy().toSorted()).toEqual(keys.map(hex).toSorted()))

  members = keys.slice(40)
  introductions.changed(topic)

  await eventually(() => expect(namedBy().toSorted()).toEqual(members.map(hex).toSorted()))
})

test('who has gone is told to those who read it, and versions before read what they know', async () => {
  const [mux, other] = await muxPair()
  const topic = randomBytes(32)
  const [first = topic, ...keys] = Array.from({ length: 40 }, () => randomBytes(32))
  const messages: Buffer[] = []
  const channel = other.createChannel({
    protocol: PROTOCOL,
    messages: [{ encoding: c.raw, onmessage: (bytes: Buffer) => void messages.push(bytes) }],
  })
  channel?.open()
  const heard: string[] = []
  const introductions = new Introductions({
    onPeer: (key) => void heard.push(hex(key)),
    onMisdeed: () => undefined,
  })
  onTestFinished(() => introductions.close())
  introductions.attach(mux)
  let members = [first]
  introductions.add(topic, () => [...members, mux.stream.remotePublicKey])
  await eventually(() => expect(messages).toHaveLength(1))
  members = keys
  introductions.changed(topic)
  await eventually(() => expect(messages).toHaveLength(3))

  const [, second = topic] = messages
  expect(second[32]).toBe(31)
  expect(second[33 + 31 * 32]).toBe(1)
  expect(hex(second.subarray(-32))).toBe(hex(first))
  // What a version before takes at most.
  for (const it of messages) expect(it.byteLength).toBeLessThanOrEqual(32 + 9 + 32 * 32 + 256)

  // Of one that does not tell who has gone, nobody is taken to be served.
  const plain = channel?.messages[0] as Message<Buffer>
  plain.send(Buffer.concat([topic, Buffer.of(1), first]))
  await eventually(() => expect(heard).toEqual([hex(first)]))
  expect(introductions.namedBy(topic, mux.stream.remotePublicKey)).toBeUndefined()
})
