import { randomBytes } from 'node:crypto'
import SecretStream from '@hyperswarm/secret-stream'
import crypto from 'hypercore-crypto'
import { expect, onTestFinished, test } from 'vitest'
import { OtherTabs } from '../../../src/browser/peer/other-tabs.ts'
import { RelaySocket } from '../../../src/browser/peer/tab-link.ts'
import { hex } from '../../../src/hex.ts'
import { ANSWER, OFFER, type RoomMessage } from '../../../src/peers/web/room-message.ts'
import { SocketStream } from '../../../src/peers/web/socket-stream.ts'
import { RateLimiter } from '../../../src/rate-limiter.ts'
import { muxPair } from '../../helpers/mux-pair.ts'
import { openRoom } from '../../helpers/rooms.ts'
import { logOf, openStore } from '../../helpers/stores.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

/** A tab where there is no WebRTC, so that it connects by way of its gateway, which says what a test wants. */
async function tabAtGateway() {
  const core = (await openStore()).get({ name: 'newsletter' })
  await core.append('block')
  const theirs = (await openStore()).get({ key: core.key ?? Buffer.alloc(32) })
  const log = await logOf(theirs)
  const keyPair = crypto.keyPair()
  const [near, far] = await muxPair(keyPair)
  const limiter = new RateLimiter({ perSecond: 1e9, burst: 1e9 })
  const tabs = new OtherTabs({ log, keyPair, limiter }, () => undefined)
  onTestFinished(() => tabs.close())
  let onMessage: (message: RoomMessage) => void = () => undefined
  const gateway = openRoom(far, (it) => onMessage(it))
  tabs.meetAt(near.stream, 'wss://news.example/peer')
  core.replicate(far.stream)
  theirs.replicate(near.stream)
  await eventually(() => expect(gateway.of('join')).toHaveLength(1))
  expect(hex(gateway.of('join')[0]?.topic ?? Buffer.alloc(0))).toBe(hex(log.discoveryKey))
  const name = (ids: readonly Uint8Array[]) =>
    gateway.send({ kind: 'named', topic: log.discoveryKey, stunPort: 0, ids })
  const calledNow = () => new Set(gateway.of('relay').map((it) => hex(it.id)))
  const listen = (listener: typeof onMessage) => (onMessage = listener)
  return { tabs, gateway, core, keyPair, name, calledNow, listen }
}

const someKeys = (count: number) => Array.from({ length: count }, () => randomBytes(32))

test('a tab dials four of those that it hears of, not itself, and lets four call', async () => {
  const { gateway, keyPair, name, calledNow } = await tabAtGateway()
  for (let i = 0; i < 10; i++) name([keyPair.publicKey, ...someKeys(7)])
  for (const id of someKeys(30)) {
    gateway.send({ kind: 'signal', id, what: OFFER, sdp: Buffer.from('v=0') })
  }
  await eventually(() => expect(gateway.of('signal').length).toBeGreaterThanOrEqual(4))
  await eventually(() => expect(calledNow().size).toBe(4))
  expect(calledNow().has(hex(keyPair.publicKey))).toBe(false)
  // What it has no place for is answered by that alone.
  const [stranger = Buffer.alloc(32)] = someKeys(1)
  gateway.send({ kind: 'relay', id: stranger, taken: 0, bytes: randomBytes(60) })
  await eventually(() =>
    expect(gateway.of('leave').map((it) => hex(it.id))).toContain(hex(stranger)),
  )
  expect(gateway.of('signal').map((it) => it.what)).toEqual([ANSWER, ANSWER, ANSWER, ANSWER])
  expect(calledNow().size).toBe(4)
})

test.each([
  ['the key by which it was introduced', true],
  ['another key than the one by which it was introduced', false],
])('a tab that shows %s is replicated with: %s', async (_, isIt) => {
  const { tabs, gateway, core, name, listen } = await tabAtGateway()
  const introduced = crypto.keyPair()
  const { publicKey: id } = introduced
  const socket = new RelaySocket({
    send: (taken, bytes) => gateway.send({ kind: 'relay', id, taken, bytes }),
    leave: () => gateway.send({ kind: 'leave', id }),
  })
  listen((message) => {
    if (message.kind === 'relay') socket.receive(message.taken, message.bytes)
    if (message.kind === 'leave') socket.left()
  })
  const keyPair = isIt ? introduced : crypto.keyPair()
  const stream = new SecretStream(false, new SocketStream(socket), { keyPair })
  stream.on('error', () => undefined)
  onTestFinished(() => void stream.destroy())
  core.replicate(stream)
  name([id])
  await eventually(() => expect(tabs.connected === 1 || stream.destroyed).toBe(true))
  expect([tabs.connected, stream.destroyed]).toEqual(isIt ? [1, false] : [0, true])
})

test('a tab that sends more than was read is cut off', () => {
  const told: number[] = []
  let isLeft = false
  const socket = new RelaySocket({
    send: (taken) => told.push(taken),
    leave: () => (isLeft = true),
  })
  const piece = Buffer.alloc(65_536)
  socket.receive(0, piece)
  expect(told).toEqual([65_536])
  socket.send(new Uint8Array(10))
  expect(socket.bufferedAmount).toBe(10)
  // It says that it has read more than was sent, and less than before.
  socket.receive(1_000, Buffer.alloc(0))
  socket.receive(3, Buffer.alloc(0))
  expect(socket.bufferedAmount).toBe(0)
  socket.pause()
  for (let i = 0; i < 16; i++) socket.receive(10, piece)
  expect([told.length, isLeft]).toEqual([2, false])
  socket.receive(10, piece)
  expect(isLeft).toBe(true)
})
