import { expect, it } from 'vitest'
import { bindOperations } from '../../../src/api/operations.ts'
import { openEngine } from '../../helpers/engines.ts'
import { all, expectFailure } from '../../helpers/operations.ts'
import { openAuthor, publish } from '../../helpers/peers.ts'
import { standing, subscribe } from '../../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'
import { privateNetwork } from '../../helpers/testnet.ts'

it('asks peers for what was published meanwhile, and says when nobody answers', async () => {
  const bootstrap = await privateNetwork()
  const author = await openAuthor(bootstrap, { issues: 1 })
  const dataDir = await temporaryDirectory()
  const open = async () => {
    const engine = await openEngine({ bootstrap, dataDir })
    return { engine, operations: bindOperations(engine, 'engine') }
  }
  const before = await open()
  await subscribe(before, author.link)
  await before.engine.close()
  await publish(author.operations, '# Storm\n')

  const reader = await open()
  const fetched = { newsletter: author.feedKey, refresh: true }
  const events = await all(reader.operations.followSync({ ...fetched, timeoutSeconds: 10 }))

  const { length = 0, heldBlocks } = events.at(-1) ?? {}
  expect(heldBlocks).toBe(length)
  expect(await standing(reader, author.feedKey)).toMatchObject({ issues: 2, length })
  await author.engine.close()
  const lonely = reader.operations.followSync({ ...fetched, timeoutSeconds: 0.5 })
  await expectFailure('NOT_AVAILABLE', lonely)
})
