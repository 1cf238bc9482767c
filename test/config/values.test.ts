import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  parseBytes,
  parseDiskCap,
  parseCount,
  parseGatewayAddress,
  parseIpAddresses,
  parseListenAddress,
  parseMailbox,
  parseMailDigest,
  parseMailServer,
  parsePeerKeys,
  parsePort,
  parseRate,
  parseSwitch,
  parseText,
  parseWebAddress,
} from '../../src/config/values.ts'
import type { HyperletterError } from '../../src/errors.ts'
import { expectCode } from '../helpers/errors.ts'

async function expectRefused(parse: (text: string) => unknown, text: string): Promise<void> {
  await expectCode(
    Promise.resolve().then(() => parse(text)),
    'INVALID_INPUT',
  )
}

/** What comes of a text: a value, or the code of the complaint. */
function outcomeOf(parse: (text: string) => unknown, text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    return (error as HyperletterError).code
  }
}

describe('a size', () => {
  test.each([
    ['0', 0],
    ['500000', 500_000],
    ['10 GB', 1e10],
    ['10gb', 1e10],
    [' 1.5 GiB ', 1.5 * 2 ** 30],
    ['2 TiB', 2 ** 41],
    ['none', Infinity],
  ])('"%s" is understood', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes)
  })

  test.each(['', 'GB', '-1 GB', '1 XB', '1,5 GB', '1e9', 'toString', '99999999 TB', 'NaN'])(
    '"%s" is refused',
    (text) => expectRefused(parseBytes, text),
  )

  test('is whole and safe whatever is written', () => {
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.double(), fc.string()).map((it) => it.join('')),
    )
    fc.assert(
      fc.property(text, (it) => {
        const found = outcomeOf(parseBytes, it)
        const isSize = found === Infinity || (Number.isSafeInteger(found) && Number(found) >= 0)
        expect(isSize || found === 'INVALID_INPUT').toBe(true)
      }),
    )
  })
})

describe('a disk cap', () => {
  test.each(['0', '6 MB', '7.9 MB'])('of "%s" is too small for the storage itself', (text) =>
    expectRefused(parseDiskCap, text),
  )

  test.each([
    ['8 MB', 8e6],
    ['none', Infinity],
  ])('may be "%s"', (text, bytes) => {
    expect(parseDiskCap(text)).toBe(bytes)
  })
})

describe('a rate', () => {
  test.each([
    ['2 MB/s', 2e6],
    ['500kB', 5e5],
    ['1 KiB/s', 1_024],
    ['none', Infinity],
  ])('"%s" is understood', (text, bytesPerSecond) => {
    expect(parseRate(text)).toBe(bytesPerSecond)
  })

  test.each(['0', '1 B/s', '2 MB/h', 'fast'])('"%s" is refused', (text) =>
    expectRefused(parseRate, text),
  )
})

describe('other values', () => {
  test.each([
    [parseMailbox, ' me+news@example.org', 'me+news@example.org'],
    [parseMailbox, 'Me <me@example.org>', 'INVALID_INPUT'],
    [parseMailbox, 'me@example.org\r\nBcc: x@example.org', 'INVALID_INPUT'],
    [parseMailbox, 'me', 'INVALID_INPUT'],
    [
      parseMailServer,
      'smtp://me:p%40ss@mail.example.org:587',
      'smtp://me:p%40ss@mail.example.org:587',
    ],
    [parseMailServer, 'smtps://mail.example.org', 'smtps://mail.example.org'],
    [parseMailServer, 'https://mail.example.org', 'INVALID_INPUT'],
    [parseMailServer, 'mail.example.org', 'INVALID_INPUT'],
    [parseMailDigest, 'weekly', 'weekly'],
    [parseMailDigest, 'hourly', 'INVALID_INPUT'],
  ] as const)('of mail: %o of %j is %j', (parse, text, expected) => {
    expect(outcomeOf(parse, text)).toEqual(expected)
  })

  test.each([
    ['192.168.1.10', { host: '192.168.1.10' }],
    [' 0.0.0.0:8080 ', { host: '0.0.0.0', port: 8080 }],
    ['', 'INVALID_INPUT'],
    ['reader.lan:80', 'INVALID_INPUT'],
    ['192.168.1.10:', 'INVALID_INPUT'],
    ['192.168.1.10:0', 'INVALID_INPUT'],
    ['192.168.1.10:65536', 'INVALID_INPUT'],
    ['[::1]:80', 'INVALID_INPUT'],
    ['http://192.168.1.10', 'INVALID_INPUT'],
  ])('an address to listen at: %j is %j', (text, expected) => {
    expect(outcomeOf(parseListenAddress, text)).toEqual(expected)
  })

  test('are understood as people write them', () => {
    expect(['on', 'True', 'yes', '1'].map(parseSwitch)).toEqual([true, true, true, true])
    expect(['off', 'FALSE', 'no', '0'].map(parseSwitch)).toEqual([false, false, false, false])
    expect(parsePort('65535')).toBe(65_535)
    expect(parseCount(' 12 ')).toBe(12)
    expect(parsePeerKeys(`${'AB'.repeat(32)}, ${'01'.repeat(32)}`)).toEqual([
      'ab'.repeat(32),
      '01'.repeat(32),
    ])
    expect(parseWebAddress('https://example.org/hook?a=1')).toBe('https://example.org/hook?a=1')
  })

  test.each([
    [parseSwitch, 'maybe'],
    [parsePort, '0'],
    [parsePort, '65536'],
    [parsePort, '1.5'],
    [parseCount, '0'],
    [parseCount, '-3'],
    [parsePeerKeys, ''],
    [parsePeerKeys, 'ab'],
    [parseWebAddress, 'file:///etc/passwd'],
    [parseWebAddress, 'example.org'],
    [parseText, '  '],
  ] as const)('are refused by %o when they are "%s"', (parse, text) => expectRefused(parse, text))
})

describe('what a gateway needs', () => {
  test('is the address of a whole server', () => {
    expect(parseGatewayAddress('https://News.example')).toBe('https://news.example/')
    expect(outcomeOf(parseGatewayAddress, 'https://news.example/below/')).toBe('INVALID_INPUT')
    expect(outcomeOf(parseGatewayAddress, 'https://me@news.example/')).toBe('INVALID_INPUT')
    expect(outcomeOf(parseGatewayAddress, 'ftp://news.example/')).toBe('INVALID_INPUT')
  })

  test('is a list of IP addresses', () => {
    expect(parseIpAddresses('127.0.0.1, ::1')).toEqual(['127.0.0.1', '::1'])
    expect(outcomeOf(parseIpAddresses, '127.0.0.1,proxy')).toBe('INVALID_INPUT')
  })
})
