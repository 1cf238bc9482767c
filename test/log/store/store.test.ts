import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import Corestore from 'corestore'
import { expect, test } from 'vitest'
import { openScratchStore, refuseFork } from '../../../src/log/store/opening.ts'
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

test('what the storage logs in words is kept of the last two times alone', async () => {
  const storeDir = await temporaryDirectory()
  for (let i = 0; i < 5; i++) await (await openScratchStore(storeDir)).close()
  const names = await readdir(join(storeDir, 'db'))
  expect(names.filter((it) => it.startsWith('LOG'))).toEqual([
    'LOG',
    expect.stringMatching(/^LOG\.old\.\d+$/),
  ])
})
