import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NOTHING_TO_SEE, singleLine, stripControls } from '../../src/render/plain.ts'

describe('stripControls', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b]8;;http://evil\u001b\\link', 'link'],
    ['\u009b2Jgone', 'gone'],
    ['a\u0000b\u0007c\u007fd\u0085e', 'abcde'],
    ['a\r\nb\tc', 'a\nb\tc'],
    ['\u202efdp.exe\u202c \u2066x\u2069', 'fdp.exe x'],
    ['pay\u200bpal\u2060\ufeff', 'paypal'],
    ['a\u2028b\u2029c', 'abc'],
    ['tag\u{e0041}\u{e007f}', 'tag'],
  ])('cleans %j', (input, output) => {
    expect(stripControls(input)).toBe(output)
  })

  it.each(['👨‍👩‍👧', 'क्‍ष', 'می‌خواهم', 'שלום', 'e\u0301'])('keeps %s', (text) => {
    expect(stripControls(text)).toBe(text)
  })

  it('leaves no control character in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // eslint-disable-next-line no-control-regex
        expect(stripControls(text)).not.toMatch(
          /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/,
        )
      }),
    )
  })
})

describe('singleLine', () => {
  it('turns line breaks and tabs into single spaces', () => {
    expect(singleLine(' a\r\nb\t\tc\u2028d\n')).toBe('a b c d')
  })

  it.each([
    '\u200b',
    '\u3164',
    '\u2800',
    '\u00ad',
    '\u200d',
    '\ufe0f',
    '\u115f\u1160',
    '\uffa0',
    '\u034f',
    '\u17b4',
    '\u180e',
    '\u2062',
    '\u{e0061}',
    '\u{1d159}',
    '\u{16fe4}',
    '\ufffc',
    '\u200b \u3164',
    '\u3000\u2800',
    '\u202e',
    '\u001b[31m',
  ])('says that there is nothing to see in %j', (text) => {
    expect(singleLine(text)).toBe(NOTHING_TO_SEE)
  })

  it.each(['', ' ', '\t\n', '\u3000'])('leaves the blank %j blank', (text) => {
    expect(singleLine(text)).toBe('')
  })

  it.each(['-', '.', 'a\u00ad', '⠁', '👩‍🌾', 'ㅤㄱ'])('keeps %j', (text) => {
    expect(singleLine(text)).toBe(text)
  })
})
