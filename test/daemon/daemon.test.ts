import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { dial, remoteOperations, requestReload, requestStop } from '../../src/api/socket/client.ts'
import { runDaemon } from '../../src/daemon/daemon.ts'
import { PROTOCOL_VERSION } from '../../src/api/socket/protocol.ts'
import { packageVersion } from '../../src/version.ts'
import { runNode } from '../helpers/child.ts'
import { startDaemonHere } from '../helpers/daemons.ts'
import { configOf, openEngine } from '../helpers/engines.ts'
import { expectFailure } from '../helpers/operations.ts'
import { holdStore, kill, startRealDaemon } from '../helpers/processes.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'
import { privateNetwork } from '../helpers/testnet.ts'

async function someConfig() {
  return configOf(await temporaryDirectory(), await privateNetwork())
}

/** Where a daemon whose directories are below `home` looks for its settings. */
async function settingsFileIn(home: string): Promise<string> {
  const folder = join(home, 'hyperletter')
  await mkdir(folder, { recursive: true })
  return join(folder, 'config.toml')
}

/** A daemon by the real command, with settings of its own, and what waits for words on its stderr. */
async function startWithSettings(
  { dataDir, bootstrap = [] }: Config,
  home: string,
  preload?: string,
) {
  const addresses = bootstrap.map(({ host, port }) => `${host}:${port}`).join(',')
  const launcher = fileURLToPath(new URL('../../bin/hyperletter.js', import.meta.url))
  const env = { XDG_CONFIG_HOME: home, HYPERLETTER_BOOTSTRAP: addresses }
  const flags = preload === undefined ? [] : ['--import', preload]
  const child = runNode([...flags, launcher, 'daemon', 'run', '--data-dir', dataDir], env)
  await child.line(/"ready":true/)
  const stderr = (pattern: RegExp) =>
    vi.waitFor(() => expect(child.stderr()).toMatch(pattern), 20_000)
  return { daemon: child.process, stderr }
}

const never = new AbortController().signal
const ignore = () => undefined

