import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { anySignal, timeoutSignal } from '../src/async.ts'

test('one signal is given as it is', () => {
  const { signal } = new AbortController()
  expect(anySignal(signal)).toBe(signal)
  expect(anySignal(signal, undefined)).toBe(signal)
})

test('the first of several signals aborts, with its reason', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  const either = anySignal(one.signal, undefined, other.signal)
  expect(either.aborted).toBe(false)
  other.abort('the daemon ends')
  expect(either.reason).toBe('the daemon ends')
})

test('the end of a time aborts also after garbage was collected', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { signal } = new AbortController()
  const aborted = new Promise<unknown>((resolve) => {
    timeoutSignal(200, signal).addEventListener('abort', ({ target }) => {
      resolve((target as AbortSignal).reason)
    })
  })
  for (let i = 0; i < 2; i++) {
    await setImmediate()
    collect()
  }
  expect(await aborted).toMatchObject({ name: 'TimeoutError' })
})
