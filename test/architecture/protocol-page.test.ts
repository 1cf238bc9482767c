import { readFileSync } from 'node:fs'
import c, { type Encoder } from 'compact-encoding'
import { describe, expect, test } from 'vitest'
import { letterEncoding } from '../../src/engine/network/letter-message.ts'
import { talkEncoding } from '../../src/engine/network/talk-exchange.ts'
import { successionEncoding } from '../../src/engine/network/succession-exchange.ts'
import { feedKeyOf } from '../../src/format/keys/feed-key.ts'
import { maskSuccession } from '../../src/format/records/succession.ts'
import { introductionEncoding } from '../../src/peers/introductions.ts'
import { relayEncoding } from '../../src/peers/relay/handshake-forwarding.ts'
import {
  announcementRecords,
  announcementsIn,
  sharedTopics,
} from '../../src/peers/lan/announcement.ts'
import { ANSWER, roomEncoding } from '../../src/peers/web/room-message.ts'
import { wakeupEncoding } from '../../src/replication/idle/wakeup.ts'
import { pushEncoding } from '../../src/replication/push/push-message.ts'
import { rangeEncoding } from '../../src/replication/ranges/range-message.ts'

const ROOT = new URL('../../', import.meta.url)
const PAGE = read('docs/protocol.md')

const LIMITS = [...PAGE.matchAll(/^\|([^|]+)\|\s*([\d,]+) \| `([^`]+)` `([^`]+)`\s*\|$/gm)].map(
  ([, what = '', value = '', path = '', name = '']) => ({
    what: what.trim(),
    value: Number(value.replaceAll(',', '')),
    path,
    name,
  }),
)

const EXAMPLES = new Map(
  [...PAGE.matchAll(/^Example, `([^`]+)`:[^`]*```text\n([0-9a-f\n]+)```/gm)].map(
    ([, name = '', hex = '']) => [name, Buffer.from(hex.replaceAll('\n', ''), 'hex')],
  ),
)

test('the page has limits and examples', () => {
  expect(LIMITS.length).toBeGreaterThan(30)
  expect([...EXAMPLES.keys()].toSorted()).toEqual([
    'TXT',
    'hyperletter/letters/1 ask',
    'hyperletter/letters/1 have',
    'hyperletter/letters/1 letter',
    'hyperletter/letters/1 refused',
    'hyperletter/letters/1 statement',
    'hyperletter/letters/1 want',
    'hyperletter/peers/1',
    'hyperletter/peers/1 gone',
    'hyperletter/peers/1 relay',
    'hyperletter/push/1',
    'hyperletter/ranges/1 ask',
    'hyperletter/ranges/1 begin',
    'hyperletter/ranges/1 cancel',
    'hyperletter/ranges/1 give',
    'hyperletter/ranges/1 have',
    'hyperletter/ranges/1 head',
    'hyperletter/ranges/1 hear',
    'hyperletter/ranges/1 lack',
    'hyperletter/relay/1 answer',
    'hyperletter/relay/1 dial',
    'hyperletter/rooms/1 join',
    'hyperletter/rooms/1 leave',
    'hyperletter/rooms/1 named',
    'hyperletter/rooms/1 relay',
    'hyperletter/rooms/1 signal',
    'hyperletter/shelf/1',
    'hyperletter/succession/1',
    'hyperletter/talk/1 ask',
    'hyperletter/talk/1 have',
    'hyperletter/talk/1 line',
    'hyperletter/talk/1 want',
  ])
})

test.each(LIMITS)('$what: $value is $name in $path', ({ value, path, name }) => {
  expect(constant(path, name)).toBe(value)
})

const TOPIC = Buffer.alloc(32, 1)
const TAB = Buffer.alloc(32, 2)

const [TWO, THREE] = [Buffer.alloc(16, 2), Buffer.alloc(16, 3)]
const HI = Buffer.from('hi')

