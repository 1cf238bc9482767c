import { randomBytes } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { ConnectOptions } from 'hyperdht'
import type { Connection, PeerInfo } from 'hyperswarm'
import { expect, onTestFinished, test } from 'vitest'
import { hex } from '../../src/hex.ts'
import type { Dht } from '../../src/peers/dht.ts'
import type { PatchedHyperswarm } from '../../src/peers/patched-hyperswarm.ts'
import { Relays } from '../../src/peers/relay/relays.ts'

const TOPIC = randomBytes(32)
const KEY_PAIR = { publicKey: randomBytes(32), secretKey: randomBytes(64) }

/** Relays of a swarm that has found some peers of a topic, whose dials a test ends. */
function relaysOf({ use = [], isHidden = false }: { use?: string[]; isHidden?: boolean } = {}) {
  const peers = new Map<string, Pick<PeerInfo, 'topics' | 'attempts'>>()
  const redialed: unknown[] = []
  const swarm = {
    keyPair: KEY_PAIR,
    peers,
    _allConnections: { get: () => undefined },
    _requeue: (them: unknown[]) => redialed.push(...them),
    joinPeer: () => undefined,
  }
  const relays = new Relays(swarm as unknown as PatchedHyperswarm, {} as Dht, { use, isHidden })
  onTestFinished(() => relays.close())
  const dials: { readonly relay: string | undefined; readonly stream: EventEmitter }[] = []
  const straight = ({ relayThrough }: ConnectOptions) => {
    const stream = new EventEmitter()
    dials.push({ relay: relayThrough ? hex(relayThrough) : undefined, stream })
    return stream as Connection
  }
  const dial = (peer: Buffer, code?: string) => {
    relays.dialPeer(peer, {}, straight)
    const { stream, relay } = dials.at(-1) ?? { stream: new EventEmitter(), relay: undefined }
    if (code !== undefined) stream.emit('error', Object.assign(new Error(code), { code }))
    return relay
  }
  const find = (topic = TOPIC) => {
    const peer = randomBytes(32)
    peers.set(hex(peer), { topics: [topic], attempts: 0 })
    return peer
  }
  const offer = (topic = TOPIC, key = randomBytes(32), device = hex(randomBytes(32))) => {
    relays.told(device, topic, { key, bytesPerSecond: 0 })
    return { key, name: hex(key), device }
  }
  return { relays, dial, dials, find, offer, straight, redialed }
}

test('a relay of a peer of the newsletter is used after a punch has failed, and dialed at once', async () => {
  const { dial, find, offer, redialed } = relaysOf()
  const peer = find()
  offer(randomBytes(32))
  expect(dial(peer, 'PEER_NOT_FOUND')).toBeUndefined()
  expect(dial(peer, 'HOLEPUNCH_DOUBLE_RANDOMIZED_NATS')).toBeUndefined()
  await new Promise(setImmediate)
  // The only relay is of another newsletter.
  expect(dial(peer)).toBeUndefined()
  expect(redialed).toHaveLength(0)
  const { name } = offer()
  expect(redialed).toHaveLength(1)
  expect(dial(peer)).toBe(name)
})

test('a relay that lies, drops or says nothing is left for another one', () => {
  const { relays, dial, find, offer, straight } = relaysOf()
  const peer = find()
  dial(peer, 'HOLEPUNCH_ABORTED')
  const silent = offer()
  expect(dial(peer, 'RELAY_ABORTED')).toBe(silent.name)
  expect(dial(peer)).toBeUndefined()

  // Nobody has the key of this one.
  const other = find()
  dial(other, 'HOLEPUNCH_ABORTED')
  relays.told(silent.device, TOPIC, undefined)
  const liar = offer()
  expect(dial(other)).toBe(liar.name)
  relays.dialRelay(liar.key, straight).emit('close')
  expect(dial(other)).toBeUndefined()

  const honest = offer()
  expect([dial(peer), dial(other)]).toEqual([honest.name, honest.name])
  relays.disconnected(honest.device)
  expect(dial(peer)).toBeUndefined()
})

test('no relay is dialed that no peer offered, whoever names it, nor the key of a peer', async () => {
  const { relays, dial, dials, find, offer, straight } = relaysOf()
  const victim = find()
  offer(TOPIC, victim)
  const peer = find()
  dial(peer, 'HOLEPUNCH_ABORTED')
  expect(dial(peer)).toBeUndefined()
  const before = dials.length
  for (const key of [victim, randomBytes(32)]) {
    const failed = relays.dialRelay(key, straight)
    await new Promise((resolve) => failed.once('close', resolve))
  }
  expect(dials).toHaveLength(before)
})

test('who hides uses relays of the own choice alone, and dials nobody straight but these', async () => {
  const chosen = randomBytes(32)
  const { relays, dials, find, offer, straight } = relaysOf({ use: [hex(chosen)], isHidden: true })
  const stranger = offer()
  const failed = relays.dialPeer(find(), {}, straight)
  await new Promise((resolve) => failed.once('close', resolve))
  const refused = relays.dialRelay(stranger.key, straight)
  await new Promise((resolve) => refused.once('close', resolve))
  expect(dials).toHaveLength(0)

  relays.dialPeer(chosen, {}, straight)
  const own = offer(randomBytes(32), randomBytes(32), hex(chosen))
  relays.dialRelay(own.key, straight)
  expect(dials).toHaveLength(2)
})
