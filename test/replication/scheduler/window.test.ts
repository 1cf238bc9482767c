import { expect, test } from 'vitest'
import { Window } from '../../../src/replication/scheduler/peer-stats.ts'

const BLOCK_BYTES = 16 * 1024
const FEW = 8

/** A path that delivers so many blocks, of which `ahead` are always under way. */
function deliver(window: Window, blocks: number, elapsedMs: number, ahead: number): void {
  for (let i = 0; i < ahead; i++) window.noteAsked(i)
  for (let i = 0; i < blocks; i++) {
    window.noteArrival({ index: i, sizeBytes: BLOCK_BYTES, elapsedMs }, true)
    window.noteAsked(i + ahead)
  }
}

test('on a fast and long path it comes to about two times what the path holds', () => {
  const window = new Window(BLOCK_BYTES)
  window.noteRoundTrip(100)

  // 100 blocks in 100 ms.
  deliver(window, 1_000, 100, 100)

  expect(window.blocks(FEW)).toBeGreaterThanOrEqual(200)
  expect(window.blocks(FEW)).toBeLessThanOrEqual(300)
})

test('at a peer that serves many it keeps one block under way and one waiting', () => {
  const window = new Window(BLOCK_BYTES)
  window.noteRoundTrip(40)

  deliver(window, 50, 500, 2)

  expect(window.blocks(FEW)).toBe(2)
})

test('in a large swarm one block at each peer is enough', () => {
  const window = new Window(BLOCK_BYTES)
  window.noteRoundTrip(40)

  deliver(window, 50, 500, 2)

  expect(window.blocks(40)).toBe(1)
})

test('a path that queues for a while does not widen it for good', () => {
  const window = new Window(BLOCK_BYTES)
  for (const rttMs of [40, 900, 40]) window.noteRoundTrip(rttMs)
  const other = new Window(BLOCK_BYTES)
  other.noteRoundTrip(40)

  for (const it of [window, other]) deliver(it, 100, 100, 10)

  expect(window.blocks(FEW)).toBe(other.blocks(FEW))
})

test('it never asks for more than a few MiB, however fast a peer seems', () => {
  const window = new Window(BLOCK_BYTES)
  window.noteRoundTrip(900)

  deliver(window, 5_000, 1, 1_000)

  expect(window.blocks(1) * BLOCK_BYTES).toBeLessThanOrEqual(8 * 1024 * 1024)
})

test('records that come one by one do not narrow it: more was not asked for', () => {
  const window = new Window(BLOCK_BYTES)
  window.noteRoundTrip(40)
  const before = window.blocks(1)

  for (let i = 0; i < 5; i++) {
    window.noteAsked(i)
    window.noteArrival({ index: i, sizeBytes: 400, elapsedMs: 45 }, false)
  }

  expect(window.blocks(1)).toBeGreaterThanOrEqual(before)
})

test('a peer that turns out to be slow narrows it as soon as it has been asked for enough', () => {
  const window = new Window(BLOCK_BYTES)
  window.noteRoundTrip(40)
  window.noteAsked(0)
  window.noteArrival({ index: 0, sizeBytes: BLOCK_BYTES, elapsedMs: 45 }, false)

  deliver(window, 50, 500, 2)

  expect(window.blocks(FEW)).toBe(2)
})

test('the only source is asked for what a long path holds from the start, and never for much more than twice of it', () => {
  const window = new Window(BLOCK_BYTES)
  window.noteRoundTrip(100)
  const bytesPerMs = 12_500
  const pathBlocks = (bytesPerMs * 100) / BLOCK_BYTES

  expect(window.blocks(1)).toBeGreaterThan(0.9 * pathBlocks)
  // As many as come in 150 ms, of which 50 are a queue at the far end.
  deliver(window, 1_000, 150, 1.5 * pathBlocks)

  expect(window.blocks(1)).toBeGreaterThan(1.9 * pathBlocks)
  expect(window.blocks(1)).toBeLessThan(2.7 * pathBlocks)
})
