import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { runProgram, type ProgramOptions } from '../../src/outlets/program.ts'
import { expectCode } from '../helpers/errors.ts'
import { eventually } from '../helpers/swarm-peers.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const never = new AbortController().signal

const run = (script: string, args: string[] = [], options: Partial<ProgramOptions> = {}) =>
  runProgram(process.execPath, ['--eval', script, '--', ...args], {
    timeoutMs: 20_000,
    signal: never,
    ...options,
  })

/** Writes what it was given into the file that its first argument names. */
const WRITE = `
  const { writeFileSync, readFileSync } = require('node:fs')
  const [path, ...args] = process.argv.slice(1)
  writeFileSync(path, JSON.stringify({ args, env: process.env, stdin: readFileSync(0, 'utf8') }))`

interface Given {
  readonly args: string[]
  readonly env: Record<string, string>
  readonly stdin: string
}

describe('a program', () => {
  test('gets arguments, environment and input as they are', async () => {
    const path = join(await temporaryDirectory(), 'given.json')
    const evil = '$(touch /tmp/x); `id` "\'\n%PATH%'

    await run(WRITE, [path, evil], { env: { HYPERLETTER_TITLE: evil }, stdin: evil })

    const { args, env, stdin } = JSON.parse(await readFile(path, 'utf8')) as Given
    expect(args).toEqual([evil])
    expect(env['HYPERLETTER_TITLE']).toBe(evil)
    expect(env['PATH']).toBe(process.env['PATH'])
    expect(stdin).toBe(evil)
  })

  test('does not get the secret of the webhook', async () => {
    const path = join(await temporaryDirectory(), 'given.json')
    process.env['HYPERLETTER_WEBHOOK_SECRET'] = 'hush'
    try {
      await run(WRITE, [path])
    } finally {
      delete process.env['HYPERLETTER_WEBHOOK_SECRET']
    }
    expect(await readFile(path, 'utf8')).not.toContain('hush')
  })

  test('that fails is told of with what it said, cut short', async () => {
    const error = await expectCode(
      run(`console.error('no such list' + '!'.repeat(5000)); process.exitCode = 4`),
      'INTERNAL',
    )
    expect(error.message).toContain('with code 4: no such list')
    expect(error.message.length).toBeLessThan(1_000)
  })

  test('that does not exist is told of', async () => {
    await expectCode(
      runProgram('/no/such/program', [], { timeoutMs: 1_000, signal: never }),
      'INTERNAL',
    )
  })

  test('that reads nothing and says nothing is no failure', async () => {
    await expect(run('', [], { stdin: 'x'.repeat(1_000_000) })).resolves.toBeUndefined()
  })

  test.runIf(process.platform !== 'win32')(
    'that will not end is ended by force, with all that it started',
    async () => {
      const path = join(await temporaryDirectory(), 'child')
      const stubborn = `
        process.on('SIGTERM', () => {})
        const { spawn } = require('node:child_process')
        const { renameSync, writeFileSync } = require('node:fs')
        const [path] = process.argv.slice(1)
        const child = spawn('sleep', ['1000'], { stdio: 'inherit' })
        writeFileSync(path + '.new', String(child.pid))
        renameSync(path + '.new', path)
        setInterval(() => {}, 1000)`
      const end = new AbortController()
      const running = run(stubborn, [path], { signal: end.signal })
      const pid = Number(await eventually(() => readFile(path, 'utf8')))

      end.abort()

      await expectCode(running, 'ABORTED')
      await eventually(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'))
    },
  )

  test('that takes too long is ended', async () => {
    await expectCode(run('setInterval(() => {}, 1000)', [], { timeoutMs: 50 }), 'TIMEOUT')
  })

  test('is ended when asked', async () => {
    const end = new AbortController()
    const running = run('setInterval(() => {}, 1000)', [], { signal: end.signal })
    end.abort()
    await expectCode(running, 'ABORTED')
  })
})
