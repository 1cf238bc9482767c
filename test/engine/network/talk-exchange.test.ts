import { randomBytes } from 'node:crypto'
import c from 'compact-encoding'
import { expect, it, onTestFinished } from 'vitest'
import { Conversations } from '../../../src/engine/letters/conversation.ts'
import type { LetterDesk } from '../../../src/engine/letters/letter-desk.ts'
import { Letterbox } from '../../../src/engine/letters/letterbox.ts'
import {
  TalkExchange,
  talkEncoding,
  type TalkMessage,
} from '../../../src/engine/network/talk-exchange.ts'
import type { Feed } from '../../../src/format/feed.ts'
import { keyBytes } from '../../../src/format/keys/feed-key.ts'
import { discoveryKeyOf, nativeCrypto } from '../../../src/log/keys.ts'
import { createLogger } from '../../../src/logger.ts'
import { feedKey, letterOf } from '../../helpers/letters.ts'
import { LINE_BITS, lineOf } from '../../helpers/lines.ts'
import { muxPair } from '../../helpers/mux-pair.ts'
import { eventually } from '../../helpers/swarm-peers.ts'

const TOPIC = Buffer.from(discoveryKeyOf(keyBytes(feedKey)))

/** A device with a newsletter, and peers that send what they like. */
async function device({ isOpen = true } = {}) {
  const nobody = () => false
  const rules = { isWanted: true, workBits: LINE_BITS, isAdmissionKey: nobody, isKnown: nobody }
  const desk = { box: new Letterbox(feedKey, nativeCrypto) } as unknown as LetterDesk
  const letters = { desk: async () => desk, rules: async () => rules }
  const conversations = new Conversations({ letters, encryptionKeyOf: () => undefined })
  const misdeeds: string[] = []
  const onMisdeed = (_: Uint8Array, what: string) => misdeeds.push(what)
  const logger = createLogger('silent')
  const exchange = new TalkExchange({ conversations, logger, onMisdeed })
  onTestFinished(() => exchange.close())
  const peers: { publicKey: Uint8Array }[] = []
  const profile = async () => ({ letters: { talk: isOpen } })
  const log = { peers, discoveryKey: TOPIC }
  const feed = { feedKey, log, profile } as unknown as Feed
  exchange.add(feed)
  const peer = async () => {
    const [mux, other] = await muxPair()
    peers.push({ publicKey: mux.stream.remotePublicKey })
    exchange.attach(mux)
    const got: TalkMessage[] = []
    const onmessage = (it: Buffer) => void got.push(c.decode(talkEncoding, it))
    const messages = [{ encoding: c.raw, onmessage }]
    const channel = other.createChannel({ protocol: 'hyperletter/talk/1', messages })
    channel?.open()
    await channel?.fullyOpened()
    const sendRaw = (bytes: Uint8Array) => channel?.messages[0]?.send(Buffer.from(bytes))
    const send = (it: TalkMessage) => sendRaw(c.encode(talkEncoding, it))
    const say = (bytes: Uint8Array) => send({ kind: 'line', topic: TOPIC, bytes })
    const lines = () => got.filter((it) => it.kind === 'line').length
    return { got, send, sendRaw, say, lines }
  }
  const heard = () => conversations.of(feed).lines().length
  return { peer, heard, misdeeds }
}

it('a line goes on once, and who comes later gets what was said for the asking', async () => {
  const { peer, heard, misdeeds } = await device()
  const [first, second] = [await peer(), await peer()]
  const bytes = lineOf()
  first.say(bytes)
  second.say(bytes)
  await eventually(() => expect(second.lines()).toBe(1))
  const late = await peer()
  await eventually(() => expect(late.got).toMatchObject([{ kind: 'have' }]))
  const [have] = late.got
  if (have?.kind !== 'have') throw new Error('Nothing is offered.')
  late.send({ ...have, kind: 'want', ids: [...have.ids, randomBytes(16)] })
  late.send({ kind: 'ask', topic: TOPIC })
  await eventually(() => expect(late.got.map((it) => it.kind)).toEqual(['have', 'line', 'have']))
  expect([first.lines(), second.lines(), late.lines(), heard()]).toEqual([0, 1, 1, 1])
  expect(misdeeds).toEqual([])
})

it('nothing is taken or told where no conversation is open', async () => {
  const { peer, heard, misdeeds } = await device({ isOpen: false })
  const { say, send, got } = await peer()
  say(lineOf())
  say(Buffer.from('hi'))
  send({ kind: 'ask', topic: TOPIC })
  send({ kind: 'have', topic: TOPIC, ids: [randomBytes(16)] })
  const open = await device()
  const { say: sayThere } = await open.peer()
  sayThere(lineOf())
  await eventually(() => expect(open.heard()).toBe(1))
  expect([heard(), got, misdeeds]).toEqual([0, [], []])
})

it('a peer is struck for what no honest one says, and heard 256 times and then 20 a second', async () => {
  const { peer, heard, misdeeds } = await device()
  const { say, sendRaw } = await peer()
  const bytes = lineOf()
  say(bytes.with(bytes.length - 1, (bytes.at(-1) ?? 0) ^ 1))
  say(letterOf({ bits: LINE_BITS }).envelope.bytes)
  say(bytes.subarray(0, 100))
  await eventually(() => expect(misdeeds).toHaveLength(3))
  const flooding = await peer()
  for (let i = 0; i < 300; i++) flooding.say(lineOf({ at: Date.now() - i }))
  await eventually(() => expect(heard()).toBe(200))
  sendRaw(Buffer.alloc(64 * 1_024))
  await eventually(() => expect(misdeeds).toHaveLength(4))
})
