import { PassThrough, Readable, Writable } from 'node:stream'
import type { Config } from '../../src/config/config.ts'
import type { Connection } from '../../src/connect.ts'
import type { Io, Services } from '../../src/cli/context.ts'
import { run } from '../../src/cli/main.ts'
import { HyperletterError } from '../../src/errors.ts'
import type { OperationName, Operations } from '../../src/api/contract/contract.ts'
import { UNSET } from './engines.ts'

/** A stream that keeps what is written to it, as a terminal if asked. */
export class Capture extends Writable {
  readonly isTTY: boolean
  readonly columns: number
  readonly rows: number
  text = ''

  constructor({ isTTY = false, columns = 80, rows = 24 } = {}) {
    super()
    this.isTTY = isTTY
    this.columns = columns
    this.rows = rows
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    this.emit('text', this.text)
    done()
  }

  /** Resolves when the text that was written matches; the test's own deadline ends a wait in vain. */
  async waitFor(pattern: RegExp): Promise<void> {
    if (pattern.test(this.text)) return
    await new Promise<void>((resolve) => {
      const check = () => {
        if (!pattern.test(this.text)) return
        this.off('text', check)
        resolve()
      }
      this.on('text', check)
    })
  }
}

/** A terminal to type into. */
export class Keyboard extends PassThrough {
  readonly isTTY = true
}

/** Operations of which a test gives those it expects; any other one fails with `INTERNAL`. */
export function fakeOperations(expected: Partial<Operations> = {}): Operations {
  return new Proxy(expected as Operations, {
    get(target, name: OperationName) {
      if (Object.hasOwn(target, name)) return target[name]
      return () => {
        throw new HyperletterError('INTERNAL', `Unexpected operation ${name}.`)
      }
    },
  })
}

/** An operation of kind `events` or `bytes` that gives `items` and then ends, by an error if there is one. */
export function streamOf<T>(items: readonly T[], error?: Error) {
  return async function* (): AsyncGenerator<T> {
    for (const it of items) yield await Promise.resolve(it)
    if (error !== undefined) throw error
  }
}

/** An operation of kind `value`. */
export function answer<T>(value: T) {
  return () => Promise.resolve(value)
}

/** A configuration that nothing reads or writes. */
export const someConfig: Config = Object.freeze({
  dataDir: '/data',
  storeDir: '/data/store',
  journalDir: '/data/journal',
  keysDir: '/data/keys',
  lettersDir: '/data/letters',
  publishedDir: '/data/published',
  logFile: '/data/daemon.log',
  socketPath: '/data/daemon.sock',
  bootstrap: undefined,
  host: undefined,
  logLevel: 'warn',
  ...UNSET,
})

export interface RunOptions {
  readonly operations?: Partial<Operations>
  readonly via?: Connection['via']
  readonly openReader?: Connection['openReader']
  readonly services?: Partial<Services>
  readonly stdin?: NodeJS.ReadableStream
  readonly stdout?: Capture
  readonly stderr?: Capture
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly signal?: AbortSignal
}

export interface RunResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** How many connections were opened, and how many of them closed. */
  readonly opened: number
  readonly closed: number
}

/** Runs one command line in this process with captured output and fake operations. */
export async function runCli(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const stdout = options.stdout ?? new Capture()
  const stderr = options.stderr ?? new Capture()
  let opened = 0
  let closed = 0
  const connection: Connection = {
    operations: fakeOperations(options.operations),
    via: options.via ?? 'engine',
    openReader: options.openReader ?? (() => Promise.reject(new Error('Unexpected reader.'))),
    close: () => {
      closed++
      return Promise.resolve()
    },
  }
  const io: Io = {
    stdin: options.stdin ?? Readable.from([]),
    stdout,
    stderr,
    env: options.env ?? {},
    cwd: options.cwd ?? '/somewhere',
    signal: options.signal ?? new AbortController().signal,
    services: {
      loadConfig: () => Promise.resolve(someConfig),
      connect: () => {
        opened++
        return Promise.resolve(connection)
      },
      openPager: () => Promise.resolve(false),
      ...options.services,
    },
  }
  const code = await run(argv, io)
  return { code, stdout: stdout.text, stderr: stderr.text, opened, closed }
}

/** The one JSON document that a run printed. */
export function jsonOf(text: string): unknown {
  return JSON.parse(text)
}
