import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { waitUntil } from '../../src/async.ts'
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