describe('a daemon', () => {
  it('is ready only when it listens and is online', async () => {
    const config = { ...(await someConfig()), diskCap: 1e9 }
    const end = new AbortController()
    const onReady = async () => ({
      info: await dial(config.socketPath),
      status: await remoteOperations(config.socketPath).status({}),
    })
    let atReady: ReturnType<typeof onReady> | undefined
    const ended = runDaemon(config, {
      signal: end.signal,
      onReady: (ready) => {
        expect(ready).toStrictEqual({
          socket: config.socketPath,
          pid: process.pid,
          diskCapBytes: 1e9,
        })
        atReady = onReady()
        void atReady.finally(() => end.abort())
      },
    })
    await ended
    expect(await atReady).toMatchObject({
      info: {
        protocol: PROTOCOL_VERSION,
        version: packageVersion(),
        pid: process.pid,
        uptimeSeconds: expect.any(Number) as number,
      },
      status: { via: 'daemon', online: true, dataDir: config.dataDir },
    })
  })

  it('ends when its signal says so, and frees the store at once', async () => {
    const config = await someConfig()
    const daemon = await startDaemonHere(config)
    daemon.abort()
    await daemon.ended
    expect(await dial(config.socketPath)).toBeUndefined()
    await openEngine({ dataDir: config.dataDir })
  })

  it('ends when it is asked over the socket, and frees the store at once', async () => {
    const config = await someConfig()
    const daemon = await startDaemonHere(config)
    await requestStop(config.socketPath)
    await daemon.ended
    expect(await dial(config.socketPath)).toBeUndefined()
    await openEngine({ dataDir: config.dataDir })
  })

  it('ends although somebody watches', async () => {
    const config = await someConfig()
    const daemon = await startDaemonHere(config)
    const remote = remoteOperations(config.socketPath)
    const { feedKey } = await remote.createNewsletter({ title: 'Tide tables' })
    const watching = remote.watchIssues({ newsletter: feedKey })[Symbol.asyncIterator]().next()
    watching.catch(ignore)
    await remote.status({})
    daemon.abort()
    await daemon.ended
    await expectFailure('DAEMON_NOT_RUNNING', watching)
  })

  it('ends at once when its signal came before it was ready', async () => {
    const config = await someConfig()
    await runDaemon(config, { signal: AbortSignal.abort(), onReady: ignore })
    expect(await dial(config.socketPath)).toBeUndefined()
    await openEngine({ dataDir: config.dataDir })
  })

  it('takes the place of a socket that somebody left', async () => {
    const config = await someConfig()
    await writeFile(config.socketPath, '')
    await startDaemonHere(config)
    expect(await dial(config.socketPath)).toMatchObject({ pid: process.pid })
  })

  it('listens at another place where the data directory has a path too long for sockets', async () => {
    const short = await temporaryDirectory()
    const dataDir = join(short, 'deep'.repeat(20), 'deeper'.repeat(20))
    await mkdir(dataDir, { recursive: true })
    const config = configOf(dataDir, await privateNetwork())
    expect(dirname(config.socketPath)).not.toBe(dataDir)
    expect(Buffer.byteLength(config.socketPath)).toBeLessThan(104)
    await startDaemonHere(config)
    expect(await remoteOperations(config.socketPath).status({})).toMatchObject({ dataDir })
  })

  it('refuses to be the second one, and leaves the socket of the first alone', async () => {
    const config = await someConfig()
    await startDaemonHere(config)
    const second = runDaemon(config, { signal: never, onReady: ignore })
    await expectFailure('DAEMON_ALREADY_RUNNING', second)
    expect(await remoteOperations(config.socketPath).listNewsletters({})).toStrictEqual([])
  })

  it('refuses a store that another process keeps', async () => {
    const config = await someConfig()
    await openEngine({ dataDir: config.dataDir })
    const options = { signal: never, onReady: ignore, busyTimeoutMs: 200 }
    await expectFailure('STORE_BUSY', runDaemon(config, options))
    expect(await dial(config.socketPath)).toBeUndefined()
  })

  it('waits for a command that is about to end', async () => {
    const config = await someConfig()
    const command = await openEngine({ dataDir: config.dataDir })
    const starting = startDaemonHere(config)
    expect(await dial(config.socketPath)).toBeUndefined()
    await command.close()
    expect(await starting).toMatchObject({ pid: process.pid })
  })

  it('ends with ABORTED while it waits for the store', async () => {
    const config = await someConfig()
    await openEngine({ dataDir: config.dataDir })
    const signal = AbortSignal.abort()
    await expectFailure('ABORTED', runDaemon(config, { signal, onReady: ignore }))
  })

  it('refuses a data directory that is a file', async () => {
    const dataDir = join(await temporaryDirectory(), 'data')
    await writeFile(dataDir, '')
    const running = runDaemon(configOf(dataDir), { signal: never, onReady: ignore })
    await expectFailure('INVALID_INPUT', running)
  })

  it('frees the store when it cannot listen', async () => {
    const dir = await temporaryDirectory()
    await writeFile(join(dir, 'file'), '')
    const config = { ...configOf(dir), socketPath: join(dir, 'file', 'daemon.sock') }
    const running = runDaemon(config, { signal: never, onReady: ignore })
    await expectFailure('INVALID_INPUT', running)
    await openEngine({ dataDir: dir })
  })
})

