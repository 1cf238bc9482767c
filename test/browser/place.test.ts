import { describe, expect, it } from 'vitest'
import { basesOf, formatPlace, parsePlace, placeOfLink } from '../../src/browser/place.ts'
import { parseEncryptionKey, parseFeedKey } from '../../src/format/keys/feed-key.ts'

const feedKey = parseFeedKey('y'.repeat(52))
const encryptionKey = parseEncryptionKey(`${'b'.repeat(51)}y`)

describe('the place in the address of the reader page', () => {
  it.each([
    [`#${feedKey}`, { feedKey, via: [] }],
    [`#${feedKey}/12`, { feedKey, number: 12, via: [] }],
    [`#${feedKey}/${encryptionKey}`, { feedKey, encryptionKey, via: [] }],
    [`#${feedKey}/${encryptionKey}/3`, { feedKey, encryptionKey, number: 3, via: [] }],
    [
      `#${feedKey}/3?via=a.example,b.example`,
      { feedKey, number: 3, via: ['a.example', 'b.example'] },
    ],
  ])('%s is understood, and written the same', (hash, place) => {
    expect(parsePlace(hash)).toEqual(place)
    expect(formatPlace(place)).toBe(hash)
  })

  it.each([
    ['issue-tides', 'issue-tides'],
    ['issue-%C3%A9bb', 'issue-ébb'],
    ['issue-100%', 'issue-100%'],
  ])('has the place in the text that a link leads to: %s', (written, section) => {
    const place = { feedKey, number: 3, via: ['a.example'] }
    expect(parsePlace(`${formatPlace(place)}#${written}`)).toEqual({ ...place, section })
  })

  it('is none where nothing is said', () => {
    expect(parsePlace('')).toBeUndefined()
    expect(parsePlace('#')).toBeUndefined()
  })

  it.each([
    `#${feedKey}/0`,
    `#${feedKey}/x`,
    `#${feedKey}/1/2`,
    `#${feedKey}/1#tides`,
    '#key',
    `#${feedKey}/${'l'.repeat(52)}`,
  ])('%s is refused', (hash) => {
    expect(() => parsePlace(hash)).toThrow(
      expect.objectContaining({ code: 'INVALID_LINK' }) as Error,
    )
  })

  it('is made of links of every kind', () => {
    expect(placeOfLink(`hyperletter://${feedKey}`)).toEqual({ feedKey, via: [] })
    expect(placeOfLink(`https://news.example/reader.html#${feedKey}/7`)).toEqual({
      feedKey,
      number: 7,
      via: ['https://news.example/'],
    })
    expect(placeOfLink(`https://gate.example/#${feedKey}`).via).toEqual(['gate.example'])
  })

  it('names the folders of log files to try: beside the page, then those of the link', () => {
    const place = { feedKey, via: ['gate.example', 'http://127.0.0.1:8080/tide/', 'not a host'] }
    expect(basesOf(place, new URL('https://news.example/tide/reader.html#x'))).toEqual([
      'https://news.example/tide/log/',
      `https://gate.example/${feedKey}/log/`,
      'https://gate.example/log/',
      'http://127.0.0.1:8080/tide/log/',
    ])
    expect(basesOf({ feedKey, via: [] }, new URL('file:///home/me/reader.html'))).toEqual([])
  })
})
