import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { timeoutSignal } from '../async.ts'
import { splitCommand } from '../config/command-line.ts'
import { HyperletterError, attempt } from '../errors.ts'
import { singleLine } from '../render/plain.ts'
import { type OutletEvent, eventOf, factsOf, type Outlet } from './outlet.ts'

export interface ProgramOutletOptions {
  /** Program and fixed arguments. */
  readonly command: string
  /** Where a program that runs `hyperletter` again finds the newsletters. */
  readonly dataDir: string
}

const TIMEOUT_MS = 60_000

/**
 * Runs a program for each issue: what it is about is in its environment, and as JSON on its input.
 * @throws INVALID_INPUT for a command that cannot be split.
 */
export function programOutlet({ command, dataDir }: ProgramOutletOptions): Outlet {
  const [program, ...args] = splitCommand(command)
  return {
    failure: 'the command for new issues failed',
    policy: { concurrency: 4 },
    deliver: ([issue], signal) =>
      runProgram(program, args, {
        env: { ...variablesOf(issue), HYPERLETTER_HOME: dataDir },
        stdin: `${JSON.stringify(issue)}\n`,
        timeoutMs: TIMEOUT_MS,
        signal,
      }),
  }
}

function variablesOf(it: OutletEvent): Record<string, string> {
  const { feedKey, newsletter, number = '', title, publishedAt, ...more } = factsOf(it)
  const { summary = '', note = '', retractedAt = '' } = more
  return {
    HYPERLETTER_EVENT: eventOf(it),
    HYPERLETTER_FEED_KEY: feedKey,
    HYPERLETTER_NEWSLETTER: singleLine(newsletter),
    HYPERLETTER_NUMBER: String(number),
    HYPERLETTER_TITLE: singleLine(title),
    HYPERLETTER_PUBLISHED_AT: publishedAt,
    HYPERLETTER_SUMMARY: singleLine(summary),
    HYPERLETTER_NOTE: singleLine(note),
    HYPERLETTER_RETRACTED_AT: retractedAt,
  }
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** Variables of this process that a program does not get. */
const SECRETS = new Set([
  'HYPERLETTER_WEBHOOK',
  'HYPERLETTER_WEBHOOK_SECRET',
  'HYPERLETTER_MAIL_SERVER',
])

/** Of what a program prints about its failure. */
const MAX_STDERR_BYTES = 300

/** How long a program may take to end when asked, before it is ended by force. */
const GRACE_MS = 2_000

/**
 * Runs a program to its end, without a shell: nothing in its arguments means anything but itself.
 * @throws INTERNAL saying why it failed; TIMEOUT; ABORTED. It is gone then, with what it started.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { env = {}, stdin = '', timeoutMs, signal }: ProgramOptions,
): Promise<void> {
  const child = spawn(program, args, {
    env: { ...withoutSecrets(process.env), ...env },
    stdio: ['pipe', 'ignore', 'pipe'],
    windowsHide: true,
    // In a group of its own, it can be ended together with what it started.
    detached: process.platform !== 'win32',
  })
  const closed = once(child, 'close')
  closed.catch(() => undefined)
  let stderr = Buffer.alloc(0)
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = Buffer.concat([stderr, chunk]).subarray(0, MAX_STDERR_BYTES)
  })
  // A program need not read its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  const end = timeoutSignal(timeoutMs, signal)
  const onEnd = () => void finish(child)
  end.addEventListener('abort', onEnd, { once: true })
  if (end.aborted) onEnd()
  try {
    await closed
  } catch (cause) {
    throw new HyperletterError('INTERNAL', `${program} cannot be run: ${String(cause)}`, { cause })
  } finally {
    end.removeEventListener('abort', onEnd)
  }
  if (signal.aborted) throw new HyperletterError('ABORTED', 'Interrupted.')
  if (end.aborted) {
    throw new HyperletterError('TIMEOUT', `${program} took longer than ${timeoutMs / 1_000} s.`)
  }
  if (child.exitCode === 0) return
  const how = child.exitCode === null ? `by ${child.signalCode}` : `with code ${child.exitCode}`
  const said = stderr.toString('utf8').trim()
  throw new HyperletterError('INTERNAL', `${program} ended ${how}${said && `: ${said}`}`)
}

async function finish(child: ChildProcess): Promise<void> {
  kill(child, 'SIGTERM')
  const timer = setTimeout(() => kill(child, 'SIGKILL'), GRACE_MS)
  await once(child, 'close').catch(() => undefined)
  clearTimeout(timer)
  // What it started may have ignored the first signal.
  kill(child, 'SIGKILL')
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  const { pid } = child
  if (pid === undefined) return
  // It fails where nobody is left.
  attempt(() => (process.platform === 'win32' ? child.kill(signal) : process.kill(-pid, signal)))
}

function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SECRETS.has(name)))
}
