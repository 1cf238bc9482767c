import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encryptionKeyOf,
  feedKeyOf,
  keyBytes,
  parseEncryptionKey,
  parseFeedKey,
} from '../../../src/format/keys/feed-key.ts'

const KEY = 'o9h5eeuzjrmp43ec3t99ayibxnobmp9sircjrogexh7p5uoc5t4y'
const HEX = '87f9b422774916dd650ccc7ffc02a178a015b7f6a9189240c87f3addce0cdc74'
const refused = expect.objectContaining({ code: 'INVALID_LINK' }) as Error

describe('a feed key', () => {
  it('is accepted in z-base-32 and in hex, and is one key', () => {
    expect(parseFeedKey(KEY)).toBe(KEY)
    expect(parseFeedKey(HEX)).toBe(KEY)
  })

  it('survives being printed and parsed, whatever its bytes', () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(bytes, (key) => {
        const hex = Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('')
        expect(Array.from(keyBytes(parseFeedKey(feedKeyOf(key))))).toEqual(Array.from(key))
        expect(parseFeedKey(hex)).toBe(feedKeyOf(key))
        expect(parseEncryptionKey(encryptionKeyOf(key))).toBe(encryptionKeyOf(key))
      }),
    )
  })

  it('has one spelling: no other last character stands for the same bytes', () => {
    const accepted = Array.from('ybndrfg8ejkmcpqxot1uwisza345h769').filter((last) => {
      try {
        return parseFeedKey(KEY.slice(0, -1) + last) !== ''
      } catch {
        return false
      }
    })
    expect(accepted).toEqual(['y', 'o'])
  })

  it.each([
    ['empty', ''],
    ['a character short', KEY.slice(1)],
    ['a character long', `${KEY}y`],
    ['hex, a character short', HEX.slice(1)],
    ['in capitals', KEY.toUpperCase()],
    ['of mixed case', KEY.replace('h', 'H')],
    ['hex in capitals', HEX.toUpperCase()],
    ['with a letter that is not used', KEY.replace('h', 'l')],
    ['with white space', ` ${KEY}`],
    ['with a line feed behind it', `${KEY}\n`],
    ['with a look-alike from another alphabet', KEY.replace('o', 'о')],
    ['a title', 'Tide Tables'],
  ])('is refused when it is %s', (_, text) => {
    expect(() => parseFeedKey(text)).toThrow(refused)
    expect(() => parseEncryptionKey(text)).toThrow(refused)
  })

  it('never fails in another way, and never takes an unknown text for a key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
        expect(() => parseFeedKey(text)).toThrow(refused)
      }),
    )
  })
})
