import { expect, onTestFinished, test, vi } from 'vitest'
import { DebouncedTask } from '../src/async.ts'

const DELAY_MS = 200

/** A task whose runs last until the test ends them, on a clock that the test moves. */
function taskOf() {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const runs: boolean[] = []
  const ends: (() => void)[] = []
  const failures: unknown[] = []
  const task = new DebouncedTask({
    run: (isThorough) => {
      runs.push(isThorough)
      return new Promise((resolve) => ends.push(resolve))
    },
    onFailure: (err) => failures.push(err),
    delayMs: DELAY_MS,
    everyMs: 3_600_000,
  })
  return { task, runs, ends, failures }
}

test('one run serves all that ask until it begins', async () => {
  const { task, runs } = taskOf()
  for (let i = 0; i < 5; i++) task.schedule()
  expect(runs).toEqual([])
  await vi.advanceTimersByTimeAsync(DELAY_MS)
  expect(runs).toEqual([false])
})

test('what is asked for during a run is done after it, and never at the same time', async () => {
  const { task, runs, ends } = taskOf()
  const first = task.runNow(true)
  await vi.advanceTimersByTimeAsync(0)
  task.schedule()
  await vi.advanceTimersByTimeAsync(10 * DELAY_MS)
  expect(runs).toEqual([true])
  ends[0]?.()
  await first
  await vi.advanceTimersByTimeAsync(DELAY_MS)
  expect(runs).toEqual([true, false])
})

test('it runs now and then without being asked', async () => {
  const { runs } = taskOf()
  await vi.advanceTimersByTimeAsync(3_600_000 + DELAY_MS)
  expect(runs).toHaveLength(1)
})

test('closing waits for the run under way, and none begins after it', async () => {
  const { task, runs, ends } = taskOf()
  const running = task.runNow()
  await vi.advanceTimersByTimeAsync(0)
  task.schedule()
  const closing = task.close()
  ends[0]?.()
  await Promise.all([running, closing])
  await task.runNow()
  await vi.advanceTimersByTimeAsync(10 * 3_600_000)
  expect(runs).toHaveLength(1)
})

test('a run that nobody waits for reports its failure, and the next one runs', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const failures: unknown[] = []
  let runs = 0
  const task = new DebouncedTask({
    run: () => (++runs === 1 ? Promise.reject(new Error('once')) : Promise.resolve()),
    onFailure: (err) => failures.push(String(err)),
    delayMs: DELAY_MS,
    everyMs: 3_600_000,
  })
  task.schedule()
  await vi.advanceTimersByTimeAsync(DELAY_MS)
  task.schedule()
  await vi.advanceTimersByTimeAsync(DELAY_MS)
  expect({ runs, failures }).toEqual({ runs: 2, failures: ['Error: once'] })
})
