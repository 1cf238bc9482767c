import { lstat, readFile, statfs, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { diskCapOf } from '../../src/config/keep.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

describe('the disk cap', () => {
  it('is what was set', async () => {
    const dataDir = await temporaryDirectory()
    expect(diskCapOf({ dataDir, diskCap: 5 })).toBe(5)
    expect(diskCapOf({ dataDir, diskCap: Infinity })).toBe(Infinity)
  })

  it('is a share of the free disk at first, and then stays', async () => {
    const dataDir = await temporaryDirectory()
    const { bavail, bsize } = await statfs('/')
    const first = diskCapOf({ dataDir, diskCap: undefined })
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThanOrEqual(Math.min(10e9, bavail * bsize))
    expect(await readFile(join(dataDir, 'disk-cap'), 'utf8')).toBe(`${first}\n`)
    await writeFile(join(dataDir, 'disk-cap'), '123000000\n')
    expect(diskCapOf({ dataDir, diskCap: undefined })).toBe(123_000_000)
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
      const capBytes = diskCapOf({ dataDir, diskCap: undefined })
      expect(capBytes).toBeGreaterThan(5_000)
      expect(await readFile(join(dataDir, 'disk-cap'), 'utf8')).toBe(`${capBytes}\n`)
    }
  })

  it('needs nothing to be written', async () => {
    const file = join(await temporaryDirectory(), 'file')
    await writeFile(file, '')
    expect(diskCapOf({ dataDir: file, diskCap: undefined })).toBeGreaterThan(0)
    expect(await readFile(file, 'utf8')).toBe('')
  })
})
