import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { journalLines } from '../../../src/daemon/log-lines.ts'
import { all, expectFailure } from '../../helpers/operations.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const never = new AbortController().signal
let bin: string

beforeEach(async () => {
  bin = await temporaryDirectory()
  vi.stubEnv('PATH', `${bin}:${process.env['PATH']}`)
})
afterEach(() => vi.unstubAllEnvs())

/** Puts a program in the place of `journalctl`. */
async function journalctl(script: string): Promise<void> {
  await writeFile(join(bin, 'journalctl'), `#!/bin/sh\n${script}\n`)
  await chmod(join(bin, 'journalctl'), 0o755)
}

describe('the journal', () => {
  it('is read line by line', async () => {
    await journalctl(`printf 'a\\nb\\n'`)
    const lines = journalLines({ count: 5, follow: false, signal: never })
    expect(await all(lines)).toEqual(['a', 'b'])
  })

  it('is followed until the signal', async () => {
    await journalctl(`echo "$*"; exec tail -f /dev/null`)
    const end = new AbortController()
    const lines = journalLines({ count: 5, follow: true, signal: end.signal })
    expect((await lines.next()).value).toContain('--lines=5 --follow')
    const last = lines.next()
    end.abort()
    expect((await last).done).toBe(true)
  })

  it('may not be readable, which is told', async () => {
    await journalctl(`echo 'No journal files were opened.' >&2; exit 1`)
    const lines = journalLines({ count: 5, follow: false, signal: never })
    const { message } = await expectFailure('NOT_AVAILABLE', lines)
    expect(message).toContain('No journal files were opened.')
  })

  it('may be missing', async () => {
    vi.stubEnv('PATH', await temporaryDirectory())
    const lines = journalLines({ count: 5, follow: false, signal: never })
    await expectFailure('NOT_AVAILABLE', lines)
  })
})
