import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type * as CommandModule from '../src/daemon/service/definitions.ts'
import { built } from './product.ts'

/** The command as users start it. */
export const LAUNCHER = fileURLToPath(new URL('../bin/hyperletter.js', import.meta.url))

const SCRIPTS = new URL('./scripts/', import.meta.url)

/** A child that does not end when asked is killed after this. */
const STOP_DEADLINE_MS = 5_000

/** Longest run of one script; the slowest takes seconds. */
const RUN_DEADLINE_MS = 120_000

/** Longest time that a child may take to say that it is ready. */
const READY_DEADLINE_MS = 120_000

const LOOK_EVERY_MS = 100

/** A child process that stays until `stop`. */
export interface Child<T> {
  readonly pid: number
  /** What it said when it was ready. */
  readonly ready: T
  stop(): Promise<void>
}

/** Starts the child processes of a benchmark, and ends those that are left. */
export class Children {
  readonly #env: NodeJS.ProcessEnv
  readonly #running = new Set<ChildProcess>()

  /** @param env what all children get; nothing of a person's own settings should be in it. */
  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env
  }

  /** Runs a TypeScript file of `scripts/` to its end. @returns the JSON that it printed. */
  async run<T>(script: string, input: object): Promise<T> {
    const path = fileURLToPath(new URL(script, SCRIPTS))
    const child = this.#spawn(['--import', 'tsx', path, JSON.stringify(input)], 'pipe')
    const timer = setTimeout(() => child.kill('SIGKILL'), RUN_DEADLINE_MS)
    let printed = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (printed += text))
    try {
      await this.#ended(child, script)
    } finally {
      clearTimeout(timer)
    }
    return JSON.parse(printed) as T
  }

  /** Starts something that prints one line of JSON when it is ready. */
  async start<T>(
    args: readonly string[],
    variables: Readonly<Record<string, string>> = {},
  ): Promise<Child<T>> {
    const child = this.#spawn(args, 'pipe', variables)
    const { stdout } = child
    if (stdout === null || child.pid === undefined) throw new Error('The child has no output.')
    const lines = createInterface({ input: stdout })
    const line = await Promise.race([
      once(lines, 'line', { signal: AbortSignal.timeout(READY_DEADLINE_MS) }).then(
        ([text]) => text as string,
      ),
      once(child, 'exit').then(([code]) => {
        throw new Error(`${args.join(' ')} ended with ${String(code)} before it was ready.`)
      }),
    ])
    return {
      pid: child.pid,
      ready: JSON.parse(line) as T,
      stop: () => stop(child),
    }
  }

  /** Starts the command with arguments and waits until it is ready. */
  startCommand<T>(args: readonly string[]): Promise<Child<T>> {
    return this.start([LAUNCHER, ...args])
  }

  /** Starts a daemon with what `daemon start` and a service give it, and waits until it is ready. */
  async startDaemon<T>(flags: readonly string[]): Promise<Child<T>> {
    const path = 'daemon/service/definitions.js'
    const { daemonCommand, daemonEnvironment } = await built<typeof CommandModule>(path)
    const [, ...args] = daemonCommand('run', flags)
    return this.start(args, daemonEnvironment())
  }

  /** Wall time of one run of Node with these arguments, from the start to the exit, in ms. */
  async time(args: readonly string[]): Promise<number> {
    const start = performance.now()
    await this.#ended(this.#spawn(args, 'ignore'), args.join(' '))
    return performance.now() - start
  }

  /** The most memory that one run of the command has resident, in MB; NaN where the system does not tell. */
  async peakMb(args: readonly string[]): Promise<number> {
    const child = this.#spawn([LAUNCHER, ...args], 'ignore')
    let peakMb = NaN
    const look = async () => {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
      const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
      if (kibibytes !== undefined) peakMb = (Number(kibibytes) * 1_024) / 1e6
    }
    const timer = setInterval(() => void look(), LOOK_EVERY_MS)
    try {
      await this.#ended(child, args.join(' '))
    } finally {
      clearInterval(timer)
    }
    return peakMb
  }

  /** Ends every child that still runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map(stop))
  }

  #spawn(
    args: readonly string[],
    stdout: 'pipe' | 'ignore',
    variables: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    const child = spawn(process.execPath, args, {
      env: { ...variables, ...this.#env },
      stdio: ['ignore', stdout, stdout === 'ignore' ? 'ignore' : 'inherit'],
    })
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    return child
  }

  async #ended(child: ChildProcess, what: string): Promise<void> {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
    if (code !== 0) throw new Error(`${what} ended with ${code ?? signal}.`)
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
  child.kill('SIGTERM')
  await once(child, 'exit')
  clearTimeout(timer)
}