/** What the page says in words of its examples. */
const MESSAGES = [
  example('hyperletter/letters/1 have', letterEncoding, {
    kind: 'have',
    topic: TOPIC,
    ids: [TWO, THREE],
    favoured: 1,
  }),
  example('hyperletter/letters/1 want', letterEncoding, { kind: 'want', topic: TOPIC, ids: [TWO] }),
  example('hyperletter/letters/1 letter', letterEncoding, {
    kind: 'letter',
    topic: TOPIC,
    bytes: HI,
  }),
  example('hyperletter/letters/1 statement', letterEncoding, {
    kind: 'statement',
    topic: TOPIC,
    bytes: HI,
  }),
  example('hyperletter/letters/1 ask', letterEncoding, { kind: 'ask', topic: TOPIC }),
  example('hyperletter/letters/1 refused', letterEncoding, {
    kind: 'refused',
    topic: TOPIC,
    id: TWO,
    bits: 19,
  }),
  example('hyperletter/talk/1 have', talkEncoding, {
    kind: 'have',
    topic: TOPIC,
    ids: [TWO, THREE],
  }),
  example('hyperletter/talk/1 want', talkEncoding, { kind: 'want', topic: TOPIC, ids: [TWO] }),
  example('hyperletter/talk/1 line', talkEncoding, { kind: 'line', topic: TOPIC, bytes: HI }),
  example('hyperletter/talk/1 ask', talkEncoding, { kind: 'ask', topic: TOPIC }),
  example('hyperletter/peers/1', introductionEncoding, {
    topic: TOPIC,
    keys: [Buffer.alloc(32, 2)],
  }),
  example('hyperletter/peers/1 gone', introductionEncoding, {
    topic: TOPIC,
    keys: [],
    gone: [Buffer.alloc(32, 2)],
  }),
  example('hyperletter/peers/1 relay', introductionEncoding, {
    topic: TOPIC,
    keys: [],
    gone: [],
    relays: [{ key: Buffer.alloc(32, 3), bytesPerSecond: 7 }],
  }),
  example('hyperletter/relay/1 dial', relayEncoding, {
    kind: 'dial',
    id: 7,
    peer: Buffer.alloc(32, 2),
    noise: HI,
  }),
  example('hyperletter/relay/1 answer', relayEncoding, { kind: 'answer', id: 7, noise: HI }),
  example('hyperletter/push/1', pushEncoding, {
    topic: TOPIC,
    from: 7,
    signature: Buffer.alloc(4, 10),
    receivers: [0x0201],
    blocks: [Buffer.from('hi')],
  }),
  example('hyperletter/shelf/1', wakeupEncoding, [
    { token: Buffer.alloc(16, 3), length: 300, held: 12 },
  ]),
  example('hyperletter/ranges/1 ask', rangeEncoding, {
    kind: 'ask',
    topic: TOPIC,
    id: 7,
    runs: [{ start: 4, blocks: 3, anchor: 7 }],
  }),
  example('hyperletter/ranges/1 give', rangeEncoding, {
    kind: 'give',
    id: 7,
    beside: [
      { size: 10, hash: Buffer.alloc(32, 2) },
      { size: 2, hash: Buffer.alloc(32, 3) },
    ],
    blocks: ['a', '', 'hi'].map((it) => Buffer.from(it)),
  }),
  example('hyperletter/ranges/1 begin', rangeEncoding, { kind: 'begin', topic: TOPIC, id: 7 }),
  example('hyperletter/ranges/1 head', rangeEncoding, {
    kind: 'head',
    id: 7,
    publicKey: Buffer.alloc(32, 4),
    signature: Buffer.alloc(4, 10),
    start: 2,
    roots: [{ size: 9, hash: Buffer.alloc(32, 5) }],
    first: HI,
    beside: [{ size: 7, hash: Buffer.alloc(32, 6) }],
    blocks: ['a', 'yes'].map((it) => Buffer.from(it)),
  }),
  example('hyperletter/ranges/1 lack', rangeEncoding, { kind: 'lack', id: 8, why: 0 }),
  example('hyperletter/ranges/1 cancel', rangeEncoding, { kind: 'cancel', id: 9 }),
  example('hyperletter/rooms/1 join', roomEncoding, { kind: 'join', topic: TOPIC }),
  example('hyperletter/rooms/1 named', roomEncoding, {
    kind: 'named',
    topic: TOPIC,
    stunPort: 3_478,
    ids: [TAB],
  }),
  example('hyperletter/rooms/1 signal', roomEncoding, {
    kind: 'signal',
    id: TAB,
    what: ANSWER,
    sdp: Buffer.from('v=0'),
  }),
  example('hyperletter/rooms/1 relay', roomEncoding, {
    kind: 'relay',
    id: TAB,
    taken: 300,
    bytes: Buffer.from('hi'),
  }),
  example('hyperletter/rooms/1 leave', roomEncoding, { kind: 'leave', id: TAB }),
  example('hyperletter/ranges/1 hear', rangeEncoding, { kind: 'hear', topic: TOPIC, number: 2 }),
  example('hyperletter/ranges/1 have', rangeEncoding, {
    kind: 'have',
    number: 2,
    blocks: [300, 301, 307, 310],
  }),
]

