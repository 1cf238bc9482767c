import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { remoteOperations } from '../../src/api/socket/client.ts'
import { daemonStatus, startDaemon, stopDaemon } from '../../src/daemon/spawn.ts'
import { codeOf } from '../../src/errors.ts'
import { packageVersion } from '../../src/version.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { expectFailure } from '../helpers/operations.ts'
import { holdStore } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

/** A data directory whose daemon, if one was started, ends with the running test. */
async function someConfig(): Promise<Config> {
  const config = configOf(await temporaryDirectory(), await privateNetwork())
  onTestFinished(async () => {
    const { pid } = await daemonStatus(config)
    if (pid !== undefined) process.kill(pid, 'SIGKILL')
  })
  return config
}

describe('starting and stopping a daemon', () => {
  it('returns when the daemon answers, and when it is gone', async () => {
    const config = { ...(await someConfig()), diskCap: 1e9 }
    const socket = config.socketPath
    expect(await daemonStatus(config)).toStrictEqual({ running: false, socket })

    const started = await startDaemon(config)
    expect(started).toStrictEqual({
      running: true,
      pid: expect.any(Number) as number,
      version: packageVersion(),
      socket,
      uptimeSeconds: expect.any(Number) as number,
      diskCapBytes: 1e9,
    })
    expect(started.pid).not.toBe(process.pid)
    expect(await daemonStatus(config)).toMatchObject({ running: true, pid: started.pid })
    expect(await remoteOperations(socket).status({})).toMatchObject({
      via: 'daemon',
      dataDir: config.dataDir,
    })

    expect(await stopDaemon(config)).toStrictEqual({ running: false, socket })
    expect(await daemonStatus(config)).toStrictEqual({ running: false, socket })
    await openEngine({ dataDir: config.dataDir })
  })

  it('keeps what the daemon writes for the user of this device alone', async () => {
    const config = await someConfig()
    await startDaemon(config)
    expect((await stat(config.logFile)).mode & 0o777).toBe(0o600)
  })

  it('refuses to start a second one', async () => {
    const config = await someConfig()
    const { pid } = await startDaemon(config)
    await expectFailure('DAEMON_ALREADY_RUNNING', startDaemon(config))
    expect(await daemonStatus(config)).toMatchObject({ running: true, pid })
  })

  it('ends in one daemon when two are started at once', async () => {
    const config = await someConfig()
    const results = await Promise.allSettled([startDaemon(config), startDaemon(config)])
    const { pid } = await daemonStatus(config)
    const outcomes = results.map((it) =>
      it.status === 'fulfilled' ? it.value.pid : codeOf(it.reason),
    )
    expect(outcomes).toContain(pid)
    expect(outcomes).toContain('DAEMON_ALREADY_RUNNING')
  })

  it('refuses to stop one that does not run', async () => {
    await expectFailure('DAEMON_NOT_RUNNING', stopDaemon(await someConfig()))
  })

  it('reports why the daemon ended at once, from its log', async () => {
    const config = await someConfig()
    await writeFile(config.logFile, '{"error":{"code":"DISK_FULL","message":"long ago"}}\n')
    await holdStore(config)
    await expectFailure('STORE_BUSY', startDaemon(config))
    expect(await readFile(config.logFile, 'utf8')).toContain('STORE_BUSY')
  })

  it('refuses a data directory that is a file', async () => {
    const dataDir = join(await temporaryDirectory(), 'data')
    await writeFile(dataDir, '')
    await expectFailure('INVALID_INPUT', startDaemon(configOf(dataDir)))
    expect(await daemonStatus(configOf(dataDir))).toMatchObject({ running: false })
  })

  it('starts none when it is aborted', async () => {
    const config = await someConfig()
    const signal = AbortSignal.abort()
    await expectFailure('ABORTED', startDaemon(config, { signal }))
  })
})
