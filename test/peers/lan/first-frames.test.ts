import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FirstFrames } from '../../../src/peers/lan/handshake.ts'

function frame(bytes: number): Buffer {
  const it = Buffer.alloc(3 + bytes, 7)
  it.writeUIntLE(bytes, 0, 3)
  return it
}

test('frames of a handshake pass, in whatever pieces they come, and one that is longer does not', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(200), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (lengths, pieces) => {
        const sent = Buffer.concat(lengths.map(frame))
        const frames = new FirstFrames(lengths.length)
        let isWell = true
        for (let at = 0, i = 0; isWell && at < sent.length; i++) {
          const size = pieces[i % pieces.length] ?? 1
          isWell = frames.allow(sent.subarray(at, at + size))
          at += size
        }
        expect(isWell).toBe(lengths.every((it) => it <= 128))
      },
    ),
  )
})

test('a frame is refused as soon as its length is there', () => {
  const frames = new FirstFrames(1)
  expect(frames.allow(Buffer.from([0xff, 0xff]))).toBe(true)
  expect(frames.allow(Buffer.from([0xff]))).toBe(false)
})

test('what comes after the first frames may be of any length', () => {
  const frames = new FirstFrames(2)
  expect(frames.allow(Buffer.concat([frame(96), frame(56), frame(100_000)]))).toBe(true)
  expect(frames.allow(frame(500_000))).toBe(true)
})
