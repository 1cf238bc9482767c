import { describe, expect, it } from 'vitest'
import { waitUntil } from '../src/async.ts'

describe('waiting for a condition', () => {
  it('asks at least once, also when no time is left', async () => {
    expect(await waitUntil(() => true, { timeoutMs: 0 })).toBe(true)
    expect(await waitUntil(() => true, { timeoutMs: -5 })).toBe(true)
    expect(await waitUntil(() => false, { timeoutMs: 0 })).toBe(false)
  })

  it('goes on until the condition holds', async () => {
    let asked = 0
    expect(await waitUntil(() => ++asked === 3, { timeoutMs: 10_000 })).toBe(true)
    expect(asked).toBe(3)
  })

  it('accepts a condition that takes time', async () => {
    expect(await waitUntil(() => Promise.resolve(true), { timeoutMs: 1_000 })).toBe(true)
  })

  it('looks when it is told to', async () => {
    let isTrue = false
    let watchers = 0
    const waiting = waitUntil(() => isTrue, {
      timeoutMs: 60_000,
      watch: (look) => {
        watchers++
        queueMicrotask(() => {
          isTrue = true
          look()
        })
        return () => watchers--
      },
    })
    expect(await waiting).toBe(true)
    expect(watchers).toBe(0)
  })

  it('gives up at the deadline', async () => {
    const before = performance.now()
    expect(await waitUntil(() => false, { timeoutMs: 120 })).toBe(false)
    expect(performance.now() - before).toBeGreaterThanOrEqual(115)
  })

  it('throws the reason of its signal as soon as that is aborted', async () => {
    const abort = new AbortController()
    const reason = new Error('enough')
    const { signal } = abort
    const waiting = waitUntil(() => false, { timeoutMs: 60_000, signal })
    abort.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(waitUntil(() => true, { timeoutMs: 1, signal })).rejects.toBe(reason)
  })

  it('passes on what the condition throws', async () => {
    const error = new Error('broken')
    const broken = () => Promise.reject(error)
    await expect(waitUntil(broken, { timeoutMs: 1_000 })).rejects.toBe(error)
  })
})
