import { expect, test } from 'vitest'
import { anySignal } from '../src/async.ts'

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
