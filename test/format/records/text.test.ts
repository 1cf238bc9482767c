import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  languageTag,
  line,
  name,
  paragraph,
  timestamp,
  webUrl,
} from '../../../src/format/records/text.ts'

const accepts = (schema: { safeParse(text: string): { success: boolean } }, text: string) =>
  schema.safeParse(text).success

describe('text', () => {
  it.each(['é', '潮汐', '🌊👩🏽‍🔬', 'المدّ', 'a\u200eb', ' '])('a line can be %j', (text) => {
    expect(accepts(line(20), text)).toBe(true)
  })

  it('a line has no control character, whichever', () => {
    for (let code = 0; code < 0xa0; code++) {
      const isControl = code < 0x20 || code >= 0x7f
      expect(accepts(line(9), `a${String.fromCharCode(code)}b`)).toBe(!isControl)
    }
  })

  it('a line is one line for Unicode too', () => {
    expect(accepts(line(9), 'a\u2028b')).toBe(false)
    expect(accepts(line(9), 'a\u2029b')).toBe(false)
  })

  it('a line is as long as it has code points, not UTF-16 units', () => {
    expect(accepts(line(2), '🌊🌊')).toBe(true)
    expect(accepts(line(2), '🌊🌊🌊')).toBe(false)
  })

  it('a lone surrogate is not text', () => {
    expect(accepts(line(9), '\ud83c')).toBe(false)
    expect(accepts(paragraph(9), '\udf0a')).toBe(false)
  })

  it('a name has something to see in it', () => {
    expect(accepts(name(9), ' a ')).toBe(true)
    for (const blank of ['', ' ', '\u00a0', '\u3000 ']) expect(accepts(name(9), blank)).toBe(false)
  })

  it('a paragraph may have tabs and line feeds, and no other control character', () => {
    expect(accepts(paragraph(9), 'a\tb\nc')).toBe(true)
    for (const text of ['a\rb', 'a\u001bb', 'a\u0000', 'a\u0085b']) {
      expect(accepts(paragraph(9), text)).toBe(false)
    }
  })

  it('a timestamp is what Date prints', () => {
    const dates = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
    fc.assert(fc.property(dates, (date) => accepts(timestamp, date.toISOString())))
  })

  it.each([
    '2026-03-01',
    '2026-03-01T09:30Z',
    '2026-03-01T09:30:00',
    '2026-03-01T09:30:00+01:00',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01t09:30:00z',
    '2026-03-01T09:30:00.1234567890Z',
    'yesterday',
  ])('a timestamp is not %j', (text) => {
    expect(accepts(timestamp, text)).toBe(false)
  })

  it.each(['en', 'pt-BR', 'zh-Hant-TW', 'de-CH-1996'])('a language tag can be %j', (tag) => {
    expect(accepts(languageTag, tag)).toBe(true)
  })

  it.each(['', 'e', 'en_GB', 'en-', '-en', 'english words', 'de-abcdefghi'])(
    'a language tag is not %j',
    (tag) => {
      expect(accepts(languageTag, tag)).toBe(false)
    },
  )

  it.each(['https://tides.example', 'http://[::1]:8080/a?b#c', 'HTTPS://Tides.Example/ü'])(
    'a web address can be %j',
    (url) => {
      expect(accepts(webUrl, url)).toBe(true)
    },
  )

  it.each([
    'javascript:alert(1)',
    'java\tscript:alert(1)',
    'JavaScript:alert(1)//https://',
    'data:text/html,x',
    'file:///etc/passwd',
    'mailto:a@b.example',
    '//tides.example',
    'http:tides.example',
    'https:///x',
    'https://a b/',
    ' https://tides.example',
    'https://',
  ])('a web address is not %j', (url) => {
    expect(accepts(webUrl, url)).toBe(false)
  })
})
