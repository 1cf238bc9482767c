import c from 'compact-encoding'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import { expect, test } from 'vitest'
import { waitUntil } from '../../../src/async.ts'
import { isReplicating } from '../../../src/peers/peer-protocol.ts'
import { OFFER, ROOMS, type RoomMessage } from '../../../src/peers/web/room-message.ts'
import { Rooms } from '../../../src/peers/web/rooms.ts'
import { muxPair } from '../../helpers/mux-pair.ts'
import { openRoom } from '../../helpers/rooms.ts'
import { openStore } from '../../helpers/stores.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

/** A gateway with two newsletters. */
async function gateway() {
  const store = await openStore()
  const cores = [store.get({ name: 'a' }), store.get({ name: 'b' })] as const
  await Promise.all(cores.map((it) => it.append('block')))
  // What all tabs have.
  const tabs = await openStore()
  const misdeeds: string[] = []
  const rooms = new Rooms({ stunPort: 3_478, onMisdeed: (_, what) => misdeeds.push(what) })
  /** A tab that replicates a newsletter, and what the gateway tells it. */
  const enter = async (core: Hypercore = cores[0], join = true) => {
    const keyPair = crypto.keyPair()
    const [tab, here] = await muxPair(keyPair)
    const room = openRoom(tab)
    store.replicate(here.stream)
    rooms.attach(here)
    const theirs = tabs.get({ key: core.key ?? Buffer.alloc(32) })
    await theirs.ready()
    theirs.replicate(tab.stream)
    await waitUntil(() => isReplicating(tab), { timeoutMs: 10_000 })
    await room.opened
    if (join) {
      room.send({ kind: 'join', topic: topicOf(core) })
      await waitUntil(() => room.of('named').length === 1, { timeoutMs: 10_000 })
    }
    return { id: keyPair.publicKey, stream: here.stream, ...room }
  }
  return { cores, misdeeds, rooms, enter }
}

const topicOf = (core: Hypercore) => core.discoveryKey ?? Buffer.alloc(32)

const sdp = Buffer.from('v=0')
const relay = (id: Uint8Array, bytes: Uint8Array, taken = 0): RoomMessage => ({
  kind: 'relay',
  id,
  taken,
  bytes,
})

test('tabs of one newsletter hear of each other, and what one says reaches the other alone', async () => {
  const { cores, rooms, enter } = await gateway()
  const [a, b, c1] = [await enter(), await enter(), await enter(cores[1])]
  expect(a.of('named')[0]).toMatchObject({ topic: cores[0].discoveryKey, stunPort: 3_478, ids: [] })
  expect(b.of('named')[0]?.ids).toEqual([a.id])
  expect(c1.of('named')[0]?.ids).toEqual([])

  b.send({ kind: 'signal', id: a.id, what: OFFER, sdp })
  b.send(relay(a.id, Buffer.from('hello')))
  await eventually(() => expect(a.of('relay')).toHaveLength(1))
  expect(a.of('signal')).toEqual([{ kind: 'signal', id: b.id, what: OFFER, sdp }])
  expect(a.of('relay')[0]).toEqual(relay(b.id, Buffer.from('hello')))
  a.send(relay(b.id, Buffer.alloc(0), 5))
  await eventually(() => expect(b.of('relay')).toEqual([relay(a.id, Buffer.alloc(0), 5)]))
  expect(rooms.relayedBytes).toBe(5)

  // Of another room, and of none.
  c1.send({ kind: 'signal', id: a.id, what: OFFER, sdp })
  c1.send(relay(a.id, Buffer.from('hello')))
  c1.send(relay(c1.id, Buffer.from('hello')))
  await eventually(() => expect(c1.of('leave').map((it) => it.id)).toEqual([a.id, c1.id]))
  expect(a.of('signal')).toHaveLength(1)
  expect(c1.told).toHaveLength(3)

  b.stream.destroy()
  await eventually(() => expect(a.of('leave')).toEqual([{ kind: 'leave', id: b.id }]))
  a.send(relay(b.id, Buffer.from('hello')))
  await eventually(() => expect(a.of('leave')).toHaveLength(2))
  a.send({ kind: 'join', topic: topicOf(cores[0]) })
  await eventually(() => expect(a.of('named')[1]?.ids).toEqual([]))
})

test('who does not replicate a newsletter enters no room', async () => {
  const { cores, enter } = await gateway()
  const a = await enter()
  const stranger = await enter(cores[1], false)
  stranger.send({ kind: 'join', topic: topicOf(cores[0]) })
  stranger.send({ kind: 'signal', id: a.id, what: OFFER, sdp })
  stranger.send(relay(a.id, Buffer.from('hello')))
  await eventually(() => expect(stranger.told).toEqual([{ kind: 'leave', id: a.id }]))
  expect(a.told).toHaveLength(1)
})

