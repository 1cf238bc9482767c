import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import type HyperDHT from 'hyperdht'
import { beforeEach, expect, test, vi } from 'vitest'
import { staleDials } from '../../../src/peers/connections/stale-dials.ts'

const KEY = randomBytes(32)
const PEER = KEY.toString('hex')

beforeEach(() => {
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

function dialling() {
  const dht = { connect: () => new PassThrough() } as unknown as HyperDHT
  const onCall = staleDials(dht)
  return { dial: () => dht.connect(KEY), onCall }
}

test('a dial that leads nowhere ends when its peer calls', () => {
  const { dial, onCall } = dialling()
  const stream = dial()
  vi.advanceTimersByTime(2_000)
  onCall(randomBytes(32).toString('hex'))
  expect(stream.destroyed).toBe(false)
  onCall(PEER)
  expect(stream.destroyed).toBe(true)
})

test('a dial that has just begun goes on: both may have called at once', () => {
  const { dial, onCall } = dialling()
  const stream = dial()
  vi.advanceTimersByTime(1_000)
  onCall(PEER)
  expect(stream.destroyed).toBe(false)
})

test('a connection stays, however old', () => {
  const { dial, onCall } = dialling()
  const stream = dial()
  stream.emit('open')
  vi.advanceTimersByTime(60_000)
  onCall(PEER)
  expect(stream.destroyed).toBe(false)
})

test('the next dial of a peer counts from its own beginning', () => {
  const { dial, onCall } = dialling()
  const first = dial()
  first.emit('close')
  vi.advanceTimersByTime(2_000)
  const second = dial()
  onCall(PEER)
  expect([first.destroyed, second.destroyed]).toEqual([false, false])
})
