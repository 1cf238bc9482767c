import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type * as cliModule from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

let runCli: (typeof cliModule)['runCli']
let home: string

// The directories of the platform are read from the environment when the module is loaded, so each
// test loads it anew, with a home of its own.
beforeEach(async () => {
  home = await temporaryDirectory()
  vi.resetModules()
  for (const name of ['HOME', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA']) vi.stubEnv(name, home)
  for (const name of ['XDG_CONFIG_HOME', 'XDG_DATA_HOME']) vi.stubEnv(name, join(home, name))
  ;({ runCli } = await import('../helpers/cli.ts'))
  return () => vi.unstubAllEnvs()
})

const env = {}

async function fileOf(toml?: string): Promise<string> {
  const { settingsPath } = await import('../../src/config/config.ts')
  const path = settingsPath()
  if (toml !== undefined) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, toml)
  }
  return path
}

interface Shown {
  readonly file: string
  readonly settings: readonly {
    readonly name: string
    readonly value: string | null
    readonly from: string
    readonly where: string
  }[]
}

async function show(...argv: string[]) {
  const { code, stdout } = await runCli(['config', 'show', '--json', ...argv], {
    env: { HYPERLETTER_UPLOAD_LIMIT: '1 MB/s', HYPERLETTER_DISK_CAP: '2 GB' },
  })
  expect(code).toBe(0)
  const { settings } = JSON.parse(stdout) as Shown
  return Object.fromEntries(settings.map(({ name, ...rest }) => [name, rest]))
}

describe('config show', () => {
  it('tells where each value comes from', async () => {
    const file = await fileOf('# mine\nudpPort = 5000\ndiskCap = "3 GB"\nuploadLimit = "9 MB"\n')
    expect(await show('--disk-cap', '1 GB')).toMatchObject({
      diskCap: { value: '1 GB', from: 'flag', where: '--disk-cap' },
      uploadLimit: { value: '1 MB/s', from: 'variable', where: 'HYPERLETTER_UPLOAD_LIMIT' },
      udpPort: { value: '5000', from: 'file', where: `${file}, line 2` },
      logLevel: { value: 'warn', from: 'default' },
      downloadLimit: { value: null, from: 'default', where: 'no limit' },
      localDiscovery: { value: 'on', from: 'default' },
    })
  })

  it('shows what is in force where one setting follows from another', async () => {
    const shown = await show('--bootstrap', '127.0.0.1:4000', '--host', '192.0.2.1')
    expect(shown).toMatchObject({
      host: { value: '127.0.0.1', from: 'default' },
      localDiscovery: { value: 'off', from: 'default' },
    })
  })

  it('shows no secrets', async () => {
    await fileOf('webhook = "https://hooks.example/T0/hush"\nwebhookSecret = "hush-hush"\n')
    const human = await runCli(['config', 'show'], { env })
    expect(human.stdout).toContain('https://hooks.example/…')
    expect(human.stdout + JSON.stringify(await show())).not.toContain('hush')
  })

  it('tells the line of a mistake', async () => {
    const file = await fileOf('notify = true\nudpPort = 0\n')
    const { code, stderr } = await runCli(['config', 'show'], { env })
    expect(code).toBe(2)
    expect(stderr).toContain(`${file}, line 2:`)
  })
})

describe('config check', () => {
  it('ends with 0 where there is nothing wrong, or nothing at all', async () => {
    const none = await runCli(['config', 'check', '--json'], { env })
    const file = await fileOf('notify = true\n')
    expect([none.code, JSON.parse(none.stdout)]).toEqual([0, { file, exists: false, settings: [] }])
    const right = await runCli(['config', 'check', '--json'], { env })
    const expected = { file, exists: true, settings: ['notify'] }
    expect([right.code, JSON.parse(right.stdout)]).toEqual([0, expected])
  })

  it.each([
    ['an unknown setting', 'notify = true\nhots = "x"\n', 2],
    ['a unit that is none', '\n\ndiskCap = "5 apples"\n', 3],
    ['a setting whose name begins like another one', 'webhookSecret = "s"\nwebhook = "x"\n', 2],
    ['a table', 'notify = true\n\n[limits]\nhost = "x"\n', 3],
    ['no TOML', 'notify = true\nhost = \n', 2],
    ['a date', 'notify = true\nudpPort = 2020-01-01\n', 2],
    ['a list of another kind', 'allowPeers = [1, 2]\n', 1],
    ['a setting that is there twice', 'notify = true\nnotify = false\n', 2],
    ['a name that objects have by themselves', 'notify = true\nconstructor = 1\n', 2],
    ['bytes that are no letters', 'notify = true\n\u0000\n', 2],
  ])('ends with 1 and the line of %s', async (_, toml, line) => {
    await writeFile(join(home, 'mine.toml'), toml)
    const result = await runCli(['config', 'check', 'mine.toml', '--json'], { env, cwd: home })
    expect(result.code).toBe(1)
    const { error } = JSON.parse(result.stderr) as { error: { code: string; message: string } }
    expect(error.code).toBe('INVALID_INPUT')
    expect(error.message).toContain(`${join(home, 'mine.toml')}, line ${line}:`)
  })

  it('ends with 1 on a file that cannot be read', async () => {
    expect(await runCli(['config', 'check', 'none.toml'], { env, cwd: home })).toMatchObject({
      code: 1,
      stdout: '',
    })
  })
})

it('config path prints where the file is looked for', async () => {
  const file = await fileOf()
  expect((await runCli(['config', 'path'], { env })).stdout).toBe(`${file}\n`)
})
