import { expect, it } from 'vitest'
import { bindOperations } from '../../src/operations/operations.ts'
import { openEngine } from '../helpers/engines.ts'
import { publish, publishUntil } from '../helpers/peers.ts'

it('reports at once what was published while its caller was busy', async () => {
  const engine = await openEngine({ bootstrap: [{ host: '127.0.0.1', port: 9 }] })
  const operations = bindOperations(engine, 'engine')
  const { feedKey } = await operations.createNewsletter({ title: 'Tide tables' })
  const watch = operations.watchIssues({ newsletter: feedKey })[Symbol.asyncIterator]()
  await publishUntil(watch.next(), operations, '# Before\n')
  // The watch stands at its first issue; whatever else it has found by then comes after that.
  const { number: newest } = await publish(operations, '# While busy\n')
  const before = performance.now()
  for (;;) {
    const { value } = (await watch.next()) as IteratorYieldResult<{ number: number }>
    if (value.number === newest) break
  }
  expect(performance.now() - before).toBeLessThan(4_500)
  await watch.return?.()
})
