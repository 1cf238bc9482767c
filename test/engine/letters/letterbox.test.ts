import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { encodeZ32 } from '../../../src/format/keys/feed-key.ts'
import type { Envelope } from '../../../src/format/letters/envelope.ts'
import { senderOf } from '../../../src/format/letters/letter.ts'
import { encodeStatement, muteOf } from '../../../src/format/letters/statement.ts'
import {
  BOX_BYTES,
  BOX_LETTERS,
  Letterbox,
  SENDERS_OF_CODE,
} from '../../../src/engine/letters/letterbox.ts'
import { hex } from '../../../src/hex.ts'
import { keyPairOf, nativeCrypto } from '../../../src/log/keys.ts'
import { signWith } from '../../../src/log/sealing.ts'
import { feedKey, letterOf, signing } from '../../helpers/letters.ts'

const nobody = () => false
const open = { isWanted: true, workBits: 4, isAdmissionKey: nobody, isKnown: nobody }
const box = (now?: () => number) => new Letterbox(feedKey, nativeCrypto, now)
const DAY = 86_400_000
const spoilt = (it: Envelope) => ({ ...it, carried: it.carried.map((byte) => byte ^ 1) })

describe('a letterbox', () => {
  it('takes what is stamped, once, and nothing where the author wants none', () => {
    const all = box()
    const { envelope } = letterOf({ bits: 4 })
    expect(all.add(envelope, { ...open, isWanted: false })).toBe('refused')
    expect(all.add(envelope, open)).toBe('kept')
    expect(all.add(envelope, open)).toBe('known')
    expect(all.add(letterOf({}).envelope, open)).toBe('refused')
    for (const at of [Date.now() - 15 * DAY, Date.now() + DAY]) {
      expect(all.add(letterOf({ bits: 4, at }).envelope, open)).toBe('refused')
    }
    expect(all.add(spoilt(letterOf({ bits: 4 }).envelope), open)).toBe('false')
    expect(all.size).toBe(1)
  })

  it('takes a letter that somebody brought with a spoilt stamp or content before', () => {
    const all = box()
    const { envelope } = letterOf({ bits: 4 })
    expect(all.add({ ...envelope, stamp: { kind: 'none' } }, open)).toBe('refused')
    expect(all.add(spoilt(envelope), open)).toBe('false')
    expect(all.add(envelope, open)).toBe('kept')
  })

  it('keeps its bounds under a flood, and the letters of published and admitted senders', () => {
    const all = box()
    const [seed, code] = [randomBytes(32), randomBytes(32)]
    const known = letterOf({ seed }).envelope
    const rules = {
      ...open,
      workBits: 1,
      isKnown: (it: string) => it === senderOf(known.head),
      isAdmissionKey: (it: string) => it === encodeZ32(keyPairOf(code).publicKey),
    }
    const ids = () => all.all().map((it) => it.id)
    const flood = (count: number, text = 'Buy.') => {
      for (let i = 0; i < count; i++) all.add(letterOf({ bits: 1, text }).envelope, rules)
    }
    flood(BOX_LETTERS)
    expect(all.size).toBe(BOX_LETTERS)
    expect(all.add(known, rules)).toBe('kept')
    const admitted = Array.from({ length: SENDERS_OF_CODE + 1 }, () => letterOf({ code }).envelope)
    expect(admitted.map((it) => all.add(it, rules))).toEqual([
      ...admitted.slice(1).map(() => 'kept'),
      'refused',
    ])
    flood(100)
    expect(all.size).toBe(BOX_LETTERS)
    expect(ids().slice(0, 2)).toEqual([known.id, admitted[0]?.id])
    // More work than that of the flood is worth a place.
    expect(all.add(letterOf({ bits: 12 }).envelope, rules)).toBe('kept')
    for (let i = 0; i < 12; i++) all.add(letterOf({ seed, text: `${i}` }).envelope, rules)
    expect(all.all().filter((it) => senderOf(it.head) === senderOf(known.head))).toHaveLength(10)
    flood(200, 'Buy now. '.repeat(900))
    expect(all.bytes).toBeLessThanOrEqual(BOX_BYTES)
    expect(ids()).toEqual(expect.arrayContaining(admitted.slice(0, -1).map((it) => it.id)))
    // Other boxes are full.
    const late = letterOf({ seed, bits: 1 }).envelope
    expect(box().add(late, rules, late.bytes.byteLength - 1)).toBe('full')
    expect(box().add(late, { ...rules, isKnown: nobody, workBits: Infinity })).toBe('refused')
  })

  it('drops what has reached the author, for good, and what is old', () => {
    let now = Date.now()
    const all = box(() => now)
    const [one, two] = [letterOf({ bits: 4 }).envelope, letterOf({ bits: 4 }).envelope]
    all.add(one, open)
    all.add(two, open)
    const said = { kind: 'receipt', at: now, names: [one.id] } as const
    const receipt = encodeStatement(feedKey, said, signWith(signing))
    const changed = receipt.map((it, i) => (i === 70 ? it ^ 1 : it))
    expect(all.settle(changed, signing.publicKey)).toBe('false')
    expect(all.settle(receipt, signing.publicKey)).toEqual(said)
    expect(all.settle(receipt, signing.publicKey)).toBe('known')
    expect(all.all().map((it) => it.id)).toEqual([two.id])
    expect(all.add(one, open)).toBe('known')
    expect(all.statements()).toEqual([receipt])
    now += 15 * DAY
    expect(all.all()).toEqual([])
    expect(all.bytes).toBe(0)
  })

  it('passes the newest receipts on, each once, however many letters they are of', () => {
    let now = Date.now()
    const all = box(() => now)
    const receipts = Array.from({ length: 100 }, (_, i) => {
      const names = Array.from({ length: 256 }, () => randomBytes(16).toString('hex'))
      return encodeStatement(
        feedKey,
        { kind: 'receipt', at: now - 100 + i, names },
        signWith(signing),
      )
    })
    const say = () => receipts.filter((it) => typeof all.settle(it, signing.publicKey) !== 'string')
    expect(say()).toHaveLength(100)
    // The ids of most are forgotten by now.
    expect(say()).toHaveLength(0)
    expect(all.statements().map(hex)).toEqual(receipts.slice(-64).toReversed().map(hex))
    const early = {
      kind: 'receipt',
      at: now + DAY,
      names: [randomBytes(16).toString('hex')],
    } as const
    expect(all.settle(encodeStatement(feedKey, early, signWith(signing)), signing.publicKey)).toBe(
      'known',
    )
    now += 15 * DAY
    expect(all.statements()).toEqual([])
  })

  it('gives an author 128 letters of one who was admitted, so that others have room', () => {
    const all = box()
    const seed = randomBytes(32)
    const rules = { ...open, isKnown: () => true, waitingOf: () => 126 }
    const verdicts = ['a', 'b', 'c'].map((text) =>
      all.add(letterOf({ seed, text }).envelope, rules),
    )
    expect(verdicts).toEqual(['kept', 'kept', 'many'])
  })

  it('takes nothing of senders whom the author muted, by the newest word, for 30 days', () => {
    let now = Date.now()
    const all = box(() => now)
    const seed = randomBytes(32)
    const letter = (text: string) => letterOf({ seed, bits: 4, at: now, text }).envelope
    const first = letter('One.')
    const sender = senderOf(first.head)
    const mutes = (at: number, senders: string[]) => {
      const names = senders.map((it) => muteOf(feedKey, it, nativeCrypto))
      return encodeStatement(feedKey, { kind: 'mutes', at, names }, signWith(signing))
    }
    expect(all.add(first, open)).toBe('kept')
    expect(all.settle(mutes(now + DAY, [sender]), signing.publicKey)).toBe('known')
    const muting = mutes(now, [sender])
    expect(all.settle(muting, signing.publicKey)).toMatchObject({ kind: 'mutes' })
    expect(all.settle(mutes(now - 1, []), signing.publicKey)).toBe('known')
    expect([all.size, all.statements()]).toEqual([0, [muting]])
    const known = { ...open, isKnown: (it: string) => it === sender }
    expect(all.add(letter('Two.'), known)).toBe('refused')
    now += 31 * DAY
    expect(all.add(letter('Three.'), open)).toBe('kept')
    expect(all.statements()).toEqual([])
    all.settle(mutes(now, [sender]), signing.publicKey)
    all.settle(mutes(now + 1, []), signing.publicKey)
    expect(all.add(letter('Four.'), open)).toBe('kept')
  })
})
