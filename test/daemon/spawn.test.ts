import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { dial, remoteOperations } from '../../src/api/socket/client.ts'
import { readRecord } from '../../src/api/socket/protocol.ts'
import { connect } from '../../src/connect.ts'
import { daemonStatus, startDaemon, stopDaemon } from '../../src/daemon/spawn.ts'
import { codeOf } from '../../src/errors.ts'
import { packageVersion } from '../../src/version.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { expectFailure } from '../helpers/operations.ts'
import { fakeOperations } from '../helpers/cli.ts'
import { holdStore, kill } from '../helpers/processes.ts'
import { serve, someDaemon } from '../helpers/servers.ts'
import { eventually } from '../helpers/swarm-peers.ts'
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

  it('names a daemon that is suspended, and finds it again when it is woken', async () => {
    const config = await someConfig()
    const { pid = 0 } = await startDaemon(config)
    await eventually(async () => expect(await readRecord(config.dataDir)).toBeDefined())
    process.kill(pid, 'SIGSTOP')
    try {
      const failure = await expectFailure('DAEMON_NOT_ANSWERING', daemonStatus(config))
      expect(failure.message).toContain(`process ${pid}, version ${packageVersion()}`)
      await expectFailure('DAEMON_NOT_ANSWERING', connect(config, { busyTimeoutMs: 1 }))
      await expectFailure('DAEMON_NOT_ANSWERING', startDaemon(config))
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    expect(await daemonStatus(config)).toMatchObject({ running: true, pid })
  })

  it('writes down who listens and where, and takes it away at the end', async () => {
    const config = await someConfig()
    const { pid } = await startDaemon(config)
    const version = packageVersion()
    const record = { socket: config.socketPath, pid, version }
    // It answers a moment before it has written that down.
    await eventually(async () => expect(await readRecord(config.dataDir)).toEqual(record))
    await stopDaemon(config)
    expect(await readRecord(config.dataDir)).toBeUndefined()
  })

  it('stops one whose process id is that of somebody else here, as that of a container', async () => {
    const config = await someConfig()
    await mkdir(config.dataDir, { recursive: true })
    const holder = await holdStore(config)
    const { server } = await serve(fakeOperations(), {
      socketPath: config.socketPath,
      info: { ...someDaemon, pid: process.pid },
      onStop: () => void server.close(),
    })
    let hasStopped = false
    const stopping = stopDaemon(config).finally(() => (hasStopped = true))
    await expect.poll(() => dial(config.socketPath)).toBeUndefined()
    expect(hasStopped).toBe(false)
    await kill(holder, 'SIGKILL')
    expect(await stopping).toMatchObject({ running: false })
  })

  it('starts none when it is aborted', async () => {
    const config = await someConfig()
    const signal = AbortSignal.abort()
    await expectFailure('ABORTED', startDaemon(config, { signal }))
  })
})
