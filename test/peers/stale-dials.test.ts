import { randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { beforeEach, expect, test, vi } from 'vitest'
import { DialTracker } from '../../src/peers/dials.ts'

const KEY = randomBytes(32)
const PEER = KEY.toString('hex')

beforeEach(() => {
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

function dialling() {
  const dials = new DialTracker()
  const dial = () => {
    const stream = new PassThrough()
    dials.add(KEY, stream)
    return stream
  }
  return { dials, dial, onCall: (peer: string) => dials.endStale(peer) }
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

test('dials are counted by how they ended, and those under way can be ended', async () => {
  const { dials, dial } = dialling()
  dial().emit('open')
  dial().destroy(Object.assign(new Error('Nobody there.'), { code: 'PEER_NOT_FOUND' }))
  const last = dial()
  await vi.advanceTimersByTimeAsync(0)
  expect(dials.counts()).toEqual({ tried: 3, connected: 1, failed: { PEER_NOT_FOUND: 1 } })
  dials.endAll()
  expect(last.destroyed).toBe(true)
})
