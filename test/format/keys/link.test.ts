import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../../src/errors.ts'
import { encryptionKeyOf, feedKeyOf } from '../../../src/format/keys/feed-key.ts'
import { formatLink, parseLink } from '../../../src/format/keys/link.ts'

const KEY = 'o9h5eeuzjrmp43ec3t99ayibxnobmp9sircjrogexh7p5uoc5t4y'
const HEX = '87f9b422774916dd650ccc7ffc02a178a015b7f6a9189240c87f3addce0cdc74'
const SECRET = 'kbtdcyj5ygo4tszuz1j4n4yyyjpffn7amifz54k18hycrpseqduo'

/** The refusal of a text, or undefined if it was accepted. */
function refusal(text: string): HyperletterError | undefined {
  try {
    parseLink(text)
    return undefined
  } catch (error) {
    if (error instanceof HyperletterError) return error
    throw error
  }
}

describe('a link', () => {
  it.each([
    `hyperletter://${KEY}`,
    `hyperletter://${KEY}/`,
    `HYPERLETTER://${KEY}`,
    `hyperletter://${HEX}`,
    ` hyperletter://${KEY}\n`,
    KEY,
    HEX,
    // As programs hand them on.
    `<hyperletter://${KEY}>`,
    `hyperletter://${KEY}.`,
    `(hyperletter://${KEY}),`,
    `“hyperletter://${KEY}”`,
    `'${KEY}'!`,
    `hyperletter:${KEY}`,
    `hyperletter://${KEY}`.toUpperCase(),
    `Hyperletter://${KEY.replace('h', 'H')}`,
    `hyperletter://${HEX.toUpperCase()}`,
    `hyperletter://${KEY.slice(0, 20)}\r\n  ${KEY.slice(20)}`,
    `hyperletter://${KEY.slice(0, 20)}\u200b\u00ad${KEY.slice(20)}\u00a0`,
    `hyperletter%3A%2F%2F${KEY}`,
    `hyperletter://${KEY}?utm_source=mail&a=b`,
  ])('of a public newsletter can be written %j', (text) => {
    expect(parseLink(text)).toEqual({ feedKey: KEY })
  })

  it.each([
    `hyperletter://${KEY}#${SECRET}`,
    `hyperletter://${KEY}/#${SECRET}`,
    `${HEX}#${SECRET}`,
    `hyperletter://${KEY}%23${SECRET}`,
    `<hyperletter://${KEY}?utm_source=mail#${SECRET}>.`,
    `hyperletter://${KEY}#${SECRET}?utm_source=mail`,
    `hyperletter://${KEY}#${SECRET}&utm_source=mail`,
    `hyperletter://${KEY}#\n${SECRET}`.toUpperCase(),
  ])('of a private newsletter can be written %j', (text) => {
    expect(parseLink(text)).toEqual({ feedKey: KEY, encryptionKey: SECRET })
  })

  it('of an issue is one of its newsletter', () => {
    const issue = { feedKey: KEY, number: 3 }
    expect(parseLink(`hyperletter://${KEY}/3`)).toEqual(issue)
    expect(parseLink(`hyperletter://${KEY}/3?utm_source=mail`)).toEqual(issue)
    expect(parseLink(`hyperletter://${KEY}/3#issue-high-water`)).toEqual(issue)
    expect(parseLink(`hyperletter://${KEY}/3#${SECRET}`)).toEqual({
      ...issue,
      encryptionKey: SECRET,
    })
    for (const path of ['0', '-1', '03', '1.5', '1/2', '9'.repeat(16), 'x'])
      expect(refusal(`hyperletter://${KEY}/${path}`)?.code).toBe('INVALID_LINK')
  })

  it('survives being printed and parsed', () => {
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
    fc.assert(
      fc.property(bytes, fc.option(bytes), (key, secret) => {
        const feedKey = feedKeyOf(key)
        const link =
          secret === null ? { feedKey } : { feedKey, encryptionKey: encryptionKeyOf(secret) }
        expect(parseLink(formatLink(link))).toEqual(link)
      }),
    )
  })

  const wrong = {
    empty: '',
    'a scheme and nothing else': 'hyperletter://',
    short: `hyperletter://${KEY.slice(1)}`,
    'with an unused letter': `hyperletter://${KEY.replace('h', 'v')}`,
    'with a wrong last character': `hyperletter://${KEY.slice(0, -1)}b`,
    'of the web': `https://tides.example/${KEY}`,
    'of dat': `dat://${HEX}`,
    'of hyper': `hyper://${KEY}`,
    'a script': 'javascript:alert(1)',
    'with a letter of another alphabet': `hyperletter://${KEY.replace('o', 'о')}`,
    'with text before it': `Read hyperletter://${KEY}`,
    'with an empty encryption key': `hyperletter://${KEY}#`,
    'with a short encryption key': `hyperletter://${KEY}#${SECRET.slice(1)}`,
    'with two encryption keys': `hyperletter://${KEY}#${SECRET}#${SECRET}`,
  }

  it.each(Object.entries(wrong))('is refused when it is %s', (_, text) => {
    expect(refusal(text)?.code).toBe('INVALID_LINK')
  })

  it('names the character that is mistyped, where it can be told', () => {
    const key = 'o8dtnjmjr7e7rorway4h14fizji9nexupj4n9zzmbbiemhbjtk9o'
    expect(refusal(`hyperletter://${key.slice(0, 21)}l${key.slice(22)}`)?.message).toContain(
      'its 22nd character is “l”; keys have no l, v, 0 and 2',
    )
    expect(refusal(`hyperletter://${key.slice(0, 10)}0${key.slice(11)}`)?.message).toContain(
      'its 11th character is “0”',
    )
    expect(refusal(`hyperletter://${key.slice(0, 51)}b`)?.message).toContain('last character')
  })

  it('says what is wrong with it, for each kind of mistake something else', () => {
    const { short, empty } = wrong
    const kinds = [
      empty,
      short,
      wrong['with a letter of another alphabet'],
      wrong['with an unused letter'],
      wrong['with a wrong last character'],
      wrong['of the web'],
      wrong['of dat'],
      wrong['of hyper'],
      wrong['with an empty encryption key'],
      wrong['with a short encryption key'],
    ].map((text) => refusal(text)?.message)
    expect(kinds).not.toContain(undefined)
    expect(new Set(kinds).size).toBe(kinds.length)
  })

  it('is never repeated whole in the refusal, for it may hold a secret', () => {
    for (const text of Object.values(wrong)) {
      expect(refusal(text)?.message).not.toContain(SECRET.slice(1))
    }
  })

  it('never fails in another way', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(refusal(text)?.code).toBe('INVALID_LINK')
        expect(refusal(`hyperletter://${text}`)?.code).toBe('INVALID_LINK')
      }),
    )
  })
})
