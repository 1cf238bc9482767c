import { describe, expect, it } from 'vitest'
import { newslettersOf } from '../../src/engine/domain-names.ts'
import { parseDomain } from '../../src/format/records/text.ts'
import { skeletonOf } from '../../src/api/following/naming.ts'
import { testDomain } from '../helpers/domain.ts'

const ONE = 'y'.repeat(52)
const TWO = `${'b'.repeat(51)}y`
const NAME = 'tides.example'
const RECORD = `_hyperletter.${NAME}`

const fileOf = (...keys: string[]) =>
  JSON.stringify({ newsletters: Object.fromEntries(keys.map((it) => [it, {}])) })

/** A domain whose web server answers with this, or not at all. */
const serving = (body?: string) =>
  testDomain((_, response) => {
    if (body === undefined) response.writeHead(404).end()
    else response.end(body)
  })

describe('a domain', () => {
  it('names newsletters in a file, in DNS, or in both', async () => {
    const file = await serving(fileOf(ONE, 'no key'))
    expect(await newslettersOf(NAME, file.sources)).toEqual([ONE])
    expect(file.asked).toEqual([`${NAME}/.well-known/hyperletter.json`])
    const dns = await serving()
    dns.records[RECORD] = [`feed=${TWO}`, 'v=spf1 -all', `feed=${ONE}`]
    expect((await newslettersOf(NAME, dns.sources)).toSorted()).toEqual([TWO, ONE])
    const both = await serving(fileOf(ONE))
    both.records[RECORD] = [`feed=${ONE}`, `feed=${TWO}`]
    expect(await newslettersOf(NAME, both.sources)).toEqual([ONE])
  })

  it('that contradicts itself, or names none, is refused with its reasons', async () => {
    const both = await serving(fileOf(ONE))
    both.records[RECORD] = [`feed=${TWO}`]
    await expect(newslettersOf(NAME, both.sources)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    for (const body of [
      undefined,
      '{}',
      '[]',
      'null',
      '{"newsletters":7}',
      fileOf('x'),
      'no JSON',
    ]) {
      const { sources } = await serving(body)
      await expect(newslettersOf(NAME, sources)).rejects.toMatchObject({
        code: 'NEWSLETTER_NOT_FOUND',
        message: expect.stringMatching(/its web server .*; DNS has no record/) as string,
      })
    }
  })

  it('is heard to the end of 64 KiB, one redirect and no other host', async () => {
    const location = (to: string) =>
      testDomain((request, response) => {
        if (request.url === '/there') response.end(fileOf(ONE))
        else response.writeHead(302, { location: to }).end()
      })
    expect(await newslettersOf(NAME, (await location('/there')).sources)).toEqual([ONE])
    const large = await serving(fileOf(ONE).replace('{', ' '.repeat(64 * 1_024) + '{'))
    const others = [await location('http://localhost/there'), await location('/again'), large]
    for (const { sources } of others) {
      await expect(newslettersOf(NAME, sources)).rejects.toMatchObject({
        code: 'NEWSLETTER_NOT_FOUND',
        message: expect.stringMatching(
          /redirects to another host|redirects too often|more than/,
        ) as string,
      })
    }
  })

  it('that does not answer is no longer waited for by whoever stops', async () => {
    const stop = new AbortController()
    const { sources, records } = await testDomain(() => stop.abort())
    records[RECORD] = undefined
    const found = newslettersOf(NAME, sources, stop.signal)
    await expect(found).rejects.toThrow('aborted')
  })

  it('is never looked for in a private network', async () => {
    const inside = { textRecords: () => Promise.resolve([]) }
    const { getFromWeb } = await import('../../src/sources/web.ts')
    const sources = { ...inside, web: getFromWeb }
    await expect(newslettersOf('localhost', sources)).rejects.toMatchObject({
      code: 'NEWSLETTER_NOT_FOUND',
      message: expect.stringContaining('private network') as string,
    })
  })
})

it.each<readonly [string, string | undefined]>([
  ['tides.example', 'tides.example'],
  [' Tides.Example. ', 'tides.example'],
  ['bücher.example', 'xn--bcher-kva.example'],
  // A Cyrillic а.
  ['p\u0430ypal.example', 'xn--pypal-4ve.example'],
  ...[
    'localhost',
    'a',
    '10.0.0.1',
    '2130706433',
    '[::1]',
    'a.local',
    'a.b.onion',
    'a.internal',
  ].map((it) => [it, undefined] as const),
  ...[
    'a.example/x',
    'a.example:8',
    'me@a.example',
    'a..example',
    '-a.example',
    'hyperletter://y',
  ].map((it) => [it, undefined] as const),
])('%j is the domain %j', (typed, name) => {
  expect(parseDomain(typed)).toBe(name)
})

it.each([
  ['Tide Tables', 'tide-tables', true],
  ['Tide Tables', 'Tid\u0435 T\u0430bles', true],
  ['Tide Tables', 'Tide\u200b Tab1es', true],
  ['modern', 'modem', true],
  ['ＴＩＤＥＳ', 'tides', true],
  ['Tide Tables', 'Tide Table', false],
  ['潮汐', '潮位', false],
])('%j and %j look alike: %s', (a, b, isAlike) => {
  expect(skeletonOf(a) === skeletonOf(b)).toBe(isAlike)
})
