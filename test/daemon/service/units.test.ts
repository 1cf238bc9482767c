import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { XmlDocument } from 'libxml2-wasm'
import { describe, expect, it } from 'vitest'
import {
  daemonCommand,
  daemonEnvironment,
  commandLine,
  launchdAgent,
  systemdUnit,
} from '../../../src/daemon/service/definitions.ts'
import { serviceOf } from '../../../src/daemon/service/service.ts'
import { codeOf } from '../../../src/errors.ts'
import { someConfig } from '../../helpers/cli.ts'
import { NO_SYSTEMD_ANALYZE } from '../../helpers/systemd.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const run = promisify(execFile)

/** What a person may have called a folder. */
const ODD = `/srv/we ird %n $HOME \\ "q" 'é'`

describe('a systemd unit', () => {
  it.each([
    ['a blank', ['/bin/x', 'a b'], '/bin/x "a b"'],
    ['a specifier', ['/bin/x', '%n'], '/bin/x %%n'],
    ['a variable', ['/bin/x', '${HOME}'], '/bin/x "$${HOME}"'],
    ['quotation marks', ['/bin/x', `"'`], `/bin/x "\\"'"`],
    ['a backslash', ['/bin/x', '\\n'], '/bin/x "\\\\n"'],
    ['nothing', ['/bin/x', ''], '/bin/x ""'],
    ['a semicolon', ['/bin/x', ';'], '/bin/x ";"'],
    ['an odd program', ['/a b/%n/x'], '"/a b/%%n/x"'],
    ['a program that systemd does not take', ['/$a/"x'], '/usr/bin/env "/$$a/\\"x"'],
  ])('quotes %s', (_, command, expected) => {
    expect(commandLine(command)).toBe(expected)
  })

  it('cannot hold a line end', () => {
    let code: string | undefined
    try {
      commandLine(['/bin/x', 'a\nExecStartPre=/bin/rm'])
    } catch (error) {
      code = codeOf(error)
    }
    expect(code).toBe('INVALID_INPUT')
  })

  it('is one that systemd accepts, whatever the folders are called', async ({ skip }) => {
    skip(NO_SYSTEMD_ANALYZE !== undefined, NO_SYSTEMD_ANALYZE)
    const file = join(await temporaryDirectory(), 'hyperletter.service')
    const [runs, reload] = (['run', 'reload'] as const).map((name) =>
      daemonCommand(name, [`--data-dir=${ODD}`]),
    ) as [readonly string[], readonly string[]]
    const variables = { XDG_CONFIG_HOME: ODD }
    await writeFile(file, systemdUnit({ run: runs, reload, variables }))
    const env = { ...process.env, XDG_RUNTIME_DIR: await temporaryDirectory() }
    const { stderr } = await run('systemd-analyze', ['--user', '--man=no', 'verify', file], { env })
    expect(stderr).toBe('')
  })

  it('of the documentation, for a whole system, is one that systemd accepts', async ({ skip }) => {
    skip(NO_SYSTEMD_ANALYZE !== undefined, NO_SYSTEMD_ANALYZE)
    const root = resolve(import.meta.dirname, '../../..')
    const unit = await readFile(join(root, 'docs/service/hyperletter.service'), 'utf8')
    const launcher = join(root, 'bin/hyperletter.js')
    const file = join(await temporaryDirectory(), 'hyperletter.service')
    expect(unit).toContain('=/usr/local/bin/hyperletter ')
    await writeFile(file, unit.replaceAll('=/usr/local/bin/hyperletter ', `=${launcher} `))
    const { stderr } = await run('systemd-analyze', ['--man=no', 'verify', file])
    expect(stderr).toBe('')
  })
})

describe('a launchd agent', () => {
  it('is XML that says what was meant, whatever the folders are called', () => {
    const command = ['/usr/bin/node', `--data-dir=${ODD}<&>`]
    const text = launchdAgent({ run: command, variables: { HOME: '<&>' }, logFile: ODD })
    using document = XmlDocument.fromString(text)
    const words = document.find('/plist/dict/array/string').map((it) => it.content)
    expect(words).toEqual(command)
    const keys = document.find('/plist/dict/key').map((it) => it.content)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys).toContain('ProgramArguments')
  })
})

describe('the service of a configuration', () => {
  const given = {
    diskCap: { text: '5 GB', from: 'flag', where: '--disk-cap' },
    udpPort: { text: '5000', from: 'variable', where: 'HYPERLETTER_UDP_PORT' },
    uploadLimit: { text: '1 MB', from: 'file', where: '/config.toml' },
    webhookSecret: { text: 'hush', from: 'variable', where: 'HYPERLETTER_WEBHOOK_SECRET' },
  } as const
  const env = { XDG_CONFIG_HOME: '/home/me/.config', HOME: '/home/me' }

  it('is told what flags and variables say, not what the file does, and no secrets', () => {
    const service = serviceOf(someConfig, { given, env, platform: 'linux', hasSystemd: true })
    expect(service).toMatchObject({
      manager: 'systemd',
      file: '/home/me/.config/systemd/user/hyperletter.service',
      leftOut: ['webhookSecret'],
    })
    expect(service.text).toContain(`--data-dir=/data --udp-port=5000 "--disk-cap=5 GB"\n`)
    expect(service.text).toContain('XDG_CONFIG_HOME=/home/me/.config')
    expect(service.text).not.toContain('hush')
    expect(service.text).not.toContain('--upload-limit')
  })

  it('is an agent on macOS, and one line to use by hand elsewhere', () => {
    const on = (platform: NodeJS.Platform, hasSystemd = false) =>
      serviceOf(someConfig, { given, env, platform, hasSystemd })
    expect(on('darwin')).toMatchObject({ manager: 'launchd' })
    expect(on('darwin').file).toMatch(/\/Library\/LaunchAgents\/org\.hyperletter\.daemon\.plist$/)
    expect(on('win32')).toMatchObject({ manager: 'none', file: undefined })
    expect(on('win32').text).toMatch(/^schtasks \/Create .*\\"--disk-cap=5 GB\\""\n$/)
    expect(on('linux').text).toMatch(/^@reboot .* '--disk-cap=5 GB'\n$/)
  })

  it('starts with the flags of Node and the variables that `daemon start` gives', async () => {
    const on = (platform: NodeJS.Platform, hasSystemd = false) =>
      serviceOf(someConfig, { given, env, platform, hasSystemd }).text
    const forSystem = join(import.meta.dirname, '../../../docs/service/hyperletter.service')
    const documented = await readFile(forSystem, 'utf8')
    const variables = Object.entries(daemonEnvironment('linux'))
    expect(variables).not.toEqual([])
    for (const [name, value] of variables) {
      expect(on('linux', true)).toContain(`\nEnvironment=${name}=${value}\n`)
      expect(on('linux')).toContain(`@reboot ${name}=${value} `)
      expect(documented).toContain(`\nEnvironment=${name}=${value}\n`)
    }
    const [, flag = 'none'] = daemonCommand('run', [])
    for (const text of [on('linux', true), on('linux'), on('darwin'), on('win32')])
      expect(text).toContain(flag)
  })
})
