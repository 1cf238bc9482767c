import { expect, test } from 'vitest'
import { Scheduler } from '../../../src/network/scheduling/scheduler.ts'
import type { View } from '../../../src/network/scheduling/view.ts'

test('what is wanted from now on is asked for at once, without waiting for the next plan', () => {
  const wanted = new Set<number>()
  const view: View<string> = {
    missing: (limit) => [...wanted].slice(0, limit),
    isMissing: (index) => wanted.has(index),
    asked: () => [],
    holds: () => true,
    announcements: () => 0,
    holdsAll: () => true,
    inFlight: () => 0,
    isReader: () => false,
  }
  const scheduler = new Scheduler({ view, seed: 1, blockBytes: 1_000 })
  scheduler.addPeer('source', 2, 0)
  wanted.add(4)
  expect(scheduler.choose('source', 0)).toEqual({ index: 4, again: false })
  wanted.clear()
  expect(scheduler.choose('source', 1)).toBeUndefined()

  wanted.add(9)
  scheduler.noteWanted()

  expect(scheduler.choose('source', 1)).toEqual({ index: 9, again: false })
})
