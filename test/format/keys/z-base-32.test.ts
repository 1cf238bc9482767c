import { expect, test } from 'vitest'
import { decodeZ32, encodeZ32 } from '../../../src/format/keys/feed-key.ts'

// The examples of the specification, and a key as Hypercore's tools write it.
test.each([
  [[], ''],
  [[0], 'yy'],
  [[0xf0, 0xbf, 0xc7], '6n9hq'],
  [[0xd4, 0x7a, 0x04], '4t7ye'],
  [[0, 1, 2, 3, 4, 5, 6, 7], 'yyyoryarywdyq'],
  [Array.from({ length: 32 }, () => 255), `${'9'.repeat(51)}o`],
])('%j is written %j', (bytes, text) => {
  expect(encodeZ32(Uint8Array.from(bytes))).toBe(text)
  expect([...decodeZ32(text)]).toEqual(bytes)
})

test('characters that the alphabet has not are refused', () => {
  expect(() => decodeZ32('yyl')).toThrow('Character 2')
})
