import { rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { configOf } from '../../helpers/engines.ts'
import { fillAllBut, MIB, openOn } from '../../helpers/full-disk.ts'
import { NO_SMALL_DISK, smallDisk } from '../../helpers/small-disk.ts'

test('the status says that the disk is nearly full, while it is', async ({ skip }) => {
  skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
  const disk = await smallDisk(64)
  const { operations } = await openOn(configOf(disk))
  const problem = async () => (await operations.status({})).problem
  expect(await problem()).toBeUndefined()
  const filling = await fillAllBut(disk, 2.5 * MIB)
  expect(await problem()).toEqual({
    code: 'DISK_FULL',
    message: 'The disk is nearly full: 2.6 MB are left.',
  })
  await rm(filling)
  expect(await problem()).toBeUndefined()
})
