import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'

/** A process that is killed when the running test ends, if it has not ended before. */
export interface Child {
  readonly process: ChildProcess
  /** What it printed so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  /** Resolves with the whole line that matches. @throws if the process ends before. */
  line(pattern: RegExp): Promise<string>
  /** Resolves with the exit code, null after a signal. */
  ended(): Promise<number | null>
}

const TYPESCRIPT_LOADER = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const PEER_PROCESS = fileURLToPath(new URL('peer-process.ts', import.meta.url))

/** Runs `peer-process.ts`, which says what the arguments are. */
export function runPeer(role: 'author' | 'reader', ...args: readonly string[]): Child {
  return runTypeScript(PEER_PROCESS, role, ...args)
}

/** Runs a script of this project as it is. */
export function runTypeScript(path: string, ...args: readonly string[]): Child {
  return runNode(['--import', TYPESCRIPT_LOADER, path, ...args])
}

/** Runs Node with `args`. */
export function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  return runCommand(process.execPath, args, env)
}

/** Runs any program. */
export function runCommand(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Child {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const closed = once(child, 'close')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await closed
  })
  const find = (pattern: RegExp) =>
    stdout
      .split('\n')
      .slice(0, -1)
      .find((it) => pattern.test(it))
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = find(pattern)
          if (found !== undefined) resolve(found)
        }
        look()
        child.stdout.on('data', look)
        closed.then(
          () => reject(new Error(`It ended before it printed ${String(pattern)}: ${stderr}`)),
          reject,
        )
      }),
    ended: async () => {
      await closed
      return child.exitCode
    },
  }
}
