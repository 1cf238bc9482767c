import { readdir, rm } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { hasFreeSpace } from '../../../src/log/store/disk.ts'
import { fillAllBut, KIB, MIB } from '../../helpers/full-disk.ts'
import { NO_SMALL_DISK, smallDisk } from '../../helpers/small-disk.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

test('what fits on a disk fits, and leaves nothing behind', async () => {
  const directory = await temporaryDirectory()
  expect(await hasFreeSpace(directory, 100 * KIB)).toBe(true)
  expect(await readdir(directory)).toEqual([])
})

test('more than a disk has does not fit, and what was tried is taken away', async ({ skip }) => {
  skip(NO_SMALL_DISK !== undefined, NO_SMALL_DISK)
  const disk = await smallDisk(8)
  const filling = await fillAllBut(disk, 2 * MIB)
  expect(await hasFreeSpace(disk, 3 * MIB)).toBe(false)
  expect(await readdir(disk)).toEqual(['filling'])
  expect(await hasFreeSpace(disk, MIB)).toBe(true)
  await rm(filling)
  expect(await hasFreeSpace(disk, 3 * MIB)).toBe(true)
  expect(await readdir(disk)).toEqual([])
})

test('a directory that is gone is no place with room', async () => {
  await expect(hasFreeSpace('/nowhere/at/all', KIB)).rejects.toThrow('ENOENT')
})
