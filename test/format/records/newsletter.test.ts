import { describe, expect, it } from 'vitest'
import { decodeRecord } from '../../../src/format/records/record.ts'
import { blockOf, newsletterRecord, RECOVERY_KEY } from './samples.ts'

const decode = (change: object, index = 0) =>
  decodeRecord(blockOf({ hyperletter: 1, ...newsletterRecord(), ...change }), index)
const refused = expect.objectContaining({ code: 'INVALID_RECORD' }) as Error

describe('a newsletter record', () => {
  it('needs a title, a date and a recovery key, and nothing else', () => {
    expect(decode({})).toEqual(newsletterRecord())
    for (const field of ['title', 'createdAt', 'recoveryKey']) {
      expect(() => decode({ [field]: undefined })).toThrow(refused)
    }
  })

  it('opens the log without pointers', () => {
    expect(() => decode({ previous: [0] })).toThrow(refused)
    expect(() => decode({ profile: 0 })).toThrow(refused)
  })

  it('cannot cut off what was published before it', () => {
    expect(() => decode({}, 5)).toThrow(refused)
  })

  it('comes again to edit the profile, with pointers', () => {
    expect(decode({ previous: [2, 0], profile: 0 }, 3)).toMatchObject({ previous: [2, 0] })
  })

  it('may name mirrors; what is no list of https folders counts as none, and harms nobody', () => {
    const mirrors = ['https://tides.example/log/', 'https://[2001:db8::1]:8443/a%20b/']
    expect(decode({ mirrors })).toMatchObject({ mirrors })
    const folder = 'https://tides.example/'
    for (const wrong of [
      'https://tides.example/',
      null,
      7,
      {},
      [7],
      Array(9).fill(folder),
      ...[
        'http://tides.example/',
        'https://tides.example',
        'https://tides.example/log',
        'https:///',
        'ftp://a/',
      ].map((it) => [folder, it]),
      ...[
        'https://me:word@tides.example/',
        'https://tides.example/?a=/',
        'https://tides.example/#/',
        `${folder}${'a'.repeat(2_048)}/`,
        'https://a b/',
        'https://a/\u0000/',
      ].map((it) => [it]),
    ]) {
      expect(decode({ mirrors: wrong })).toEqual({ ...newsletterRecord(), mirrors: undefined })
    }
  })

  it('may name ways of support; what is no list of addresses counts as none, and harms nobody', () => {
    const support = [
      { uri: 'bitcoin:?lno=lno1abc', label: 'Tea' },
      { uri: 'x-new:1', more: 1 },
    ]
    expect(decode({ support })).toMatchObject({ support })
    const one = { uri: 'https://tides.example/' }
    for (const wrong of [
      null,
      7,
      {},
      [7],
      [null],
      one,
      Array.from({ length: 17 }, () => one),
      [one, {}],
      ...['', 'tides', ':a', '1a:b', 'a:', 'a:b c', 'a:\u0000', `a:${'b'.repeat(2_048)}`].map(
        (uri) => [{ uri }],
      ),
      ...['', ' ', 'a\nb', 'a'.repeat(65), 7].map((label) => [{ ...one, label }]),
    ]) {
      expect(decode({ support: wrong })).toEqual({ ...newsletterRecord(), support: undefined })
    }
  })

  it('has a recovery key in one spelling only', () => {
    expect(() => decode({ recoveryKey: RECOVERY_KEY.toUpperCase() })).toThrow(refused)
    expect(() => decode({ recoveryKey: `${RECOVERY_KEY.slice(0, -1)}b` })).toThrow(refused)
  })
})
