import { expect, it } from 'vitest'
import { mapOperations, type PreparedCall } from '../../src/api/map-operations.ts'
import { all } from '../helpers/operations.ts'

/** Operations that give `work` back, and a list of the calls and their ends. */
function mapped(work: () => unknown) {
  const log: string[] = []
  const operations = mapOperations((name, input) => {
    log.push(`${name} ${JSON.stringify(input)}`)
    return {
      run: work as PreparedCall['run'],
      failure: (error) => new Error('translated', { cause: error }),
      done: () => void log.push('done'),
    }
  })
  return { operations, log }
}

async function* numbers(fails = false) {
  yield 1
  yield 2
  if (fails) throw new Error('lost')
}

it('prepares each call and ends it, for values and for streams', async () => {
  const value = mapped(() => Promise.resolve([]))
  expect(await value.operations.listNewsletters({})).toEqual([])
  expect(value.log).toEqual(['listNewsletters {}', 'done'])
  const stream = mapped(() => numbers())
  expect(await all(stream.operations.watchIssues({}))).toEqual([1, 2])
  expect(stream.log).toEqual(['watchIssues {}', 'done'])
})

it('translates a failure, and ends the call all the same', async () => {
  const value = mapped(() => Promise.reject(new Error('lost')))
  await expect(value.operations.listNewsletters({})).rejects.toThrow('translated')
  expect(value.log.at(-1)).toBe('done')
  const stream = mapped(() => numbers(true))
  await expect(all(stream.operations.watchIssues({}))).rejects.toThrow('translated')
  expect(stream.log.at(-1)).toBe('done')
})

it('ends a stream that its reader leaves', async () => {
  const { operations, log } = mapped(() => numbers())
  const stream = operations.watchIssues({})[Symbol.asyncIterator]()
  await stream.next()
  expect(log).toHaveLength(1)
  await stream.return?.()
  expect(log).toEqual(['watchIssues {}', 'done'])
})