describe.each(MESSAGES)('the example of $name', ({ name, encode, decode, message }) => {
  const bytes = EXAMPLES.get(name) ?? Buffer.alloc(0)

  test('is what the page says in words', () => {
    expect(Buffer.from(encode()).toString('hex')).toBe(bytes.toString('hex'))
    expect(decode(bytes)).toEqual(message)
  })
})

// Without a list of those that have gone, or of relays, what follows is that list.
const GROWING = new Set(['hyperletter/peers/1', 'hyperletter/peers/1 gone'])
const WHOLE = MESSAGES.filter(({ name }) => !GROWING.has(name))

test.each(WHOLE)(
  '$name may be followed by fields of a later version',
  ({ name, decode, message }) => {
    const bytes = EXAMPLES.get(name) ?? Buffer.alloc(0)

    expect(decode(Buffer.concat([bytes, Buffer.alloc(20, 9)]))).toEqual(message)
  },
)

test('the example of succession is the one of format.md, and so is what the DHT keeps', () => {
  const bytes = EXAMPLES.get('hyperletter/succession/1') ?? Buffer.alloc(0)
  const statement = c.decode(successionEncoding, bytes)
  const format = read('docs/format.md').replaceAll('\n', '')

  expect(Buffer.from(c.encode(successionEncoding, statement))).toEqual(bytes)
  expect(format).toContain(bytes.toString('hex'))
  expect(format).toContain(Buffer.from(maskSuccession(statement)).toString('hex'))
  expect(statement.from).not.toBe(feedKeyOf(TOPIC))
})

test('the example of local discovery leads back to the device', () => {
  const publicKey = Buffer.alloc(32, 2)
  const records = announcementRecords({
    name: 'a',
    address: '192.0.2.1',
    port: 49_737,
    tcpPort: 4_660,
    publicKey,
    salt: Buffer.alloc(16, 3),
    topics: [TOPIC],
  })
  const txt = records.additionals?.find((it) => it.type === 'TXT')
  const strings = (txt as unknown as { data: Buffer[] }).data

  expect(Buffer.concat(strings).toString('hex')).toBe(EXAMPLES.get('TXT')?.toString('hex'))
  const [announcement] = announcementsIn(records)
  if (announcement === undefined) throw new Error('It is no announcement.')
  expect([...sharedTopics(announcement, [TOPIC])]).toEqual([
    { topic: TOPIC, publicKey, tcpPort: 4_660 },
  ])
})

function example<T>(name: string, encoding: Encoder<T>, message: T) {
  return {
    name,
    message,
    encode: () => c.encode(encoding, message),
    decode: (bytes: Uint8Array) => c.decode(encoding, bytes),
  }
}

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

/** A number that is written out in a source file, or a field of an object of such. */
function constant(path: string, name: string): number {
  const [constantName = '', field] = name.split('.')
  const found = new RegExp(`const ${constantName} = (.+)`).exec(read(path))?.[1] ?? ''
  const text = field === undefined ? found : new RegExp(`${field}: ([^,}]+)`).exec(found)?.[1]
  return (text ?? '')
    .replaceAll('_', '')
    .split(' * ')
    .map((factor) => {
      const [base, exponent = '1'] = factor.split(' ** ')
      return Number(base) ** Number(exponent)
    })
    .reduce((product, factor) => product * factor, 1)
}
