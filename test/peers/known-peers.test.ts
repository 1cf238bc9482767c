import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { KnownPeers } from '../../src/peers/dials.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function open() {
  const dialled: string[] = []
  const stopped: string[] = []
  const known = new KnownPeers({
    joinPeer: (peer) => dialled.push(Buffer.from(peer).toString('hex')),
    leavePeer: (peer) => stopped.push(Buffer.from(peer).toString('hex')),
  })
  return { known, dialled, stopped }
}

test('those who are gone are called some times over, until they are there', async () => {
  const { known, dialled, stopped } = open()
  for (const peer of ['aa', 'bb', 'cc']) known.connected(peer)
  known.disconnected('aa')
  known.disconnected('bb')
  known.dialAll()
  await vi.advanceTimersByTimeAsync(0)
  expect(dialled).toEqual(['aa', 'bb'])
  known.connected('aa')
  await vi.advanceTimersByTimeAsync(15_000)
  expect(dialled.slice(2)).toEqual(['bb', 'bb', 'bb'])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(stopped.toSorted()).toEqual(['aa', 'bb'])
  expect(vi.getTimerCount()).toBe(0)
})

test('somebody whose connection turns out to be dead is called as well', async () => {
  const { known, dialled } = open()
  known.connected('aa')
  known.dialAll()
  await vi.advanceTimersByTimeAsync(1_000)
  known.disconnected('aa')
  await vi.advanceTimersByTimeAsync(2_500)
  expect(dialled).toEqual(['aa'])
})

test('no more than 64 are remembered, and nobody who was forgotten', async () => {
  const { known, dialled } = open()
  const names = Array.from({ length: 100 }, (_, i) => i.toString(16).padStart(4, '0'))
  for (const peer of names) known.connected(peer)
  for (const peer of names) known.disconnected(peer)
  known.forget(names.at(-1) ?? '')
  known.dialAll()
  await vi.advanceTimersByTimeAsync(0)
  expect(dialled).toEqual(names.slice(36, -1))
})
