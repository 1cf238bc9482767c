import { cp, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { dial, remoteOperations, requestStop } from '../../src/api/socket/client.ts'
import { configOf } from '../helpers/engines.ts'
import { expectCode } from '../helpers/errors.ts'
import { firstLine, startNode } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

test(
  'a daemon whose program is replaced on the disk says so, answers what it has loaded, and ends in order',
  { timeout: 120_000 },
  async () => {
    const folder = await temporaryDirectory()
    const isProgram = (path: string) => !path.endsWith('.map')
    for (const part of ['bin', 'dist', 'package.json'])
      await cp(join(ROOT, part), join(folder, part), { recursive: true, filter: isProgram })
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    const { dataDir, socketPath } = configOf(await temporaryDirectory(), [])
    const flags = ['--json', '--data-dir', dataDir, '--bootstrap', '127.0.0.1:1']
    const daemon = startNode([join(folder, 'bin', 'hyperletter.js'), 'daemon', 'run', ...flags])
    await firstLine(daemon)
    const operations = remoteOperations(socketPath)
    await operations.status({})

    // As npm does before it puts another version there.
    await rm(join(folder, 'dist'), { recursive: true })
    const { hint } = await expectCode(operations.diagnose({}), 'PROTOCOL_MISMATCH')

    expect(hint).toContain('daemon stop')
    expect(await operations.status({})).toMatchObject({ via: 'daemon' })
    expect(await dial(socketPath, dataDir)).toMatchObject({ pid: daemon.pid })
    const exit = once(daemon, 'exit')
    await requestStop(socketPath)
    expect(await exit).toEqual([0, null])
  },
)
