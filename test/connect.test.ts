import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Config } from '../src/config/config.ts'
import { connect, type Connection, type ConnectOptions } from '../src/connect.ts'
import { requestStop } from '../src/api/socket/client.ts'
import { parseInput } from '../src/api/contract/contract.ts'
import { PROTOCOL_VERSION } from '../src/api/socket/protocol.ts'
import { daemonStatus, startDaemon } from '../src/daemon/spawn.ts'
import { startDaemonHere } from './helpers/daemons.ts'
import { fakeOperations } from './helpers/cli.ts'
import { configOf, openEngine } from './helpers/engines.ts'
import { expectFailure, single } from './helpers/operations.ts'
import { publish } from './helpers/peers.ts'
import { holdStore, kill, startRealDaemon } from './helpers/processes.ts'
import { serve, someDaemon } from './helpers/servers.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'
import { privateNetwork } from './helpers/testnet.ts'

async function someConfig(): Promise<Config> {
  return configOf(await temporaryDirectory(), await privateNetwork())
}

/** A connection that closes with the running test, if it has not before. */
async function open(config: Config, options?: ConnectOptions): Promise<Connection> {
  const connection = await connect(config, options)
  onTestFinished(() => connection.close())
  return connection
}

describe('without a daemon', () => {
  it('opens an engine in this process, and closes it', async () => {
    const config = await someConfig()
    const connection = await open(config)
    expect(connection.via).toBe('engine')
    expect(await connection.operations.status({})).toMatchObject({ via: 'engine' })
    await connection.close()
    await openEngine({ dataDir: config.dataDir })
  })

  it('waits for another command that uses the store, and then goes on', async () => {
    const config = await someConfig()
    const first = await open(config)
    await first.operations.createNewsletter({ title: 'Tide tables' })
    const second = open(config)
    const publishing = publish(first.operations, '# One\n')
    await publishing
    await first.close()
    const { via, operations } = await second
    expect(via).toBe('engine')
    expect(single(await operations.listNewsletters({}))).toMatchObject({ issues: 1 })
  })

  it('lets commands that come at the same moment pass one after the other', async () => {
    const config = await someConfig()
    const titles = ['One', 'Two', 'Three', 'Four']
    const commands = titles.map(async (title) => {
      const { operations, close } = await open(config)
      await operations.createNewsletter({ title })
      await close()
    })
    await Promise.all(commands)
    const { operations } = await open(config)
    const listed = await operations.listNewsletters({})
    expect(new Set(listed.map((it) => it.title))).toStrictEqual(new Set(titles))
  })

  it('names a daemon whose socket was deleted', async () => {
    const config = await someConfig()
    await startDaemonHere(config)
    await rm(config.socketPath)
    const connecting = connect(config, { busyTimeoutMs: 1 })
    const error = await expectFailure('DAEMON_NOT_ANSWERING', connecting)
    expect(error.message).toContain(`process ${process.pid}`)
  })

  it('fails with STORE_BUSY by the deadline while a foreign process keeps the store', async () => {
    const config = await someConfig()
    const holder = await holdStore(config)
    const before = performance.now()
    const error = await expectFailure('STORE_BUSY', connect(config, { busyTimeoutMs: 700 }))
    const tookMs = performance.now() - before
    expect(tookMs).toBeLessThan(5_000)
    expect(error).toMatchObject({ exitCode: 3, hint: expect.any(String) as string })
    const waiting = open(config)
    await kill(holder, 'SIGKILL')
    expect((await waiting).via).toBe('engine')
  })

  it('ends with ABORTED while it waits', async () => {
    const config = await someConfig()
    await openEngine({ dataDir: config.dataDir })
    const abort = new AbortController()
    const waiting = connect(config, { signal: abort.signal })
    abort.abort()
    await expectFailure('ABORTED', waiting)
  })

  it('is not misled by a socket that nobody answers, or by a file of that name', async () => {
    const config = await someConfig()
    await writeFile(config.socketPath, '')
    expect((await open(config)).via).toBe('engine')
  })

  it('refuses a data directory that is a file', async () => {
    const dataDir = join(await temporaryDirectory(), 'data')
    await writeFile(dataDir, '')
    await expectFailure('INVALID_INPUT', connect(configOf(dataDir)))
  })
})

