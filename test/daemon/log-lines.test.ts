import { appendFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { followLines, lastLines } from '../../src/daemon/log-lines.ts'
import { olderLog } from '../../src/logger.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

async function logWith(text: string): Promise<string> {
  const path = join(await temporaryDirectory(), 'daemon.log')
  await writeFile(path, text)
  return path
}

describe('the last lines of a log', () => {
  it.each([
    [2, ['b', 'c']],
    [3, ['a', 'b', 'c']],
    [9, ['y', 'z', 'a', 'b', 'c']],
    [4, ['z', 'a', 'b', 'c']],
    [0, []],
  ])('%i are those, also of the log before it', async (count, expected) => {
    const path = await logWith('a\nb\nc\n')
    await writeFile(olderLog(path), 'y\nz\n')
    expect(await lastLines(path, count)).toEqual({ lines: expected, at: 6 })
  })

  it('are none where there is no log', async () => {
    const path = join(await temporaryDirectory(), 'daemon.log')
    expect(await lastLines(path, 5)).toEqual({ lines: [], at: 0 })
  })

  it('are whole: one that is being written comes later', async () => {
    const path = await logWith('a\nhal')
    expect(await lastLines(path, 5)).toEqual({ lines: ['a'], at: 2 })
  })
})

describe('following a log', () => {
  async function follow(path: string, at: number) {
    const end = new AbortController()
    onTestFinished(() => end.abort())
    const lines = followLines(path, at, end.signal)
    const next = async () => (await lines.next()).value as unknown
    return { next, end }
  }

  it('gives each line once it is whole, in letters of any length', async () => {
    const path = await logWith('a\nhal')
    const { next } = await follow(path, 2)
    const first = next()
    const umlaut = Buffer.from('ü')
    await appendFile(path, umlaut.subarray(0, 1))
    await appendFile(path, Buffer.concat([umlaut.subarray(1), Buffer.from('\nc\n')]))
    expect([await first, await next()]).toEqual(['halü', 'c'])
  })

  it('goes on when the log begins anew, and waits where there is none yet', async () => {
    const path = await logWith('a long line\n')
    const { next } = await follow(path, 12)
    const first = next()
    await rename(path, olderLog(path))
    await appendFile(path, 'new\n')
    expect(await first).toBe('new')
  })

  it('ends with its signal', async () => {
    const { next, end } = await follow(await logWith(''), 0)
    const last = next()
    end.abort()
    expect(await last).toBeUndefined()
  })
})
