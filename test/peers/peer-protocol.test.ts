import c from 'compact-encoding'
import type Protomux from 'protomux'
import { expect, test } from 'vitest'
import { PeerProtocol, type PeerProtocolOptions } from '../../src/peers/peer-protocol.ts'
import { muxPair } from '../helpers/mux-pair.ts'
import { eventually } from '../helpers/swarm-peers.ts'

const PROTOCOL = 'hyperletter/test/1'

/** A peer that speaks the protocol, and one that sends bytes by hand. */
async function opened(options: Partial<PeerProtocolOptions<string, number>> = {}) {
  const [mux, other] = await muxPair()
  const read: string[] = []
  const misdeeds: string[] = []
  let floods = 0
  const protocol = new PeerProtocol<string, number>({
    protocol: PROTOCOL,
    encoding: c.string,
    maxBytes: 16,
    rate: { perSecond: 0.001, burst: 256 },
    newState: () => 0,
    onMessage: (message) => read.push(message),
    onFlood: () => floods++,
    onMisdeed: (_, what) => misdeeds.push(what),
    ...options,
  })
  const peer = protocol.attach(mux)
  const { send, received } = byHand(other)
  expect(await peer?.opened).toBe(true)
  return { protocol, peer, mux, other, send, received, read, misdeeds, floods: () => floods }
}

function byHand(mux: Protomux) {
  const received: string[] = []
  const channel = mux.createChannel({
    protocol: PROTOCOL,
    messages: [
      { encoding: c.raw, onmessage: (bytes: Buffer) => void received.push(String(bytes)) },
    ],
  })
  channel?.open()
  const send = (bytes: Uint8Array) => channel?.messages[0]?.send(bytes)
  return { send, received }
}

const word = (text: string) => c.encode(c.string, text)

test('messages go both ways as their encoding has them', async () => {
  const { peer, send, read, received, misdeeds } = await opened()
  send(word('hello'))
  peer?.send('there')
  await eventually(() => expect(read).toEqual(['hello']))
  await eventually(() => expect(received).toEqual(['\u0005there']))
  expect(misdeeds).toEqual([])
})

test('of a flood as many messages are read as may come at once, and the connection stays', async () => {
  const { send, read, mux, floods } = await opened()
  for (let i = 0; i < 300; i++) send(word(`${i}`))
  await eventually(() => expect(floods()).toBe(44))
  expect(read).toHaveLength(256)
  expect(mux.stream.destroying).toBe(false)
})

test('a peer that goes on asking and does not read is hung up on', async () => {
  const { send, mux, other, misdeeds } = await opened({
    onMessage: (_, peer) => peer.send('x'.repeat(2 ** 20)),
  })
  other.stream.pause()
  for (let i = 0; i < 100; i++) send(word('more'))
  await eventually(() => expect(mux.stream.destroying).toBe(true))
  expect(misdeeds).toEqual(['peer asks, and does not read'])
})

test('a message may count as several', async () => {
  const { send, read, floods } = await opened({ costOf: (message) => message.length })
  for (let i = 0; i < 30; i++) send(word('0123456789'))
  await eventually(() => expect(floods()).toBe(5))
  expect(read).toHaveLength(25)
})

test('a message that is too long is not decoded, and ends the connection', async () => {
  let decoded = 0
  const { send, mux, misdeeds, protocol } = await opened({
    encoding: {
      ...c.string,
      decode: (state) => (decoded++, c.string.decode(state)),
    },
  })
  send(word('x'.repeat(300)))
  await eventually(() => expect(mux.stream.destroyed).toBe(true))
  expect(decoded).toBe(0)
  expect(misdeeds).toEqual([`peer sent an invalid message of ${PROTOCOL}`])
  await eventually(() => expect(protocol.size).toBe(0))
})

test.each([
  { name: 'range error', error: new RangeError('Out of bounds') },
  { name: 'type error, which would end the process', error: new TypeError('No number') },
])('a message that its decoder refuses with a $name ends the connection', async ({ error }) => {
  const { send, mux, read, misdeeds } = await opened({
    encoding: {
      ...c.string,
      decode: () => {
        throw error
      },
    },
  })
  send(word('hello'))
  await eventually(() => expect(mux.stream.destroyed).toBe(true))
  expect(misdeeds).toHaveLength(1)
  expect(read).toEqual([])
})

test('a peer that does not speak the protocol is known as such', async () => {
  const [mux] = await muxPair()
  const protocol = new PeerProtocol<string, number>({
    protocol: PROTOCOL,
    encoding: c.string,
    maxBytes: 16,
    rate: { perSecond: 1, burst: 1 },
    newState: () => 0,
    onMessage: () => undefined,
    onMisdeed: () => undefined,
  })
  expect(await protocol.attach(mux)?.opened).toBe(false)
  expect(protocol.size).toBe(0)
})
