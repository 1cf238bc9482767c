import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { findChromium } from '../../src/cli/commands/more/headless-browser.ts'
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

it('keeps compiled code where no other user can put any', async () => {
  const preload = `data:text/javascript,import module from 'node:module'; module.enableCompileCache = (it) => process.stderr.write(String(it))`
  const caches = await temporaryDirectory()
  const kept = async (env: NodeJS.ProcessEnv) => {
    const args = ['--import', preload, launcher, '--version']
    return text(
      spawn(process.execPath, args, { env: { PATH: process.env['PATH'], ...env } }).stderr,
    )
  }
  expect(await kept({ XDG_CACHE_HOME: caches })).toBe(join(caches, 'hyperletter'))
  expect((await stat(join(caches, 'hyperletter'))).mode & 0o777).toBe(0o700)
  expect(await kept({ HOME: caches })).toBe(join(caches, '.cache', 'hyperletter'))
  expect(await kept({})).toBe('')
})

it('sends to stderr what a library prints on the console', async () => {
  const preload = `data:text/javascript,process.on('exit', () => console.log('two histories'))`
  const child = spawn(process.execPath, ['--import', preload, launcher, '--version'])
  const [output, complaints] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(output).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(complaints).toContain('two histories')
})

it.each([
  ['daemon', 'run', '--help'],
  ['--json', 'daemon', 'run', '--help'],
])('keeps the heap of a daemon small: %j %j %j', async (...argv) => {
  const preload = `data:text/javascript,import v8 from 'node:v8'; v8.setFlagsFromString = (it) => process.stderr.write(it)`
  const child = spawn(process.execPath, ['--import', preload, launcher, ...argv])
  expect(await text(child.stderr)).toContain('--heap-growing-percent')
})

it('plays the demo to its end', async () => {
  const child = start('demo', '--json')
  const [story, complaints, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    exitCode(child),
  ])
  expect({ complaints, code }).toEqual({ complaints: '', code: 0 })
  const inBrowser = findChromium(process.env) !== undefined
  expect(jsonOf(story)).toMatchObject({ steps: { length: 8 }, inBrowser })
}, 90_000)

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

it('names the system library that is missing', async () => {
  // What the loader of Debian says where libatomic1 is not installed.
  const preload = `data:text/javascript,const load = process.dlopen; process.dlopen = (...args) => { if (!args[1].includes('rocksdb')) return load.call(process, ...args); throw Object.assign(new Error(
    'libatomic.so.1: cannot open shared object file: No such file or directory'), { code: 'ERR_DLOPEN_FAILED' }) }`
  const args = ['--import', preload.replaceAll('\n', ''), launcher, 'list', '--json', '--data-dir']
  const child = spawn(process.execPath, [...args, await temporaryDirectory()])
  const [complaints, code] = await Promise.all([text(child.stderr), once(child, 'close')])
  expect(jsonOf(complaints)).toMatchObject({
    error: { code: 'MISSING_LIBRARY', message: 'A system library is missing: libatomic.so.1.' },
  })
  expect(code[0]).toBe(1)
})

it.for([
  ['--host', '999.1.1.1', 'Not an IP address'],
  ['--data-dir', '/proc/x', 'Cannot use the directory /proc/x'],
] as const)('refuses %s %s with words', async ([flag, value, words], { skip }) => {
  skip(!isLinux, 'needs Linux')
  const child = start('list', '--json', flag, value)
  const [complaints, code] = await Promise.all([text(child.stderr), exitCode(child)])
  expect(jsonOf(complaints)).toMatchObject({ error: { code: 'INVALID_INPUT' } })
  expect(complaints).toContain(words)
  expect(code).toBe(2)
})

const isLinux = process.platform === 'linux'
const isRoot = isLinux && process.getuid?.() === 0

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

it.for(['--help', '--version', 'list', 'list --json'])(
  'fails when `%s` cannot be written to a full device',
  async (command, { skip }) => {
    skip(!isLinux, 'needs Linux')
    const { complaints, code } = await shell(`$HL ${command} > /dev/full`)
    expect(code).toBe(1)
    expect(complaints).toContain('No space is left to write the output.')
  },
)

it('ends a watch when its reader is gone', async ({ skip }) => {
  skip(!isLinux, 'needs Linux')
  expect(await shell('$HL watch --json --quiet | true')).toMatchObject({ code: 0, complaints: '' })
})

it('needs neither a home nor an account where the data folder is given', async ({ skip }) => {
  skip(!isRoot, 'needs root on Linux')
  const dir = await temporaryDirectory()
  const asStranger = 'env -u HOME -u XDG_CONFIG_HOME setpriv --reuid 54321 --clear-groups'
  const { output, code } = await shell(
    `chown 54321 ${dir} && ${asStranger} $HL list --json --data-dir ${dir}/data`,
    dir,
  )
  expect({ output, code }).toEqual({ output: '[]\n', code: 0 })
  const { complaints } = await shell(`unset HYPERLETTER_HOME; ${asStranger} $HL list`, '/')
  expect(complaints).toContain('This user has no home directory.')
})

it('says whose a data folder is', async ({ skip }) => {
  skip(!isRoot, 'needs root on Linux')
  const dir = await temporaryDirectory()
  const { complaints, code } = await shell(`chown 54321 ${dir} && $HL list --data-dir ${dir}`)
  expect(code).toBe(2)
  expect(complaints).toContain('belongs to user 54321, and this process runs as user 0')
  expect(complaints).toContain(`chown -R 0 '${dir}'`)
})

it('works in a folder that was deleted', async ({ skip }) => {
  skip(!isLinux, 'needs Linux')
  const cwd = await temporaryDirectory()
  const gone = 'mkdir gone && cd gone && rmdir ../gone &&'
  expect(await shell(`${gone} $HL list --json`, cwd)).toMatchObject({ code: 0, output: '[]\n' })
  const { code, complaints } = await shell(`${gone} $HL import letters`, cwd)
  expect(code).toBe(2)
  expect(complaints).toContain('The working directory no longer exists.')
})

it('finds the daemon of a folder with a long path in any environment', async ({ skip }) => {
  skip(process.platform === 'win32', 'needs a Unix socket')
  const home = join(await temporaryDirectory(), 'a-folder-with-a-long-name/'.repeat(5))
  const run = await temporaryDirectory()
  const hl = `$HL --data-dir '${home}'`
  const { output, code } = await shell(
    `XDG_RUNTIME_DIR='${run}' ${hl} daemon start --json --quiet >&2 &&
     env -u XDG_RUNTIME_DIR ${hl} daemon status --json
     XDG_RUNTIME_DIR='${run}' ${hl} daemon stop --quiet >&2`,
  )
  expect(jsonOf(output)).toMatchObject({ running: true })
  expect(code).toBe(0)
})
