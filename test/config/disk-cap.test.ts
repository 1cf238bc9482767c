import { lstat, readFile, statfs, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { diskCapOf } from '../../src/config/disk-cap.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

describe('the disk cap', () => {
  it('is what was set', async () => {
    const dataDir = await temporaryDirectory()
    expect(diskCapOf({ dataDir, diskCap: 5 })).toEqual({ capBytes: 5, isNew: false })
    expect(diskCapOf({ dataDir, diskCap: Infinity })).toMatchObject({ capBytes: Infinity })
  })

  it('is a share of the free disk at first, and then stays', async () => {
    const dataDir = join(await temporaryDirectory(), 'not', 'there', 'yet')
    const { bavail, bsize } = await statfs('/')
    const first = diskCapOf({ dataDir, diskCap: undefined })
    expect(first.isNew).toBe(true)
    expect(first.capBytes).toBeGreaterThan(0)
    expect(first.capBytes).toBeLessThanOrEqual(Math.min(10e9, bavail * bsize))
    expect(await readFile(join(dataDir, 'disk-cap'), 'utf8')).toBe(`${first.capBytes}\n`)
    await writeFile(join(dataDir, 'disk-cap'), '123000000\n')
    const again = diskCapOf({ dataDir, diskCap: undefined })
    expect(again).toEqual({ capBytes: 123_000_000, isNew: false })
  })

  it('is in a file for this user alone, under any umask, and follows no link', async () => {
    const before = process.umask(0)
    onTestFinished(() => void process.umask(before))
    const dataDir = await temporaryDirectory()
    const outside = join(await temporaryDirectory(), 'kept')
    await writeFile(outside, 'kept')
    await symlink(outside, join(dataDir, `disk-cap.${process.pid}`))
    diskCapOf({ dataDir, diskCap: undefined })
    expect((await lstat(join(dataDir, 'disk-cap'))).mode & 0o777).toBe(0o600)
    expect(await readFile(outside, 'utf8')).toBe('kept')
  })

  it('is chosen anew where what was written down is damaged', async () => {
    const dataDir = await temporaryDirectory()
    for (const text of ['', 'lots', '-1', '5000', '1e99']) {
      await writeFile(join(dataDir, 'disk-cap'), text)
      expect(diskCapOf({ dataDir, diskCap: undefined })).toMatchObject({ isNew: true })
    }
  })

  it('needs nothing to be written', async () => {
    const file = join(await temporaryDirectory(), 'file')
    await writeFile(file, '')
    expect(diskCapOf({ dataDir: file, diskCap: undefined })).toMatchObject({ isNew: true })
  })
})
