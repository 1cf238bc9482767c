import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { Connection } from 'hyperswarm'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { endWhenSilent } from '../../../src/peers/lan/handshake.ts'

const LOOK_MS = 5_000

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function watched() {
  const socket = { bytesRead: 0, isPaused: () => false }
  const connection = Object.assign(new EventEmitter(), { destroy: vi.fn<(error: Error) => void>() })
  endWhenSilent(connection as unknown as Connection, socket as unknown as Socket)
  return { socket, connection }
}

test('a connection ends when nothing comes three looks in a row, and not before', () => {
  const { socket, connection } = watched()
  for (let i = 0; i < 10; i++) {
    socket.bytesRead++
    vi.advanceTimersByTime(LOOK_MS)
  }
  vi.advanceTimersByTime(2 * LOOK_MS)
  expect(connection.destroy).not.toHaveBeenCalled()
  vi.advanceTimersByTime(LOOK_MS)
  expect(connection.destroy).toHaveBeenCalledWith(expect.objectContaining({ code: 'ETIMEDOUT' }))
})

test('who is not read from is not silent', () => {
  const { socket, connection } = watched()
  socket.isPaused = () => true
  vi.advanceTimersByTime(10 * LOOK_MS)
  expect(connection.destroy).not.toHaveBeenCalled()
})

test('a connection that ended is watched no longer', () => {
  const { connection } = watched()
  connection.emit('close')
  expect(vi.getTimerCount()).toBe(0)
})
