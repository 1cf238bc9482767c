import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type * as configModule from '../../src/config/config.ts'
import { parseBootstrap, parseHost } from '../../src/config/values.ts'
import { expectCode } from '../helpers/errors.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

type ConfigModule = typeof configModule

let home: string
let loadConfig: ConfigModule['loadConfig']
let socketPath: ConfigModule['socketPath']

// The directories of the platform are read from the environment when the module is loaded, so each
// test loads it anew, with a home of its own.
beforeEach(async () => {
  home = await temporaryDirectory()
  vi.resetModules()
  vi.stubEnv('HOME', home)
  vi.stubEnv('USERPROFILE', home)
  vi.stubEnv('APPDATA', join(home, 'roaming'))
  vi.stubEnv('LOCALAPPDATA', join(home, 'local'))
  vi.stubEnv('XDG_CONFIG_HOME', join(home, 'config'))
  vi.stubEnv('XDG_DATA_HOME', join(home, 'data'))
  ;({ loadConfig, socketPath } = await import('../../src/config/config.ts'))
  return () => vi.unstubAllEnvs()
})

/** Where the platform keeps the configuration file. */
async function settingsPath(): Promise<string> {
  const { default: envPaths } = await import('env-paths')
  return join(envPaths('hyperletter', { suffix: '' }).config, 'config.toml')
}

async function writeSettings(toml: string): Promise<void> {
  const path = await settingsPath()
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, toml)
}

describe('where a setting comes from', () => {
  const FILE = `
    dataDir = "/from/file"
    bootstrap = "192.0.2.3:3"
    host = "192.0.2.30"
    logLevel = "error"
  `
  const ENV = {
    HYPERLETTER_HOME: '/from/env',
    HYPERLETTER_BOOTSTRAP: '192.0.2.2:2',
    HYPERLETTER_HOST: '192.0.2.20',
    HYPERLETTER_LOG_LEVEL: 'info',
  }
  const FLAGS = {
    dataDir: '/from/flag',
    bootstrap: '192.0.2.1:1',
    host: '192.0.2.10',
    logLevel: 'debug',
  }

  test('is a flag before anything else', async () => {
    await writeSettings(FILE)
    expect(await loadConfig(FLAGS, ENV)).toMatchObject({
      dataDir: '/from/flag',
      bootstrap: [{ host: '192.0.2.1', port: 1 }],
      host: '192.0.2.10',
      logLevel: 'debug',
    })
  })

  test('is the environment before the file', async () => {
    await writeSettings(FILE)
    expect(await loadConfig({}, ENV)).toMatchObject({
      dataDir: '/from/env',
      bootstrap: [{ host: '192.0.2.2', port: 2 }],
      host: '192.0.2.20',
      logLevel: 'info',
    })
  })

  test('is the file before the defaults', async () => {
    await writeSettings(FILE)
    expect(await loadConfig({}, {})).toMatchObject({
      dataDir: '/from/file',
      bootstrap: [{ host: '192.0.2.3', port: 3 }],
      host: '192.0.2.30',
      logLevel: 'error',
    })
  })

  test('is a number, a switch or a list in the file, and text elsewhere', async () => {
    await writeSettings(
      'udpPort = 5000\nnotify = true\ndiskCap = "1 GB"\nbootstrap = ["192.0.2.3:3", "192.0.2.4:4"]',
    )
    expect(await loadConfig({}, { HYPERLETTER_DISK_CAP: '2 GB' })).toMatchObject({
      udpPort: 5_000,
      notify: true,
      diskCap: 2e9,
      bootstrap: [
        { host: '192.0.2.3', port: 3 },
        { host: '192.0.2.4', port: 4 },
      ],
    })
  })

  test('is chosen one by one', async () => {
    await writeSettings('logLevel = "error"\nhost = "192.0.2.30"')
    const config = await loadConfig({ host: '192.0.2.10' }, { HYPERLETTER_HOME: '/from/env' })
    expect(config).toMatchObject({ dataDir: '/from/env', host: '192.0.2.10', logLevel: 'error' })
  })

  test('is a default without any', async () => {
    const config = await loadConfig({}, {})
    expect(config).toMatchObject({ bootstrap: undefined, host: undefined, logLevel: 'warn' })
    expect(config.dataDir.startsWith(home)).toBe(true)
  })

  test('is not a variable that is empty', async () => {
    const env = Object.fromEntries(Object.keys(ENV).map((name) => [name, '']))
    expect(await loadConfig({}, { ...env, XDG_RUNTIME_DIR: '' })).toEqual(await loadConfig({}, {}))
  })
})

describe('paths', () => {
  test('lie below the data directory and are absolute', async () => {
    const config = await loadConfig({ dataDir: 'some/place' }, {})
    for (const path of [config.storeDir, config.journalDir, config.logFile]) {
      expect(path.startsWith(config.dataDir)).toBe(true)
      expect(isAbsolute(path)).toBe(true)
    }
    expect(isAbsolute(config.dataDir)).toBe(true)
  })

  test('of the socket stay absolute when the runtime directory is empty', async () => {
    const dataDir = `/${'long/'.repeat(40)}`
    const config = await loadConfig({ dataDir }, { XDG_RUNTIME_DIR: '' })
    expect(isAbsolute(config.socketPath)).toBe(true)
  })
})

