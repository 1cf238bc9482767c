import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Conversation, MAX_LINES } from '../../../src/engine/letters/conversation.ts'
import { keyBytes, type EncryptionKey } from '../../../src/format/keys/feed-key.ts'
import {
  encodeEnvelope,
  findWork,
  workOf,
  workPrefix,
  type Envelope,
} from '../../../src/format/letters/envelope.ts'
import { encodeHead, encodeLetterContent } from '../../../src/format/letters/letter.ts'
import { carryLine, MAX_LINE, talkKeyOf } from '../../../src/format/letters/line.ts'
import { keyPairOf, nativeCrypto } from '../../../src/log/keys.ts'
import { signWith } from '../../../src/log/sealing.ts'
import { feedKey, letterOf } from '../../helpers/letters.ts'

const NOW = Date.UTC(2026, 10, 30, 12)
const BITS = 4
const worthOf = (it: Envelope) => Math.max(0, workOf(it, nativeCrypto) - BITS + 1)
const RULES = { worthOf, talkKey: undefined }

interface LineOptions {
  readonly seed?: Uint8Array
  readonly at?: number
  readonly text?: string
  readonly bits?: number
  readonly talkKey?: Uint8Array
}

function lineOf(options: LineOptions = {}): Uint8Array {
  const { seed = randomBytes(32), at = NOW, text = 'Hello.', bits = BITS, talkKey } = options
  const keys = keyPairOf(seed)
  const content = encodeLetterContent({ text, salt: Buffer.alloc(16, 7).toString('base64url') })
  const { carriedAs, carried } = carryLine(content, talkKey, randomBytes)
  const head = { sender: keys.publicKey, writtenAt: at, carriedAs }
  const crypto = { crypto: nativeCrypto, sign: signWith(keys) }
  const signed = encodeHead(feedKey, head, { content, carried }, crypto)
  const prefix = workPrefix({ feedKey: keyBytes(feedKey), ...head })
  const nonce =
    bits === 0 ? undefined : findWork(prefix, bits, { from: 0, count: 10_000 }, nativeCrypto)
  return encodeEnvelope(signed, carried, nonce ? { kind: 'work', nonce } : { kind: 'none' })
}

function conversationAt(time = NOW) {
  let now = time
  const conversation = new Conversation(feedKey, nativeCrypto, () => now)
  const texts = () => conversation.lines().map((it) => it.content.text)
  return { conversation, texts, pass: (ms: number) => (now += ms) }
}

describe('a conversation', () => {
  it('takes a line once, tells of it, and gives it away as it was signed', () => {
    const { conversation, texts } = conversationAt()
    const heard: string[] = []
    const end = conversation.listen((it) => heard.push(it.content.text))
    const bytes = lineOf()
    expect(conversation.add(bytes, RULES)).toBe('new')
    expect(conversation.add(bytes, RULES)).toBe('known')
    end()
    expect(conversation.add(lineOf({ text: 'Later.', at: NOW + 1 }), RULES)).toBe('new')
    expect([heard, texts()]).toEqual([['Hello.'], ['Hello.', 'Later.']])
    expect(conversation.get(conversation.ids()[0] ?? '')).toEqual(bytes)
  })

  it('refuses what is old, too early, without work, too long or too much, whoever brings it', () => {
    const { conversation, texts } = conversationAt()
    const refused = [
      { at: NOW - 86_400_000 },
      { at: NOW + 3_600_001 },
      { bits: 0 },
      { text: 'x'.repeat(MAX_LINE + 1) },
    ]
    for (const it of refused) expect(conversation.add(lineOf(it), RULES)).toBe('refused')
    expect(conversation.add(lineOf({ bits: 0 }), { ...RULES, worthOf: () => 1 })).toBe('new')
    const seed = randomBytes(32)
    const verdicts = Array.from({ length: 6 }, (_, i) =>
      conversation.add(lineOf({ seed, at: NOW + i, text: `${i}` }), RULES),
    )
    expect(verdicts).toEqual(['new', 'new', 'new', 'new', 'new', 'refused'])
    expect(conversation.add(lineOf({ seed, at: NOW + 20_000 }), RULES)).toBe('new')
    expect(texts()).toHaveLength(7)
  })

  it('takes no line that was changed, is for another newsletter, or is sealed', () => {
    const { conversation } = conversationAt()
    const bytes = lineOf()
    const last = bytes.length - 1
    expect(conversation.add(bytes.with(last, (bytes[last] ?? 0) ^ 1), RULES)).toBe('false')
    expect(
      conversation.add(bytes.with(100, (bytes[100] ?? 0) ^ 1), { ...RULES, worthOf: () => 1 }),
    ).toBe('false')
    expect(conversation.add(letterOf({ bits: BITS }).envelope.bytes, RULES)).toBe('false')
    expect(conversation.add(bytes.subarray(0, 100), RULES)).toBe('false')
    expect(conversation.ids()).toEqual([])
  })

  it('says nothing to those without the key of a private newsletter', () => {
    const key = 'y'.repeat(52) as EncryptionKey
    const talkKey = talkKeyOf(feedKey, key)
    const bytes = lineOf({ talkKey, text: 'Secret.' })
    expect(Buffer.from(bytes).includes('Secret.')).toBe(false)
    const { conversation, texts } = conversationAt()
    expect(conversation.add(bytes, { ...RULES, talkKey })).toBe('new')
    expect(texts()).toEqual(['Secret.'])
    const { conversation: other } = conversationAt()
    expect(other.add(bytes, { ...RULES, talkKey: talkKeyOf(feedKey, feedKey as never) })).toBe(
      'refused',
    )
    expect(other.add(bytes, RULES)).toBe('false')
  })

  it('forgets after a day, and keeps the newest, of nobody more than a quarter', () => {
    const { conversation, texts, pass } = conversationAt()
    const seed = randomBytes(32)
    for (let i = 0; i < 60; i++) conversation.add(lineOf({ seed, at: NOW + i * 4_000 }), RULES)
    expect(texts()).toHaveLength(50)
    for (let i = 0; i < MAX_LINES; i++) conversation.add(lineOf({ text: `${i}` }), RULES)
    expect(texts()).toHaveLength(MAX_LINES)
    expect(texts()).not.toContain('Hello.')
    const [first] = conversation.lines()
    if (first !== undefined) conversation.hide(first.from)
    expect(texts()).toHaveLength(MAX_LINES - 1)
    pass(86_400_001)
    expect(texts()).toEqual([])
  })
})
