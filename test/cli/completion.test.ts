import { describe, expect, it } from 'vitest'
import { SHELLS } from '../../src/cli/commands/more/shells.ts'
import { answer, jsonOf, runCli, type RunOptions } from '../helpers/cli.ts'

const newsletter = (title: string | undefined) => ({
  feedKey: 'y'.repeat(52),
  link: `hyperletter://${'y'.repeat(52)}`,
  ...(title === undefined ? {} : { title }),
  roles: ['subscriber' as const],
  issues: 1,
  unread: 0,
  private: false,
})

const titles = ['Tide Tables', 'tides of \u001b[31mtime\n', 'News']

const services: NonNullable<RunOptions['services']> = {
  daemonStatus: answer({ running: true, socket: '/data/daemon.sock' }),
}

/** What is offered for a line; the cursor is at its end. */
async function offered(words: readonly string[], word: string, options: RunOptions = {}) {
  const { code, stdout, stderr } = await runCli(['complete', `--word=${word}`, '--', ...words], {
    operations: { listNewsletters: answer(titles.map((it) => newsletter(it))) },
    services,
    ...options,
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t')[0])
}

describe('what can stand at the cursor', () => {
  it.each([
    ['a command', [], 'dae', ['daemon']],
    ['nothing where no command begins so', [], 'zz', []],
    ['a command of a group', ['daemon'], 'sta', ['start', 'status']],
    ['a command after help', ['help'], 'sub', ['subscribe']],
    ['a command after global options', ['--json', '--data-dir', 'x'], 'inb', ['inbox']],
    ['an option', ['daemon', 'start'], '--disk', ['--disk-cap']],
    ['a global option of a command', ['list'], '--boot', ['--bootstrap']],
    ['a value of an option', ['daemon', 'start', '--notify'], '', ['on', 'off']],
    ['a value in one word with its option', ['daemon', 'run'], '--notify=of', ['--notify=off']],
    ['a log level', ['daemon', 'run', '--log-level'], 'd', ['debug']],
    ['a shell', ['completion'], 'z', ['zsh']],
    ['files', ['publish'], '', [':files']],
    ['files for an option', ['restore', '--bundle'], 'a', [':files']],
    ['folders', ['import'], '', [':folders']],
    ['folders for an option', ['save', 'x', '1', '--to'], '', [':folders']],
    ['titles, whatever their case', ['read'], 'ti', ['Tide Tables', 'tides of time']],
    ['titles for an option', ['publish', 'a.md', '--to'], 'N', ['News']],
    ['nothing where anything may stand', ['create'], '', []],
    ['nothing for a number', ['read', 'Tide Tables'], '', []],
    ['an argument that looks like an option', ['read', '--'], '--', []],
    ['nothing behind an unknown option', ['list'], '--what=', []],
  ])('is %s', async (_, words, word, expected) => {
    expect(await offered(words, word)).toEqual(expected)
  })

  it('has a summary', async () => {
    const { stdout } = await runCli(['complete', '--word=inb', '--'])
    expect(stdout).toBe('inbox\tread unread issues, newest first\n')
  })

  it('is never itself, nor anything else that is hidden', async () => {
    expect(await offered([], 'comp')).toEqual(['completion'])
  })

  it('is every command of the help', async () => {
    const commands = await offered([], '')
    const { stdout } = await runCli(['--help'])
    for (const command of commands) expect(stdout).toContain(`\n  ${command} `)
    expect(commands.length).toBeGreaterThan(25)
  })

  it('is no title without a daemon: the store is left to others', async () => {
    const result = offered(['read'], '', {
      services: {
        daemonStatus: answer({ running: false, socket: '/data/daemon.sock' }),
        connect: () => Promise.reject(new Error('Nobody may open it.')),
      },
    })
    expect(await result).toEqual([])
  })

  it('is nothing, without a complaint, when something fails', async () => {
    const failing = { daemonStatus: () => Promise.reject(new Error('No.')) }
    expect(await offered(['read'], '', { services: failing })).toEqual([])
  })
})

describe('what bash sends', () => {
  const fromBash = async (words: readonly string[], word: string) => {
    const argv = ['complete', '--shell=bash', `--word=${word}`, '--', ...words]
    const { stdout } = await runCli(argv, {
      operations: { listNewsletters: answer(titles.map((it) => newsletter(it))) },
      services,
    })
    return stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t')[0])
  }

  it.each([
    ['a value after =', ['daemon', 'run', '--notify', '='], 'o', ['on', 'off']],
    ['a value right after =', ['daemon', 'run', '--notify'], '=', ['on', 'off']],
    ['an escaped blank', ['read'], 'tide\\ t', ['Tide Tables']],
    ['an open quotation mark', ['read'], '"tide t', ['Tide Tables']],
    ['a quoted word before', ['read', '"Tide Tables"'], '', []],
    [
      'a value that was given',
      ['daemon', 'run', '--log-level', '=', 'info'],
      '--not',
      ['--notify'],
    ],
  ])('may be %s', async (_, words, word, expected) => {
    expect(await fromBash(words, word)).toEqual(expected)
  })
})

describe('completion', () => {
  it.each(SHELLS)('prints a script for %s that asks us', async (shell) => {
    const { code, stdout } = await runCli(['completion', shell])
    expect(code).toBe(0)
    expect(stdout).toContain(`hyperletter complete --shell=${shell} `)
  })

  it('refuses a shell that it does not know', async () => {
    const { code, stderr } = await runCli(['completion', 'ksh', '--json'])
    expect(code).toBe(2)
    expect(jsonOf(stderr)).toMatchObject({ error: { code: 'INVALID_INPUT' } })
  })
})
