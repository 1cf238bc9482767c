import { expect, it } from 'vitest'
import { bindOperations } from '../../../src/api/operations.ts'
import { openEngine } from '../../helpers/engines.ts'
import { openAuthor, openPeer, publish, publishUntil } from '../../helpers/peers.ts'
import { eventually, standing, subscribe, subscribeSoon } from '../../helpers/swarm-peers.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

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

it('tells of what comes after the first sync of a newsletter, not of what it brought', async () => {
  const network = await privateNetwork()
  const author = await openAuthor(network, { issues: 3, isOnline: false })
  const reader = await openPeer(network)
  await subscribeSoon(reader, author.link)
  const watch = reader.operations.watchIssues({})[Symbol.asyncIterator]()
  // The watch has begun once it has told of something: of an issue of this one.
  const other = await openAuthor(network)
  await subscribe(reader, other.link)
  await publishUntil(watch.next(), other.operations, '# Storm\n')
  const numbers: number[] = []
  const told = (async () => {
    for (let next = await watch.next(); next.done !== true; next = await watch.next()) {
      const { value } = next
      if ('event' in value || value.feedKey !== author.feedKey) continue
      numbers.push(value.number)
      if (value.number > 3) return
    }
  })()

  await author.engine.network()
  await eventually(async () => {
    expect(await standing(reader, author.feedKey)).toMatchObject({ heldBlocks: 7, issues: 3 })
  })
  await publishUntil(told, author.operations, '# New\n')

  expect(Math.min(...numbers)).toBeGreaterThan(3)
  await watch.return?.()
})
