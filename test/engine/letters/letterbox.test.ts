import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { encodeZ32 } from '../../../src/format/keys/feed-key.ts'
import { encodeEnvelope } from '../../../src/format/letters/envelope.ts'
import { senderOf } from '../../../src/format/letters/letter.ts'
import { encodeStatement, muteOf } from '../../../src/format/letters/statement.ts'
import {
  BOX_BYTES,
  BOX_LETTERS,
  Letterbox,
  SENDERS_OF_CODE,
} from '../../../src/engine/letters/letterbox.ts'
import { keyPairOf, nativeCrypto } from '../../../src/log/keys.ts'
import { signWith } from '../../../src/log/sealing.ts'
import { feedKey, letterOf, signing } from '../../helpers/letters.ts'

const nobody = () => false
const open = { isWanted: true, workBits: 4, isAdmissionKey: nobody, isKnown: nobody }
const box = (now?: () => number) => new Letterbox(feedKey, nativeCrypto, now)
const DAY = 86_400_000

describe('a letterbox', () => {
  it('takes what is stamped, once, and nothing where the author wants none', () => {
    const all = box()
    const { bytes } = letterOf({ bits: 4 }).envelope
    expect(all.add(bytes, { ...open, isWanted: false })).toBe('refused')
    expect(all.add(bytes, open)).toBe('kept')
    expect(all.add(bytes, open)).toBe('known')
    expect(all.add(letterOf({}).envelope.bytes, open)).toBe('refused')
    expect(all.add(letterOf({ bits: 4, at: Date.now() - 15 * DAY }).envelope.bytes, open)).toBe(
      'refused',
    )
    expect(all.add(letterOf({ bits: 4, at: Date.now() + DAY }).envelope.bytes, open)).toBe(
      'refused',
    )
    expect(all.add(new Uint8Array(300), open)).toBe('false')
    const wrong = letterOf({ bits: 4 }).envelope.bytes
    wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1
    expect(all.add(wrong, open)).toBe('false')
    expect(all.size).toBe(1)
  })

  it('takes a letter that somebody brought with a spoilt stamp or content before', () => {
    const all = box()
    const { head, carried, bytes } = letterOf({ bits: 4 }).envelope
    expect(all.add(encodeEnvelope(head.bytes, carried, { kind: 'none' }), open)).toBe('refused')
    const spoilt = bytes.map((it, i) => (i === bytes.length - 1 ? it ^ 1 : it))
    expect(all.add(spoilt, open)).toBe('false')
    expect(all.add(bytes, open)).toBe('kept')
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
      for (let i = 0; i < count; i++) all.add(letterOf({ bits: 1, text }).envelope.bytes, rules)
    }
    flood(BOX_LETTERS)
    expect(all.size).toBe(BOX_LETTERS)
    expect(all.add(known.bytes, rules)).toBe('kept')
    const admitted = Array.from({ length: SENDERS_OF_CODE + 1 }, () => letterOf({ code }).envelope)
    expect(admitted.map((it) => all.add(it.bytes, rules))).toEqual([
      ...admitted.slice(1).map(() => 'kept'),
      'refused',
    ])
    flood(100)
    expect(all.size).toBe(BOX_LETTERS)
    expect(ids().slice(0, 2)).toEqual([known.id, admitted[0]?.id])
    // More work than that of the flood is worth a place.
    expect(all.add(letterOf({ bits: 12 }).envelope.bytes, rules)).toBe('kept')
    for (let i = 0; i < 12; i++) all.add(letterOf({ seed, text: `${i}` }).envelope.bytes, rules)
    expect(all.all().filter((it) => senderOf(it.head) === senderOf(known.head))).toHaveLength(10)
    flood(200, 'Buy now. '.repeat(900))
    expect(all.bytes).toBeLessThanOrEqual(BOX_BYTES)
    expect(ids()).toEqual(expect.arrayContaining(admitted.slice(0, -1).map((it) => it.id)))
    // Other boxes are full.
    const late = letterOf({ seed, bits: 1 }).envelope.bytes
    expect(box().add(late, rules, late.byteLength - 1)).toBe('full')
    expect(box().add(late, { ...rules, isKnown: nobody, workBits: Infinity })).toBe('refused')
  })

  it('drops what has reached the author, for good, and what is old', () => {
    let now = Date.now()
    const all = box(() => now)
    const [one, two] = [letterOf({ bits: 4 }).envelope, letterOf({ bits: 4 }).envelope]
    all.add(one.bytes, open)
    all.add(two.bytes, open)
    const said = { kind: 'receipt', at: now, names: [one.id] } as const
    const receipt = encodeStatement(feedKey, said, signWith(signing))
    const changed = receipt.map((it, i) => (i === 70 ? it ^ 1 : it))
    expect(all.settle(changed, signing.publicKey)).toBe('false')
    expect(all.settle(receipt, signing.publicKey)).toEqual(said)
    expect(all.settle(receipt, signing.publicKey)).toBe('known')
    expect(all.all().map((it) => it.id)).toEqual([two.id])
    expect(all.add(one.bytes, open)).toBe('known')
    expect(all.statements()).toEqual([receipt])
    now += 15 * DAY
    expect(all.all()).toEqual([])
    expect(all.bytes).toBe(0)
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
    expect(all.add(first.bytes, open)).toBe('kept')
    expect(all.settle(mutes(now + DAY, [sender]), signing.publicKey)).toBe('known')
    const muting = mutes(now, [sender])
    expect(all.settle(muting, signing.publicKey)).toMatchObject({ kind: 'mutes' })
    expect(all.settle(mutes(now - 1, []), signing.publicKey)).toBe('known')
    expect([all.size, all.statements()]).toEqual([0, [muting]])
    const known = { ...open, isKnown: (it: string) => it === sender }
    expect(all.add(letter('Two.').bytes, known)).toBe('refused')
    now += 31 * DAY
    expect(all.add(letter('Three.').bytes, open)).toBe('kept')
    expect(all.statements()).toEqual([])
    all.settle(mutes(now, [sender]), signing.publicKey)
    all.settle(mutes(now + 1, []), signing.publicKey)
    expect(all.add(letter('Four.').bytes, open)).toBe('kept')
  })
})