describe('with a daemon', () => {
  it('uses its operations, and leaves it running', async () => {
    const config = await someConfig()
    await startDaemonHere(config)
    const first = await open(config)
    expect(first.via).toBe('daemon')
    await first.operations.createNewsletter({ title: 'Tide tables' })
    await first.close()
    const second = await open(config)
    expect(second.via).toBe('daemon')
    expect(await second.operations.status({})).toMatchObject({ via: 'daemon' })
    expect(await second.operations.listNewsletters({})).toHaveLength(1)
  })

  it('finds one that starts while it waits for the store', async () => {
    const config = await someConfig()
    const engine = await openEngine({ dataDir: config.dataDir })
    const waiting = open(config)
    // It holds the lock, but does not listen yet: what a daemon is for a moment when it starts.
    await serve(fakeOperations(), { socketPath: config.socketPath })
    expect((await waiting).via).toBe('daemon')
    await engine.close()
  })

  it('serves many commands at once', async () => {
    const config = await someConfig()
    await startDaemonHere(config)
    const ways = await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const { via, operations } = await open(config)
        await operations.createNewsletter({ title: `Newsletter ${i}` })
        return via
      }),
    )
    expect(new Set(ways)).toStrictEqual(new Set(['daemon']))
    const { operations } = await open(config)
    expect(await operations.listNewsletters({})).toHaveLength(30)
  })

  it('takes over at once after a daemon was killed, with all that it had acknowledged', async () => {
    const config = await someConfig()
    for (let round = 1; round <= 3; round++) {
      const daemon = await startRealDaemon(config)
      const through = await open(config)
      expect(through.via).toBe('daemon')
      if (round === 1) await through.operations.createNewsletter({ title: 'Tide tables' })
      expect(await publish(through.operations, `# Round ${round}\n`)).toMatchObject({
        number: round,
      })
      await kill(daemon, 'SIGKILL')
      const after = await open(config)
      expect(after.via).toBe('engine')
      const issue = await after.operations.readIssue({ newsletter: 'Tide tables' })
      expect(issue).toMatchObject({ number: round, title: `Round ${round}`, verified: true })
      await after.close()
    }
  })

  it('fails with PROTOCOL_MISMATCH when it speaks another version', async () => {
    const config = await someConfig()
    const info = { ...someDaemon, protocol: PROTOCOL_VERSION + 1, version: '9.0.0' }
    await serve(fakeOperations(), { socketPath: config.socketPath, info })
    const error = await expectFailure('PROTOCOL_MISMATCH', connect(config))
    expect(error.hint).toEqual(expect.any(String))
  })

  it.each([
    ['PROTOCOL_MISMATCH', { newField: true }],
    ['INVALID_INPUT', { newsletter: '' }],
  ] as const)('fails with %s where it refuses %j', async (code, changed) => {
    const config = await someConfig()
    const input = { newsletter: 'Tide tables' }
    const listIssues = () =>
      Promise.resolve().then(() => parseInput('listIssues', { ...input, ...changed }) as never)
    await serve(fakeOperations({ listIssues }), { socketPath: config.socketPath })
    const { operations } = await open(config)
    await expectFailure(code, operations.listIssues(input))
  })
})

describe('with a command that lends what it has opened', () => {
  it('uses that, until it ends', async () => {
    const config = await someConfig()
    const first = await open(config, { lend: true })
    expect(first.via).toBe('engine')
    await first.operations.createNewsletter({ title: 'Tide tables' })
    const second = await open(config)
    expect(second.via).toBe('daemon')
    await publish(second.operations, '# One\n')
    expect(await first.operations.readIssue({ newsletter: 'Tide tables' })).toMatchObject({
      title: 'One',
    })
    // What it says of itself stays true.
    expect(await second.operations.status({})).toMatchObject({ via: 'engine' })
    const [own, other] = await Promise.all([first.openReader({}), second.openReader({})])
    expect(new URL(other).origin).toBe(new URL(own).origin)
    await first.close()
    expect((await open(config)).via).toBe('engine')
  })

  it('can ask it to end, but takes it for no daemon', async () => {
    const config = await someConfig()
    const { ended } = await open(config, { lend: true })
    expect(await daemonStatus(config)).toMatchObject({ pid: process.pid, temporary: true })
    await expectFailure('DAEMON_ALREADY_RUNNING', startDaemon(config))
    expect(ended?.aborted).toBe(false)
    await requestStop(config.socketPath)
    expect(ended?.aborted).toBe(true)
  })

  it('waits for the store where the socket cannot be had', async () => {
    const config = await someConfig()
    await mkdir(config.socketPath)
    const lending = await open(config, { lend: true })
    expect(lending.via).toBe('engine')
    expect(lending.ended).toBeUndefined()
    await expectFailure('STORE_BUSY', connect(config, { busyTimeoutMs: 300 }))
  })
})
