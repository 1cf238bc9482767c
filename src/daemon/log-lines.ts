import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { HyperletterError, ifMissing } from '../errors.ts'
import { olderLog } from '../logger.ts'
import { UNIT } from './service/definitions.ts'

/** How long new lines may wait. */
const LOOK_EVERY_MS = 250

const LINE_FEED = 0x0a

/** The end of a log, oldest line first. */
export interface LogEnd {
  readonly lines: readonly string[]
  /** Where the last of them ends in the file, in bytes. */
  readonly at: number
}

/** The last `count` lines of a daemon's log; none if there is no log. */
export async function lastLines(path: string, count: number): Promise<LogEnd> {
  const bytes = await contentOf(path)
  const at = bytes.lastIndexOf(LINE_FEED) + 1
  const found = linesOf(bytes.subarray(0, at))
  const before = found.length >= count ? [] : linesOf(await contentOf(olderLog(path)))
  return {
    lines: [...before, ...found].slice(Math.max(0, before.length + found.length - count)),
    at,
  }
}

/** Lines as they are written from `start` on, until the signal; also after the log began anew. */
export async function* followLines(
  path: string,
  start: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let at = start
  while (!signal.aborted) {
    const sizeBytes = await sizeOf(path)
    // The log began anew.
    if (sizeBytes < at) at = 0
    if (sizeBytes > at) {
      const bytes = await bytesOf(path, at, sizeBytes - at)
      // A line may be in the middle of being written, and so may a letter.
      const end = bytes.lastIndexOf(LINE_FEED) + 1
      at += end
      for (const line of linesOf(bytes.subarray(0, end))) yield line
    }
    await wait(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
}

function linesOf(bytes: Buffer): readonly string[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((it) => it !== '')
}

function contentOf(path: string): Promise<Buffer> {
  return readFile(path).catch(ifMissing(Buffer.alloc(0)))
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  return found?.size ?? 0
}

async function bytesOf(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

export interface JournalOptions {
  readonly count: number
  /** Go on with new ones until the signal. */
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** What the daemon has logged as a systemd service, one line each, oldest first. @throws NOT_AVAILABLE */
export async function* journalLines(options: JournalOptions): AsyncGenerator<string> {
  const { count, follow, signal } = options
  const what = ['--user', `--unit=${UNIT}`, '--output=cat', '--quiet', '--no-pager']
  const args = [...what, `--lines=${count}`, ...(follow ? ['--follow'] : [])]
  const child = spawn('journalctl', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString().slice(0, 1_000)))
  const closed = once(child, 'close').catch((error: unknown) => void (stderr += String(error)))
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
  throw new HyperletterError('NOT_AVAILABLE', `The journal cannot be read: ${stderr.trim()}`)
}
