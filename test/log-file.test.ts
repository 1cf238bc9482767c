import { closeSync, openSync, writeSync } from 'node:fs'
import { readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LogBound, MAX_LOG_BYTES, olderLog } from '../src/logger.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'

async function openLog(sizeBytes = 0) {
  const path = join(await temporaryDirectory(), 'daemon.log')
  await writeFile(path, '')
  await truncate(path, sizeBytes)
  const fd = openSync(path, 'a')
  onTestFinished(() => closeSync(fd))
  return { path, fd }
}

const LINE = `${'x'.repeat(99)}\n`

describe('the log file of a daemon', () => {
  it('begins anew when it is too large at the start, and the one before is kept', async () => {
    const { path, fd } = await openLog(MAX_LOG_BYTES + 1)
    expect(new LogBound(path, fd)).toBeInstanceOf(LogBound)
    writeSync(fd, LINE)
    expect(await readFile(path, 'utf8')).toBe(LINE)
    expect((await stat(olderLog(path))).size).toBe(MAX_LOG_BYTES + 1)
  })

  it('stays as it is while there is room', async () => {
    const { path, fd } = await openLog(MAX_LOG_BYTES)
    expect(new LogBound(path, fd)).toBeInstanceOf(LogBound)
    expect((await stat(path)).size).toBe(MAX_LOG_BYTES)
  })

  it('never takes more than twice its bound and a little, however much is written', async () => {
    const { path, fd } = await openLog()
    const bound = new LogBound(path, fd)
    let most = 0
    const text = LINE.repeat(500)
    for (let written = 0; written < 4 * MAX_LOG_BYTES; written += text.length) {
      writeSync(fd, text)
      bound.wrote(text.length)
      most = Math.max(most, (await stat(path)).size)
    }
    expect(most).toBeLessThan(MAX_LOG_BYTES + 200_000)
    expect((await stat(olderLog(path))).size).toBeLessThan(MAX_LOG_BYTES + 200_000)
  })

  it('is left alone when what is written to is another file', async () => {
    const { path } = await openLog(MAX_LOG_BYTES + 1)
    const other = await openLog(MAX_LOG_BYTES + 1)
    expect(new LogBound(path, other.fd)).toBeInstanceOf(LogBound)
    expect((await stat(path)).size).toBe(MAX_LOG_BYTES + 1)
    expect((await stat(other.path)).size).toBe(MAX_LOG_BYTES + 1)
  })
})
