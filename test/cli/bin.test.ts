import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { jsonOf } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

// The launcher runs what was built: `npm test` builds first.
const launcher = resolve(import.meta.dirname, '../../bin/hyperletter.js')

const start = (...argv: string[]) =>
  spawn(process.execPath, [launcher, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] })

const exitCode = async (child: ReturnType<typeof start>): Promise<unknown> => {
  const [code] = (await once(child, 'close')) as unknown[]
  return code
}

it('runs a command and ends with its exit code', async () => {
  const good = start('--version')
  const [version, code] = await Promise.all([text(good.stdout), exitCode(good)])
  expect(version).toMatch(/^\d+\.\d+\.\d+/)
  expect(code).toBe(0)

  const wrong = start('lst', '--json')
  const [error, wrongCode] = await Promise.all([text(wrong.stderr), exitCode(wrong)])
  expect(jsonOf(error)).toMatchObject({ error: { code: 'INVALID_INPUT' } })
  expect(wrongCode).toBe(2)
})

it('sends to stderr what a library prints on the console', async () => {
  const preload = `data:text/javascript,process.on('exit', () => console.log('two histories'))`
  const child = spawn(process.execPath, ['--import', preload, launcher, '--version'])
  const [output, complaints] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(output).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(complaints).toContain('two histories')
})

it('ends quietly when nobody reads its output', async () => {
  const child = start('--help')
  child.stdout.destroy()
  const [complaints, code] = await Promise.all([text(child.stderr), exitCode(child)])
  expect({ complaints, code }).toEqual({ complaints: '', code: 0 })
})

it.each(['SIGINT', 'SIGTERM'] as const)('stops in order on %s', async (signal) => {
  const child = start('dht', '--quiet')
  const closed = exitCode(child)
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  expect(jsonOf(line.toString())).toMatchObject({ host: '127.0.0.1' })
  child.kill(signal)
  expect(await closed).toBe(0)
})

const onLinux = it.runIf(process.platform === 'linux')

/** Runs a line of `sh` in which `$HL` is the program; for what only a shell can open. */
async function shell(line: string, cwd?: string) {
  const env = {
    ...process.env,
    HL: `${process.execPath} ${launcher}`,
    HYPERLETTER_HOME: join(await temporaryDirectory(), 'data'),
    HYPERLETTER_BOOTSTRAP: '127.0.0.1:9',
  }
  const child = spawn('sh', ['-c', line], { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, complaints, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close').then(([it]: unknown[]) => it),
  ])
  return { output, complaints, code }
}

onLinux.each(['--help', '--version', 'list', 'list --json'])(
  'fails when `%s` cannot be written to a full device',
  async (command) => {
    const { complaints, code } = await shell(`$HL ${command} > /dev/full`)
    expect(code).toBe(1)
    expect(complaints).toContain('No space is left to write the output.')
  },
)

onLinux('ends a watch when its reader is gone', async () => {
  expect(await shell('$HL watch --json --quiet | true')).toMatchObject({ code: 0, complaints: '' })
})

onLinux('works in a folder that was deleted', async () => {
  const cwd = await temporaryDirectory()
  const gone = 'mkdir gone && cd gone && rmdir ../gone &&'
  expect(await shell(`${gone} $HL list --json`, cwd)).toMatchObject({ code: 0, output: '[]\n' })
  const { code, complaints } = await shell(`${gone} $HL import letters`, cwd)
  expect(code).toBe(2)
  expect(complaints).toContain('The working directory no longer exists.')
})
