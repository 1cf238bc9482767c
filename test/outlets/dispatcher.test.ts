import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { OutletDispatcher } from '../../src/outlets/dispatcher.ts'
import { factsOf, type Outlet, type OutletPolicy } from '../../src/outlets/outlet.ts'
import { arrived, keptLog } from '../helpers/arrivals.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** An outlet in memory: it fails for as long as `refuses` says, and keeps the numbers it was given. */
async function open(policy: OutletPolicy, refuses: (number: number) => boolean = () => false) {
  const { logger, lines } = keptLog()
  const delivered: number[][] = []
  const refused: number[] = []
  let atOnce = 0
  let most = 0
  const outlet: Outlet = {
    failure: 'the letter box is stuck',
    policy,
    async deliver(issues, signal) {
      most = Math.max(most, ++atOnce)
      await new Promise((resolve) => setTimeout(resolve, 5))
      atOnce--
      signal.throwIfAborted()
      const [first = 0, ...others] = issues.map((it) => factsOf(it).number ?? 0)
      if (refuses(first)) {
        refused.push(first)
        throw new Error('Refused.')
      }
      delivered.push([first, ...others])
    },
  }
  const dispatcher = await OutletDispatcher.open(outlet, logger)
  onTestFinished(() => dispatcher.close())
  const add = (...numbers: number[]) => {
    for (const number of numbers) dispatcher.add(arrived({ number }))
  }
  return { dispatcher, add, delivered, refused, lines, most: () => most }
}

test('any outlet gets every issue, and no more at once than it can take', async () => {
  const { add, delivered, most } = await open({ concurrency: 2 })
  add(1, 2, 3, 4, 5)
  await eventually(() => expect(new Set(delivered.flat())).toEqual(new Set([1, 2, 3, 4, 5])))
  expect(most()).toBe(2)
})

test('an outlet that gathers gets issues together', async () => {
  const { add, delivered } = await open({ concurrency: 1, gatherMs: 50 })
  add(1, 2, 3)
  await eventually(() => expect(delivered).toEqual([[1, 2, 3]]))
})

test('without retries, what failed is given up; with them, it comes after the others', async () => {
  const once = await open({ concurrency: 1 }, (number) => number === 1)
  once.add(1, 2)
  await eventually(() => expect(once.delivered).toEqual([[2]]))
  expect(once.refused).toEqual([1])

  let isOpen = false
  const again = await open(
    { concurrency: 1, retryPausesMs: [10] },
    (number) => number === 1 && !isOpen,
  )
  again.add(1, 2)
  await eventually(() => expect(again.refused.length).toBeGreaterThan(2))
  expect(again.delivered).toEqual([[2]])
  isOpen = true
  await eventually(() => expect(again.delivered).toEqual([[2], [1]]))
  expect(again.lines.at(-1)?.msg).toContain('works again')
})

test('what is under way when it closes is delivered after the next start', async () => {
  const queueFile = join(await temporaryDirectory(), 'queue.json')
  const policy = { concurrency: 2, retryPausesMs: [10], queueFile }
  const first = await open(policy)
  first.add(1, 2, 3)
  await first.dispatcher.close()
  expect(first.delivered).toEqual([])
  expect(JSON.parse(await readFile(queueFile, 'utf8'))).toMatchObject({
    deliveries: [{ issue: { number: 1 } }, { issue: { number: 2 } }, { issue: { number: 3 } }],
  })
  const next = await open(policy)
  await eventually(() => expect(new Set(next.delivered.flat())).toEqual(new Set([1, 2, 3])))
})