describe('a daemon of the real command', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends cleanly on %s', async (signal) => {
    const config = await someConfig()
    const daemon = await startRealDaemon(config)
    expect(await dial(config.socketPath)).toMatchObject({ pid: daemon.pid })
    expect(await kill(daemon, signal)).toBe(0)
    expect(await dial(config.socketPath)).toBeUndefined()
    await openEngine({ dataDir: config.dataDir })
  })

  it('ends by force when closing hangs', async () => {
    const config = await someConfig()
    const preload = join(await temporaryDirectory(), 'hang.mjs')
    const corestore = JSON.stringify(import.meta.resolve('corestore'))
    const hang = 'Corestore.prototype.close = () => new Promise(() => setInterval(() => 0, 1e6))'
    await writeFile(preload, `import Corestore from ${corestore}\n${hang}\n`)
    const { daemon } = await startWithSettings(config, await temporaryDirectory(), preload)
    expect(await kill(daemon, 'SIGTERM')).toBe(1)
  })

  it('says where Hypercore decides by itself', async () => {
    const preload = 'data:text/javascript,process.env.HYPERLETTER_PLAIN_HYPERCORE = "1"'
    const config = await someConfig()
    const { daemon, stderr } = await startWithSettings(config, await temporaryDirectory(), preload)
    const line = /"hypercore":"11\.\d+\.\d+","known":"11\.\d+\.\d+".*decides by itself/
    await stderr(line)
    expect(daemon.exitCode).toBeNull()
  })

  it('loads the code of an operation when it is asked for', async () => {
    const config = await someConfig()
    const [folder, home] = [await temporaryDirectory(), await temporaryDirectory()]
    const preload = join(folder, 'note.mjs')
    const list = join(folder, 'loaded')
    const hook = `import { appendFileSync } from 'node:fs'
      export function load(url, context, next) {
        appendFileSync(${JSON.stringify(list)}, url + '\\n')
        return next(url, context)
      }`
    const hookUrl = JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)
    await writeFile(preload, `import { register } from 'node:module'\nregister(${hookUrl})\n`)
    await startWithSettings(config, home, preload)
    const loaded = async () => {
      const urls = (await readFile(list, 'utf8')).split('\n')
      // The build puts a hash behind the names of most.
      const name = /\/dist\/(?:.*\/)?([\w-]+?)(?:-[A-Z0-9]{8})?\.js$/
      return urls.map((it) => name.exec(it)?.[1]).filter(Boolean)
    }
    const atRest = await loaded()
    expect(atRest).toContain('daemon')
    expect(atRest).not.toContain('contract')
    expect(atRest).not.toContain('status')
    await remoteOperations(config.socketPath).status({})
    expect(await loaded()).toEqual(expect.arrayContaining(['contract', 'status']))
    expect(await loaded()).not.toContain('publishing')
  })

  it('reads its configuration again on SIGHUP, and keeps the old one when the file is wrong', async () => {
    const config = await someConfig()
    const home = await temporaryDirectory()
    const { daemon, stderr } = await startWithSettings(config, home)
    const file = await settingsFileIn(home)

    await writeFile(file, 'logLevel = "debug"\nudpPort = 4000\n')
    daemon.kill('SIGHUP')
    await stderr(/changes with the next start: udpPort/)

    await writeFile(file, 'logLevel = "debug"\nudpPot = 4000\n')
    daemon.kill('SIGHUP')
    await stderr(/config\.toml, line 2: there is no setting/)
    expect(await dial(config.socketPath)).toMatchObject({ pid: daemon.pid })

    await writeFile(file, 'logLevel = "warn"\nudpPort = 4000\n')
    expect(await requestReload(config.socketPath)).toEqual({
      applied: ['logLevel'],
      restart: ['udpPort'],
    })
  })

  it('reads its configuration again when it is asked, and says what is wrong', async () => {
    const config = await someConfig()
    const home = await temporaryDirectory()
    await startWithSettings(config, home)
    await writeFile(await settingsFileIn(home), '\nnotify = "perhaps"\n')
    const { message } = await expectFailure('INVALID_INPUT', requestReload(config.socketPath))
    expect(message).toContain('config.toml, line 2:')
  })

  it('says STORE_BUSY while a foreign process keeps the store', async () => {
    const config = await someConfig()
    await holdStore(config)
    await expect(startRealDaemon(config)).rejects.toThrow('STORE_BUSY')
  })

  it('is killed in the middle of an answer, and its caller hears of it', async () => {
    const config = await someConfig()
    const daemon = await startRealDaemon(config)
    const remote = remoteOperations(config.socketPath)
    const link = 'y'.repeat(52)
    const subscribing = remote.subscribe({ link, wait: false })[Symbol.asyncIterator]()
    await subscribing.next()
    const follow = remote.followSync({ newsletter: link })[Symbol.asyncIterator]()
    onTestFinished(async () => void (await follow.return?.()))
    await follow.next()
    const rest = (async () => {
      for (;;) await follow.next()
    })()
    rest.catch(ignore)
    await kill(daemon, 'SIGKILL')
    await expectFailure('DAEMON_NOT_RUNNING', rest)
  })
})
