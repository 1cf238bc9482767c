import Corestore from 'corestore'
import { expect, test } from 'vitest'
import { refuseFork } from '../../../src/log/store/opening.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

test('every core that opens refuses forks, and none opens where Hypercore would not heed that', async () => {
  const store = new Corestore(await temporaryDirectory())
  const replicators: unknown[] = []
  store.watch((core) => {
    const opened = core as unknown as { readonly replicator: object }
    refuseFork(opened)
    replicators.push(opened.replicator)
  })
  await store.get({ name: 'feed' }).ready()
  await store.close()
  expect(replicators).toEqual([expect.objectContaining({ allowFork: false })])

  expect(() => refuseFork({ replicator: { isForkAllowed: true } })).toThrow(
    'cannot be told to refuse forks',
  )
})
