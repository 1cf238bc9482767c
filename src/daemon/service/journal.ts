import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { HyperletterError } from '../../errors.ts'
import { UNIT } from './systemd.ts'

export interface JournalOptions {
  /** How many of the last lines. */
  readonly count: number
  /** Go on with new ones until the signal. */
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** What the daemon wrote as a service of systemd, one line each, oldest first. @throws NOT_AVAILABLE */
export async function* journalLines({
  count,
  follow,
  signal,
}: JournalOptions): AsyncGenerator<string> {
  const what = ['--user', `--unit=${UNIT}`, '--output=cat', '--quiet', '--no-pager']
  const args = [...what, `--lines=${count}`, ...(follow ? ['--follow'] : [])]
  const child = spawn('journalctl', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString().slice(0, 1_000)))
  const closed = once(child, 'close').catch((error: unknown) => void (complaint += String(error)))
  const stop = () => void child.kill()
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    yield* createInterface({ input: child.stdout })
    await closed
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
  if (child.exitCode === 0 || signal.aborted) return
  throw new HyperletterError('NOT_AVAILABLE', `The journal cannot be read: ${complaint.trim()}`)
}
