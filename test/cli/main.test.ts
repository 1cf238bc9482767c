import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../src/errors.ts'
import { answer, Capture, jsonOf, runCli, someConfig } from '../helpers/cli.ts'

const COMMANDS = [
  'create',
  'publish',
  'import',
  'subscribe',
  'inbox',
  'list',
  'issues',
  'read',
  'save',
  'fetch',
  'watch',
  'unsubscribe',
  'status',
  'seed',
  'unseed',
  'daemon',
  'daemon start',
  'daemon stop',
  'daemon status',
  'daemon run',
  'daemon reload',
  'daemon logs',
  'daemon install',
  'daemon uninstall',
  'config show',
  'config check',
  'config path',
  'completion',
  'man',
  'dht',
]

/** A pipe whose other end was closed. */
class ClosedPipe extends Capture {
  override _write(_chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  }
}

class FailedDisk extends Capture {
  override _write(_chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    done(Object.assign(new Error('i/o error, write'), { code: 'EIO' }))
  }
}

describe('help', () => {
  it('welcomes who gives no command', async () => {
    const { code, stdout, stderr } = await runCli([])
    expect(code).toBe(0)
    expect(stdout).toContain('hyperletter demo')
    expect(stderr).toBe('')
  })

  it('names every command', async () => {
    const { code, stdout } = await runCli(['--help'])
    expect(code).toBe(0)
    for (const command of COMMANDS) expect(stdout).toContain(`  ${command.split(' ')[0]} `)
  })

  it.each(COMMANDS)('of `%s` gives an example and the global options', async (command) => {
    const { code, stdout } = await runCli([...command.split(' '), '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`$ hyperletter ${command}`)
    expect(stdout).toContain('--data-dir')
  })

  it('of a command begins with the words of the list', async () => {
    const { stdout: list } = await runCli(['--help'])
    const { stdout } = await runCli(['import-opml', '--help'])
    expect(list).toContain('follow every newsletter in an OPML file\n')
    expect(stdout).toContain('\n\nFollow every newsletter in an OPML file.\n')
  })

  it('fits a narrow terminal', async () => {
    for (const command of ['retract', '']) {
      const stdout = new Capture({ isTTY: true, columns: 75 })
      await runCli([command, '--help'].filter(Boolean), { stdout })
      const help = stdout.text.replaceAll(/^ {2}\$ .+\n/gm, '')
      expect(help).toMatch(/A retraction is permanent|withdraw an issue/)
      expect(help.split('\n').filter((line) => line.length > 75)).toEqual([])
    }
  })

  it('does not show the former name of a command, which still works', async () => {
    const { stdout } = await runCli(['--help'])
    expect(stdout).not.toMatch(/^ {2}feeds /m)
    const { stdout: own } = await runCli(['feeds', '--help'])
    expect(own).toContain('$ hyperletter web-feeds')
  })

  it('prints the version', async () => {
    const { code, stdout } = await runCli(['--version'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('wrong usage', () => {
  it.each([
    ['an unknown command', ['lst']],
    ['an unknown option', ['list', '--jsn']],
    ['an option in the place of a value', ['export', 'Tide', '--site', '--json']],
    ['help in the place of a value', ['read', 'Tide', '--width', '--help']],
    ['a missing argument', ['create']],
    ['an argument too many', ['list', 'more']],
    ['an issue number that is none', ['read', 'Tides', 'three']],
    ['an issue number of 0', ['read', 'Tides', '0']],
    ['a negative timeout', ['subscribe', 'key', '--timeout', '-3']],
    ['two formats at once', ['read', 'Tides', '--html', '--markdown']],
    ['a group without a command', ['daemon']],
  ])('ends with 2 on %s', async (_, argv) => {
    const { code, stdout, stderr, opened } = await runCli(argv)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).not.toBe('')
    expect(opened).toBe(0)
  })

  it('suggests a command that is spelled alike', async () => {
    const { stderr } = await runCli(['lst'])
    expect(stderr).toContain('list')
    expect(stderr).toContain('next:')
  })

  it.each(['help daemon start', 'daemon help start', 'daemon start --help'])(
    'shows the help of a command of a group for %s',
    async (argv) => {
      const { stdout } = await runCli(argv.split(' '))
      expect(stdout).toMatch(/^Usage: hyperletter daemon start /)
    },
  )

  it.each([
    [['lst'], 'hyperletter --help'],
    [['help', 'lst'], 'hyperletter --help'],
    [['lst', '--help'], 'hyperletter --help'],
    [['help', 'daemon', 'strt'], 'hyperletter daemon --help'],
    [['list', '--jsn'], 'hyperletter list --help'],
    [['--no-color', 'read', 'Tides', 'three'], 'hyperletter read --help'],
    [['daemon', 'start', '--disk-cap'], 'hyperletter daemon start --help'],
  ])('names the help of the command for %j', async (argv, help) => {
    expect((await runCli(argv)).stderr).toContain(`next: Run \`${help}\` `)
  })

  it('is told as JSON with --json', async () => {
    const { code, stderr } = await runCli(['lst', '--json'])
    expect(code).toBe(2)
    expect(jsonOf(stderr)).toMatchObject({ error: { code: 'INVALID_INPUT' } })
  })
})

describe('errors', () => {
  const listNewsletters = () =>
    Promise.reject(new HyperletterError('STORE_BUSY', 'In use by \u001b[31mrm\u0007.'))

  it('are words and a next step, without control characters', async () => {
    const { code, stdout, stderr, closed } = await runCli(['list'], {
      operations: { listNewsletters },
    })
    expect(code).toBe(3)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^error: In use by rm\.\nnext: /)
    expect(closed).toBe(1)
  })

  it('are JSON with --json', async () => {
    const { code, stdout, stderr } = await runCli(['--json', 'list'], {
      operations: { listNewsletters },
    })
    expect(code).toBe(3)
    expect(stdout).toBe('')
    expect(jsonOf(stderr)).toMatchObject({
      error: { code: 'STORE_BUSY', hint: expect.any(String) as string },
    })
  })

  it('have a next step that can be pasted: it names the newsletter that was asked for', async () => {
    const missing = () => Promise.reject(new HyperletterError('ISSUE_NOT_FOUND', 'No issue 9.'))
    const { stderr } = await runCli(['read', "Mara's tides", '9'], {
      operations: { readIssue: missing },
    })
    expect(stderr).toContain(`Run \`hyperletter issues 'Mara'\\''s tides'\` to see the numbers.`)
  })

  it('of an unknown kind end with 1 and show where they come from with --verbose', async () => {
    const broken = () => Promise.reject(new TypeError('broken'))
    const { code, stderr } = await runCli(['list', '--verbose'], {
      operations: { listNewsletters: broken },
    })
    expect(code).toBe(1)
    expect(stderr).toContain('caused by: TypeError: broken')
  })

  it('of closing are reported when all else went well', async () => {
    const close = () => Promise.reject(new HyperletterError('DISK_FULL', 'No space.'))
    const { code } = await runCli(['list'], {
      services: {
        connect: () =>
          Promise.resolve({
            operations: { listNewsletters: answer([]) } as never,
            via: 'engine',
            openReader: () => Promise.reject(new Error('Unexpected reader.')),
            close,
          }),
      },
    })
    expect(code).toBe(1)
  })
})

describe('interruption', () => {
  it('ends with 130, whatever the work says', async () => {
    const interrupt = new AbortController()
    const { code, stderr, closed } = await runCli(['status', '--json'], {
      signal: interrupt.signal,
      operations: {
        status: (_, options) =>
          new Promise((_resolve, reject) => {
            options?.signal?.addEventListener('abort', () => reject(new Error('socket hang up')))
            interrupt.abort()
          }),
      },
    })
    expect(code).toBe(130)
    expect(jsonOf(stderr)).toMatchObject({ error: { code: 'ABORTED' } })
    expect(closed).toBe(1)
  })
})

describe('output that nobody reads', () => {
  it('ends quietly', async () => {
    const stdout = new ClosedPipe()
    const { code, stderr, closed } = await runCli(['list'], {
      stdout,
      operations: { listNewsletters: answer([]) },
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(closed).toBe(1)
  })

  it('ends quietly for help too', async () => {
    const stdout = new ClosedPipe()
    expect(await runCli(['--help'], { stdout })).toMatchObject({ code: 0, stderr: '' })
  })

  it('is a failure where it could not be written', async () => {
    const options = { stdout: new FailedDisk(), operations: { listNewsletters: answer([]) } }
    const { code, stderr } = await runCli(['list', '--json'], options)
    expect(code).toBe(1)
    expect(jsonOf(stderr)).toMatchObject({ error: { code: 'OUTPUT_FAILED' } })
  })

  it('on stderr does not stop the work', async () => {
    const stderr = new ClosedPipe()
    const { code, stdout } = await runCli(['list'], {
      stderr,
      operations: { listNewsletters: answer([]) },
    })
    expect(code).toBe(0)
    expect(stdout).toBe('No newsletters yet.\n')
  })
})

describe('global options', () => {
  it.each([
    ['before', ['--data-dir', '/d', '--bootstrap', 'h:1', '--host', '::1', '--verbose', 'list']],
    ['after', ['list', '--data-dir', '/d', '--bootstrap', 'h:1', '--host', '::1', '--verbose']],
  ])('are taken %s the command', async (_, argv) => {
    const seen: unknown[] = []
    const env = { HYPERLETTER_HOME: '/e' }
    const { code } = await runCli(argv, {
      env,
      operations: { listNewsletters: answer([]) },
      services: {
        loadConfig: (flags, given) => {
          seen.push(flags, given)
          return Promise.resolve(someConfig)
        },
      },
    })
    expect(code).toBe(0)
    expect(seen).toEqual([{ dataDir: '/d', bootstrap: 'h:1', host: '::1', logLevel: 'debug' }, env])
  })

  it('--quiet leaves only the result', async () => {
    const operations = { listNewsletters: answer([]) }
    expect((await runCli(['list'], { operations })).stderr).toContain('next:')
    expect((await runCli(['list', '--quiet'], { operations })).stderr).toBe('')
  })

  it.each([
    ['a terminal', true, {}, [], true],
    ['a pipe', false, {}, [], false],
    ['a pipe and FORCE_COLOR', false, { FORCE_COLOR: '1' }, [], true],
    ['NO_COLOR', true, { NO_COLOR: '1' }, [], false],
    ['--no-color', true, { FORCE_COLOR: '1' }, ['--no-color'], false],
    ['a dumb terminal', true, { TERM: 'dumb' }, [], false],
  ])('colour for %s', async (_, isTTY, env, flags, expected) => {
    const { stdout } = await runCli(['list', ...flags], {
      env,
      stdout: new Capture({ isTTY }),
      operations: {
        listNewsletters: answer([
          {
            feedKey: 'y'.repeat(52),
            link: `hyperletter://${'y'.repeat(52)}`,
            roles: ['author' as const],
            issues: 1,
            unread: 0,
            private: false,
          },
        ]),
      },
    })
    expect(stdout.includes('\u001b[')).toBe(expected)
  })
})
