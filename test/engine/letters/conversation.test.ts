import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Conversation, MAX_LINES } from '../../../src/engine/letters/conversation.ts'
import type { EncryptionKey } from '../../../src/format/keys/feed-key.ts'
import { workOf, type Envelope } from '../../../src/format/letters/envelope.ts'
import { LETTER_HEAD_BYTES } from '../../../src/format/records/letters.ts'
import { MAX_LINE, talkKeyOf } from '../../../src/format/letters/line.ts'
import { nativeCrypto } from '../../../src/log/keys.ts'
import { feedKey, letterOf } from '../../helpers/letters.ts'
import { LINE_BITS, lineOf } from '../../helpers/lines.ts'

const NOW = Date.UTC(2026, 10, 30, 12)
const worthOf = (it: Envelope) => Math.max(0, workOf(it, nativeCrypto) - LINE_BITS + 1)
const RULES = { worthOf, talkKey: undefined }

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
    const bytes = lineOf({ at: NOW })
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
    for (const it of refused)
      expect(conversation.add(lineOf({ at: NOW, ...it }), RULES)).toBe('refused')
    expect(conversation.add(lineOf({ at: NOW, bits: 0 }), { ...RULES, worthOf: () => 1 })).toBe(
      'new',
    )
    const seed = randomBytes(32)
    const verdicts = Array.from({ length: 6 }, (_, i) =>
      conversation.add(lineOf({ seed, at: NOW + i, text: `${i}` }), RULES),
    )
    expect(verdicts).toEqual(['new', 'new', 'new', 'new', 'new', 'refused'])
    expect(conversation.add(lineOf({ seed, at: NOW + 20_000 }), RULES)).toBe('new')
    expect(texts()).toHaveLength(7)
  })

  it('takes a line that somebody brought with a spoilt stamp before', () => {
    const { conversation } = conversationAt()
    const bytes = lineOf({ at: NOW })
    expect(conversation.add(bytes, { ...RULES, worthOf: () => 0 })).toBe('refused')
    expect(conversation.add(bytes, RULES)).toBe('new')
  })

  it('takes no line that was changed, is for another newsletter, or is sealed', () => {
    const { conversation } = conversationAt()
    const bytes = lineOf({ at: NOW })
    const last = bytes.length - 1
    expect(conversation.add(bytes.with(last, (bytes[last] ?? 0) ^ 1), RULES)).toBe('false')
    expect(
      conversation.add(bytes.with(100, (bytes[100] ?? 0) ^ 1), { ...RULES, worthOf: () => 1 }),
    ).toBe('false')
    expect(conversation.add(letterOf({ bits: LINE_BITS }).envelope.bytes, RULES)).toBe('false')
    expect(conversation.add(bytes.subarray(0, 100), RULES)).toBe('false')
    // What a later version says is passed over.
    const { length } = 'hyperletter/1/letter'
    for (const at of [length, LETTER_HEAD_BYTES]) {
      expect(conversation.add(bytes.with(at, 9), RULES)).toBe('refused')
    }
    expect(conversation.ids()).toEqual([])
  })

  it('says nothing to those without the key of a private newsletter', () => {
    const key = 'y'.repeat(52) as EncryptionKey
    const talkKey = talkKeyOf(feedKey, key)
    const bytes = lineOf({ at: NOW, talkKey, text: 'Secret.' })
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
    for (let i = 0; i < MAX_LINES; i++) conversation.add(lineOf({ text: `${i}`, at: NOW }), RULES)
    expect(texts()).toHaveLength(MAX_LINES)
    expect(texts()).not.toContain('Hello.')
    const [first] = conversation.lines()
    if (first !== undefined) conversation.hide(first.from)
    expect(texts()).toHaveLength(MAX_LINES - 1)
    pass(86_400_001)
    expect(texts()).toEqual([])
  })
})