test('eight of many are named, others each time, and beyond 128 nobody enters', async () => {
  const { cores, enter } = await gateway()
  const all = [await enter()]
  while (all.length < 128) {
    all.push(
      ...(await Promise.all(Array.from({ length: Math.min(16, 128 - all.length) }, () => enter()))),
    )
  }
  const [first] = all
  const named = () => first?.of('named').map((it) => new Set(it.ids.map(String))) ?? []
  for (let i = 0; i < 4; i++) first?.send({ kind: 'join', topic: topicOf(cores[0]) })
  await eventually(() => expect(named()).toHaveLength(5))
  expect(named().map((it) => it.size)).toEqual([0, 8, 8, 8, 8])
  expect(named()[1]).not.toEqual(named()[2])
  expect(named().some((it) => it.has(String(first?.id)))).toBe(false)
  const late = await enter()
  expect(late.of('named')[0]?.ids).toEqual([])
  first?.send({ kind: 'signal', id: late.id, what: OFFER, sdp })
  late.send(relay(first?.id ?? late.id, Buffer.from('hello')))
  await eventually(() => expect(late.told).toHaveLength(2))
  expect(late.told[1]?.kind).toBe('leave')
}, 60_000)

test('of a flood of signals so many are passed on as may come at once', async () => {
  const { misdeeds, enter } = await gateway()
  const [a, b] = [await enter(), await enter()]
  for (let i = 0; i < 500; i++) b.send({ kind: 'signal', id: a.id, what: OFFER, sdp })
  b.send({ kind: 'signal', id: b.id, what: OFFER, sdp })
  await eventually(() => expect(a.of('signal').length).toBeGreaterThanOrEqual(56))
  expect(a.of('signal').length).toBeLessThan(120)
  expect(b.stream.destroying).toBe(false)
  expect(misdeeds).toEqual([])
})

test('a tab that relays more than its share is cut off, and the other is told', async () => {
  const { rooms, enter } = await gateway()
  const [a, b] = [await enter(), await enter()]
  const piece = Buffer.alloc(65_536)
  for (let i = 0; i < 100; i++) b.send(relay(a.id, piece))
  await eventually(() => expect(a.of('leave').length).toBeGreaterThanOrEqual(1))
  expect(rooms.relayedBytes).toBeGreaterThanOrEqual(1_048_576)
  expect(rooms.relayedBytes).toBeLessThan(2_000_000)
  expect(b.of('leave').length).toBeGreaterThanOrEqual(1)
})

test('a tab is relayed to eight others at most', async () => {
  const { enter } = await gateway()
  const a = await enter()
  const others: Awaited<ReturnType<typeof enter>>[] = []
  for (let i = 0; i < 9; i++) others.push(await enter())
  for (const it of others) a.send(relay(it.id, Buffer.from('hello')))
  await eventually(() => expect(a.of('leave').map((it) => it.id)).toEqual([others[8]?.id]))
  expect(others.filter((it) => it.of('relay').length === 1)).toHaveLength(8)
})

test.each([
  ['a signal that is too long', signalOf(8 * 1024 + 1)],
  [
    'more keys than are named',
    Buffer.concat([Buffer.from([1]), Buffer.alloc(33), Buffer.from([9]), Buffer.alloc(9 * 32)]),
  ],
  ['half a key', Buffer.from([0, 1, 2])],
  ['more bytes than can be relayed', Buffer.alloc(70_000, 3)],
])('%s ends the connection', async (_, bytes) => {
  const { misdeeds, enter } = await gateway()
  const a = await enter()
  a.sendBytes(bytes)
  await eventually(() => expect(a.stream.destroyed).toBe(true))
  expect(misdeeds).toEqual([`peer sent an invalid message of ${ROOMS}`])
})

test('what a later version says is passed over', async () => {
  const { misdeeds, enter } = await gateway()
  const [a, b] = [await enter(), await enter()]
  b.sendBytes(Buffer.from([99, 1, 2, 3]))
  b.send({ kind: 'signal', id: a.id, what: OFFER, sdp })
  await eventually(() => expect(a.of('signal')).toHaveLength(1))
  expect(misdeeds).toEqual([])
})

function signalOf(length: number): Buffer {
  const head = Buffer.concat([Buffer.from([2]), Buffer.alloc(32), Buffer.from([0])])
  return Buffer.concat([head, Buffer.from(c.encode(c.buffer, Buffer.alloc(length)))])
}
