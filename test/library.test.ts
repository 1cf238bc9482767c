import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openEngine, type EngineLogger, type EngineOptions } from '../src/index.ts'
import { expectCode } from './helpers/errors.ts'
import { all } from './helpers/operations.ts'
import { temporaryDirectory } from './helpers/temporary-directory.ts'
import { privateNetwork } from './helpers/testnet.ts'

/** Nobody is asked for anything. */
const OFFLINE = { bootstrap: [], localDiscovery: false } as const

const publish = { draft: { markdown: '# Issue 1\n\nLow water at noon.\n' } }

describe('an engine of a host program', () => {
  test('publishes, and another one receives, from options alone', async () => {
    const bootstrap = await privateNetwork()
    await using author = await openEngine({ dataDir: await temporaryDirectory(), bootstrap })
    const { link, feedKey } = await author.operations.createNewsletter({ title: 'Tides' })
    await all(author.operations.publishIssue(publish))
    await author.goOnline()

    const options = { dataDir: await temporaryDirectory(), bootstrap, online: true }
    await using reader = await openEngine(options)
    await all(reader.operations.subscribe({ link }))

    const issue = await reader.operations.readIssue({ newsletter: feedKey })
    expect(issue).toMatchObject({ title: 'Issue 1', verified: true })
  })

  test('gives its folder back with the scope that it was opened in, also where work fails', async () => {
    const dataDir = await temporaryDirectory()
    const work = async () => {
      await using engine = await openEngine({ dataDir, ...OFFLINE })
      await engine.operations.createNewsletter({ title: 'Tides' })
      await expectCode(openEngine({ dataDir, ...OFFLINE }), 'STORE_BUSY')
      throw new Error('the work')
    }
    await expect(work()).rejects.toThrow('the work')
    await using again = await openEngine({ dataDir, ...OFFLINE })
    expect(await again.operations.listNewsletters({})).toMatchObject([{ title: 'Tides' }])
  })

  test('reads neither the settings of the user nor the environment', async () => {
    onTestFinished(() => void vi.unstubAllEnvs())
    const home = await temporaryDirectory()
    await mkdir(join(home, 'hyperletter'))
    await writeFile(join(home, 'hyperletter', 'config.toml'), 'diskCap = "wrong"\n')
    vi.stubEnv('XDG_CONFIG_HOME', home)
    vi.stubEnv('HYPERLETTER_DISK_CAP', 'wrong')
    vi.stubEnv('HYPERLETTER_HOME', '/proc/nowhere')
    const dataDir = await temporaryDirectory()
    await using engine = await openEngine({ dataDir, ...OFFLINE, diskCap: 50e6 })
    expect(await engine.operations.status({})).toMatchObject({ dataDir, disk: { capBytes: 50e6 } })
  })

  test('leaves the process as it is', async () => {
    const bootstrap = await privateNetwork()
    const before = processState()
    const write = vi.spyOn(process.stdout, 'write')
    const writeError = vi.spyOn(process.stderr, 'write')
    const dataDir = await temporaryDirectory()
    {
      await using engine = await openEngine({ dataDir, bootstrap, online: true })
      await engine.operations.createNewsletter({ title: 'Tides' })
      await all(engine.operations.publishIssue(publish))
      await engine.goOnline()
      expect(processState()).toEqual(before)
    }
    expect(processState()).toEqual(before)
    expect([write.mock.calls, writeError.mock.calls]).toEqual([[], []])
    vi.restoreAllMocks()
  })

  test('tells its logger, on which it calls the methods', async () => {
    const lines: string[] = []
    class OwnLogger implements EngineLogger {
      readonly prefix = 'own: '
      debug = () => undefined
      info = () => undefined
      error = () => undefined
      warn(facts: object, what: string) {
        lines.push(`${this.prefix}${what} ${JSON.stringify(facts)}`)
      }
    }
    const dataDir = await temporaryDirectory()
    await writeFile(join(dataDir, 'bans.json'), 'no JSON')
    await using engine = await openEngine({ dataDir, ...OFFLINE, logger: new OwnLogger() })
    await engine.goOnline()
    expect(lines.join('\n')).toMatch(/^own: .*ban/)
  })
})

describe('options that make no sense', () => {
  test.each<[string, object]>([
    ['no folder', {}],
    ['an empty folder name', { dataDir: '' }],
    ['a number as a folder', { dataDir: 5 }],
    ['a text as a size', { diskCap: '5 GB' }],
    ['a negative size', { diskCap: -1 }],
    ['a port that is none', { udpPort: 70_000 }],
    ['an address without a port', { bootstrap: [{ host: '127.0.0.1' }] }],
    ['a peer key that is none', { allowPeers: ['me'] }],
    ['a logger that does not log', { logger: { warn: 'yes' } }],
    ['a misspelt name', { diskcap: 5 }],
  ])('are refused: %s', async (name, options) => {
    const dataDir = name.includes('folder') ? {} : { dataDir: await temporaryDirectory() }
    const given = { ...dataDir, ...options } as unknown as EngineOptions
    const error = await expectCode(openEngine(given), 'INVALID_INPUT')
    expect(error.message).toMatch(/^The options of the engine/)
  })
})

/** What a library could change of its process. */
function processState() {
  return {
    listeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
    console: Object.entries(console),
    globals: Object.getOwnPropertyNames(globalThis),
    env: { ...process.env },
    exitCode: process.exitCode,
    title: process.title,
    cwd: process.cwd(),
  }
}
