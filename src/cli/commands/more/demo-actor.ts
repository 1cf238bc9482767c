import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { HyperletterError, attempt } from '../../../errors.ts'
import { PACKAGE } from '../../../places.ts'

type Child = ChildProcessByStdio<null, Readable, Readable>

const LAUNCHER = fileURLToPath(new URL('bin/hyperletter.js', PACKAGE))

interface ActorOptions {
  readonly dataDir: string
  /** `host:port` of the private network. */
  readonly bootstrap?: string | undefined
  readonly signal: AbortSignal
}

/**
 * Somebody with a machine of their own: a data directory, and commands that run in processes of their
 * own, exactly as a person would run them.
 */
export class Actor {
  readonly #options: ActorOptions
  #background: Child | undefined

  constructor(options: ActorOptions) {
    this.#options = options
  }

  /** Runs a command to its end and gives its JSON result. @throws what the command reported */
  async run<T>(...args: readonly string[]): Promise<T> {
    const child = this.#spawn(args)
    const [out, err] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    if (child.exitCode === 0) return JSON.parse(out) as T
    throw failure(args, err)
  }

  /** Starts a command that stays, and gives the first line it prints, as JSON. */
  async start<T>(...args: readonly string[]): Promise<T> {
    const child = this.#spawn(args)
    this.#background = child
    for await (const line of createInterface({ input: child.stdout })) {
      return JSON.parse(line) as T
    }
    throw failure(args, await text(child.stderr))
  }

  /** Ends what `start` started without any warning, as a power cut would. Returns when it is gone. */
  async kill(): Promise<void> {
    const child = this.#background
    this.#background = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  #spawn(args: readonly string[]): Child {
    const { dataDir, bootstrap, signal } = this.#options
    signal.throwIfAborted()
    const network = bootstrap === undefined ? [] : ['--bootstrap', bootstrap]
    const flags = ['--json', '--data-dir', dataDir, ...network]
    const child = spawn(process.execPath, [LAUNCHER, ...args, ...flags], {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      windowsHide: true,
    })
    // An aborted child reports it here; the caller notices by the missing result.
    child.on('error', () => undefined)
    return child
  }
}

function failure(args: readonly string[], stderr: string): HyperletterError {
  const line = stderr.trim().split('\n').at(-1) ?? ''
  const json = attempt(() => JSON.parse(line) as { error: unknown })
  return json === undefined
    ? new HyperletterError('INTERNAL', `hyperletter ${args[0]} failed: ${line}`)
    : HyperletterError.fromJSON(json.error)
}
