import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { Callers, placeOf } from '../../../src/daemon/gateway/callers.ts'
import { rangeOf } from '../../../src/daemon/gateway/served-file.ts'
import { networkOf } from '../../../src/peers/web/tab-listener.ts'

function request(remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

const forwarded = (list: string) => ({ 'x-forwarded-for': list })

describe('the address of a caller', () => {
  it.each([
    ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['127.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['::ffff:127.0.0.1', '10.9.9.9, 198.51.100.1', '198.51.100.1'],
    // A second trusted server before the first.
    ['127.0.0.1', '10.9.9.9, 198.51.100.1, 192.0.2.7', '198.51.100.1'],
    ['127.0.0.1', 'unknown', '127.0.0.1'],
    ['127.0.0.1', '', '127.0.0.1'],
    ['::1', '2001:db8::5', '2001:db8::5'],
  ])('from %s with "%s" is %s', (remote, list, address) => {
    const callers = new Callers(['127.0.0.1', '::1', '192.0.2.7'])
    expect(callers.addressOf(request(remote, forwarded(list)))).toBe(address)
  })

  it('is what the socket says where no server is trusted, which is noticed', () => {
    const callers = new Callers()
    const asked = request('127.0.0.1', forwarded('198.51.100.1'))
    expect(callers.addressOf(asked)).toBe('127.0.0.1')
    expect(callers.isUnknownProxy(asked)).toBe(true)
    expect(callers.isUnknownProxy(request('127.0.0.1'))).toBe(false)
    expect(new Callers(['127.0.0.1']).isUnknownProxy(asked)).toBe(false)
  })

  it('counts for its whole network', () => {
    expect(networkOf('::ffff:192.0.2.7')).toBe('192.0.2.7')
    expect(networkOf('2001:db8:0:7:1:2:3:4')).toBe(networkOf('2001:0db8::7:ffff:0:0:1'))
    expect(networkOf('2001:db8::1')).toBe('2001:db8:0:0')
    expect(networkOf('::1')).toBe('0:0:0:0')
    expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0')
  })
})

describe('what one network may ask', () => {
  it('is bounded at a time and in number, and others are not kept out', () => {
    const callers = new Callers()
    const ends = Array.from({ length: 40 }, () => callers.begin('2001:db8::1'))
    expect(ends.filter((it) => it !== undefined)).toHaveLength(32)
    expect(callers.begin('2001:db8::2')).toBeUndefined()
    for (const end of ends) end?.()
    let answered = 0
    for (; answered < 10_000; answered++) {
      const end = callers.begin('2001:db8::1')
      if (end === undefined) break
      end()
    }
    expect(answered).toBeGreaterThan(400)
    expect(answered).toBeLessThan(1_000)
    expect(callers.begin('192.0.2.1')).toBeDefined()
  })
})

describe('where a request goes', () => {
  const address = 'https://news.example/'
  it.each([
    ['news.example', undefined, { isOurs: true, isPublic: true, isForeign: false }],
    ['NEWS.example', 'https://a.example', { isOurs: true, isPublic: true, isForeign: true }],
    ['news.example', 'null', { isOurs: true, isPublic: true, isForeign: true }],
    [
      '127.0.0.1:8765',
      'http://127.0.0.1:8765',
      { isOurs: true, isPublic: false, isForeign: false },
    ],
    ['[::1]:8765', 'https://a.example', { isOurs: true, isPublic: false, isForeign: true }],
    ['localhost', undefined, { isOurs: true, isPublic: false, isForeign: false }],
    ['a.example', undefined, { isOurs: false, isPublic: false, isForeign: false }],
    ['news.example.', undefined, { isOurs: false, isPublic: false, isForeign: false }],
    ['', undefined, { isOurs: false, isPublic: false, isForeign: false }],
  ])('to %s from %s', (host, origin, place) => {
    const headers = { host, ...(origin !== undefined && { origin }) }
    expect(placeOf(request('127.0.0.1', headers), address)).toEqual(place)
  })
})

describe('a range', () => {
  it.each([
    [undefined, undefined],
    ['bytes=0-9', [0, 10]],
    ['bytes=90-1000', [90, 100]],
    ['bytes=99-', [99, 100]],
    ['bytes=-10', [90, 100]],
    ['bytes=-1000', [0, 100]],
    ['bytes=100-', 'none'],
    ['bytes=9-8', 'none'],
    ['bytes=-0', 'none'],
    ['bytes=-', undefined],
    ['bytes=0-1,3-4', undefined],
    ['lines=0-1', undefined],
    [`bytes=${'9'.repeat(40)}-`, undefined],
  ])('%s of 100 bytes', (header, range) => {
    expect(rangeOf(header, 100)).toEqual(range)
  })
})
