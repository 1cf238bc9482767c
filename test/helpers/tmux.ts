import { execFile, spawnSync } from 'node:child_process'
import { readFile, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { waitUntil } from '../../src/async.ts'
import type { Address } from '../../src/config/config.ts'
import { LAUNCHER } from './bin.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const run = promisify(execFile)

const DEADLINE_MS = 20_000

/** A terminal as a person sees it. */
export interface Tmux {
  /** Presses keys by their names in tmux: `Enter`, `j`, `Escape`. */
  press(...keys: readonly string[]): Promise<void>
  type(text: string): Promise<void>
  resize(columns: number, rows: number): Promise<void>
  /** The lines on the screen. */
  screen(): Promise<string>
  /** All that was written to it, with its escape sequences. */
  written(): Promise<string>
  /** Resolves with the screen once it matches. @throws with the screen if it does not in time */
  shows(pattern: RegExp): Promise<string>
}

/** A shell in a terminal. */
export interface Shell extends Tmux {
  /** Types a line and Enter. */
  run(line: string): Promise<void>
  /** Text of a file in its folder. */
  file(name: string): Promise<string>
}

/** A shell in a folder that knows `hyperletter`, with its data in `data/` there and these nodes of a DHT. */
export async function shellIn(
  folder: string,
  network: readonly Address[],
  skip: (reason: string) => never,
): Promise<Shell> {
  if (spawnSync('tmux', ['-V']).status !== 0) skip('tmux is not installed')
  const bin = await temporaryDirectory()
  await symlink(LAUNCHER, join(bin, 'hyperletter'))
  const bootstrap = network.map(({ host, port }) => `${host}:${port}`).join() || '127.0.0.1:1'
  const dataDir = join(folder, 'data')
  // Also where the test failed.
  onTestFinished(async () => {
    const stop = [LAUNCHER, 'daemon', 'stop', '--quiet', '--data-dir', dataDir]
    await run(process.execPath, stop).catch(() => undefined)
  })
  const terminal = await tmux(['env', '--chdir', folder, 'bash', '--norc'], {
    rows: 40,
    env: {
      PS1: '\u0024 ',
      PATH: `${bin}:${dirname(process.execPath)}:${process.env['PATH']}`,
      HYPERLETTER_HOME: dataDir,
      HYPERLETTER_BOOTSTRAP: bootstrap,
      HYPERLETTER_LOCAL_DISCOVERY: 'off',
      XDG_CONFIG_HOME: join(folder, 'config'),
    },
  })
  return {
    ...terminal,
    async run(line) {
      await terminal.type(line)
      await terminal.press('Enter')
    },
    file: (name) => readFile(join(folder, name), 'utf8'),
  }
}

/** Runs a command line in a terminal of its own, which ends with the running test. */
export async function tmux(
  command: readonly string[],
  {
    columns = 80,
    rows = 24,
    env = {},
  }: { columns?: number; rows?: number; env?: NodeJS.ProcessEnv },
): Promise<Tmux> {
  const folder = await temporaryDirectory()
  const socket = `${folder}/tmux`
  const call = async (...args: string[]) => (await run('tmux', ['-S', socket, ...args])).stdout
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const size = ['-x', String(columns), '-y', String(rows)]
  const words = ['env', ...variables, ...command].map((it) => `'${it.replaceAll("'", `'\\''`)}'`)
  // The screen stays for a look at what the end leaves there.
  const line = `${words.join(' ')}; echo "ended: $?"; exec sleep 1000`
  await call('-f', '/dev/null', 'new-session', '-d', ...size, line)
  await call('pipe-pane', `cat > '${folder}/written'`)
  onTestFinished(() => call('kill-server').then(() => undefined))
  const screen = async () => (await call('capture-pane', '-p')).trimEnd()
  return {
    press: async (...keys) => void (await call('send-keys', ...keys)),
    type: async (text) => void (await call('send-keys', '-l', text)),
    resize: async (x, y) => void (await call('resize-window', '-x', String(x), '-y', String(y))),
    screen,
    written: () => readFile(`${folder}/written`, 'utf8'),
    async shows(pattern) {
      let last = ''
      const deadline = Date.now() + DEADLINE_MS
      for (;;) {
        last = await screen()
        if (pattern.test(last)) return last
        if (Date.now() > deadline) throw new Error(`Not ${String(pattern)} on the screen:\n${last}`)
        await waitUntil(() => false, { timeoutMs: 50 })
      }
    },
  }
}