describe('socketPath', () => {
  test('lies in the data directory', () => {
    expect(socketPath('/data', '/run', 'linux')).toBe(join('/data', 'daemon.sock'))
  })

  test('falls back to a hashed name in a directory of this user when that would be too long', () => {
    const one = socketPath(`/${'a'.repeat(100)}`, '/run/user/7', 'linux')
    const other = socketPath(`/${'b'.repeat(100)}`, '/run/user/7', 'linux')
    expect(one).toMatch(/^\/run\/user\/7\/hyperletter-\d+\/[0-9a-f]{20}\.sock$/)
    expect(other).not.toBe(one)
    expect(socketPath(`/${'a'.repeat(100)}`, '/run/user/7', 'linux')).toBe(one)
  })

  test('always fits a socket address', () => {
    const dir = fc
      .array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), { maxLength: 6 })
      .map((parts) => `/${parts.join('/')}`)
    fc.assert(
      fc.property(dir, dir, (dataDir, runtimeDir) => {
        const path = socketPath(dataDir, runtimeDir, 'darwin')
        // macOS has the smallest room: 104 bytes with the final zero.
        expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103)
      }),
    )
  })

  test('is a named pipe on Windows', () => {
    const one = socketPath('C:\\Users\\one', undefined, 'win32')
    expect(one).toMatch(/^\\\\\.\\pipe\\hyperletter-[0-9a-f]{20}$/)
    expect(socketPath('C:\\Users\\two', undefined, 'win32')).not.toBe(one)
  })
})

describe('bootstrap nodes', () => {
  test.each([
    ['127.0.0.1:49737', '127.0.0.1'],
    ['127.0.0.1:1,127.8.0.2:2,localhost:3', '127.0.0.1'],
    ['127.0.0.1:1,192.0.2.1:2', undefined],
    ['192.0.2.1:2', undefined],
  ])('%s bind to %s', async (bootstrap, host) => {
    expect((await loadConfig({ bootstrap }, {})).host).toBe(host)
  })

  test('on loopback leave no choice of the address to bind', async () => {
    const config = await loadConfig({ bootstrap: '127.0.0.1:1', host: '192.0.2.1' }, {})
    expect(config.host).toBe('127.0.0.1')
  })

  test('on other machines leave it', async () => {
    const config = await loadConfig({ bootstrap: '192.0.2.9:1', host: '192.0.2.1' }, {})
    expect(config.host).toBe('192.0.2.1')
  })

  test('may have names, and blanks around them', () => {
    expect(parseBootstrap(' node.example:80 , 192.0.2.1:65535')).toEqual([
      { host: 'node.example', port: 80 },
      { host: '192.0.2.1', port: 65_535 },
    ])
  })

  test.each([
    '',
    ',',
    'host',
    'host:',
    ':80',
    'host:0',
    'host:65536',
    'host:x',
    'a:1,',
    'a b:1',
    'host:-1',
    'host:1e3',
  ])('are refused when they are "%s"', async (bootstrap) => {
    await expectCode(loadConfig({ bootstrap }, {}), 'INVALID_INPUT')
  })
})

describe('wrong settings', () => {
  test.each(['loud', 'WARN', '', 'toString'])('refuse the log level "%s"', async (logLevel) => {
    await expectCode(loadConfig({ logLevel }, {}), 'INVALID_INPUT')
  })

  test.each([
    ['is not TOML', 'dataDir = '],
    ['has a setting of the wrong type', 'dataDir = 7'],
    ['has a setting that is not known', 'colour = "blue"'],
    ['has a bootstrap node that is none', 'bootstrap = "nowhere"'],
  ])('refuse a file that %s', async (_, toml) => {
    await writeSettings(toml)
    await expectCode(loadConfig({}, {}), 'INVALID_INPUT')
  })

  test('name the setting of the file that is wrong', async () => {
    await writeSettings('host = 7')
    expect((await expectCode(loadConfig({}, {}), 'INVALID_INPUT')).message).toContain('host')
  })

  test.each([
    ['diskCap = "10 GB"\nuploadLimit = "fast"\n', 2],
    ['# first\n\ncolour = "blue"\n', 3],
    ['notify = true\nhost = \n', 2],
    ['notify = true\n\nudpPort = 70000\n', 3],
  ])('name the line of the file: %j is wrong in line %i', async (toml, line) => {
    await writeSettings(toml)
    expect((await expectCode(loadConfig({}, {}), 'INVALID_INPUT')).message).toContain(
      `line ${line}:`,
    )
  })

  test('refuse a file that is a directory', async () => {
    await mkdir(await settingsPath(), { recursive: true })
    await expectCode(loadConfig({}, {}), 'INVALID_INPUT')
  })
})

describe('a configuration', () => {
  test('cannot be changed', async () => {
    const config = await loadConfig({ bootstrap: '127.0.0.1:1' }, {})
    expect(Object.isFrozen(config)).toBe(true)
    expect(() => Object.assign(config, { dataDir: '/elsewhere' })).toThrow(TypeError)
  })
})

describe('IPv6, which the DHT has not', () => {
  test.each(['::1', '[::1]', '[::1]:49737', '::1:49737', 'fd00::1'])(
    'is refused with words as a bootstrap node: %s',
    (text) => {
      expect(() => parseBootstrap(text)).toThrow(/IPv4 only/)
    },
  )

  test('is refused with words as an address to bind to', () => {
    expect(() => parseHost('::1')).toThrow(/IPv4 only/)
    expect(() => parseHost('999.1.1.1')).toThrow(/Not an IP address/)
    expect(parseHost(' 192.0.2.1 ')).toBe('192.0.2.1')
  })
})
