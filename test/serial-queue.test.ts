import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SerialQueue } from '../src/async.ts'

test('work runs one at a time and in order, whatever fails before it', async () => {
  const queue = new SerialQueue()
  const steps: string[] = []
  const work = (name: string, fails = false) =>
    queue.run(async () => {
      steps.push(`${name} begins`)
      await nextTurn()
      steps.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    })
  const broken = work('a', true)
  const next = work('b')
  expect(queue.size).toBe(2)
  await expect(broken).rejects.toThrow('a')
  expect(await next).toBe('b')
  expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  expect(queue.size).toBe(0)
})

test('work that throws at once rejects and does not stop the queue', async () => {
  const queue = new SerialQueue()
  const broken = queue.run(() => {
    throw new Error('at once')
  })
  await expect(broken).rejects.toThrow('at once')
  expect(await queue.run(() => 7)).toBe(7)
})

test('the queue is idle when all that was given has ended, and says nothing of failures', async () => {
  const queue = new SerialQueue()
  let isDone = false
  const broken = queue.run(() => Promise.reject(new Error('broken')))
  const last = queue.run(async () => {
    await nextTurn()
    isDone = true
  })
  broken.catch(() => undefined)
  await queue.idle()
  expect(isDone).toBe(true)
  await last
})
