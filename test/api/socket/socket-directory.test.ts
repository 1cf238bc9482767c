import { chmod, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { assertOwnDirectory, makeSocketDirectory } from '../../../src/api/socket/protocol.ts'
import { expectCode } from '../../helpers/errors.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

describe('the directory of a socket', () => {
  it('is made for this user alone', async () => {
    const socket = join(await temporaryDirectory(), 'run', 'daemon.sock')
    await makeSocketDirectory(socket)
    expect((await stat(join(socket, '..'))).mode & 0o777).toBe(0o700)
    await assertOwnDirectory(socket)
  })

  it('is refused where others may write', async () => {
    const directory = join(await temporaryDirectory(), 'run')
    await mkdir(directory)
    await chmod(directory, 0o777)
    await expectCode(makeSocketDirectory(join(directory, 'daemon.sock')), 'INVALID_INPUT')
    await expectCode(assertOwnDirectory(join(directory, 'daemon.sock')), 'INVALID_INPUT')
  })

  it('may be missing: then nobody listens', async () => {
    await assertOwnDirectory(join(await temporaryDirectory(), 'none', 'daemon.sock'))
  })
})
