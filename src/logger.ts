import { createRequire } from 'node:module'
import type * as Pino from 'pino'
import { copyFileSync, fstatSync, ftruncateSync, statSync } from 'node:fs'

/** Where the parts of the program tell what happens. */
export interface Logger {
  level: string
  readonly debug: Log
  readonly info: Log
  readonly warn: Log
  readonly error: Log
}

type Log = (facts: object, what: string) => void

/** As pino orders them: a line is written if it is not below the level. */
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** Of lines that could not be written; more are dropped. */
const MAX_UNWRITTEN_CHARACTERS = 256 * 1024

/**
 * JSON lines on stderr. Keys are fixed: `feed`, `peer` (short forms), `index`, `issue`, `sizeBytes`,
 * `durationMs`, `code`, `err`. Never key pairs, phrases, encryption keys or bodies. What writes them is loaded with
 * the first line, for most commands have none.
 * @param options.file If stderr is this file, it is kept bounded.
 */
export function createLogger(
  level: Pino.LevelWithSilent,
  { file }: { readonly file?: string } = {},
): Logger {
  let writer: Pino.Logger | undefined
  const log = (method: 'debug' | 'info' | 'warn' | 'error'): Log => {
    const rank = LEVELS.indexOf(method)
    return (facts, what) => {
      if (rank < LEVELS.indexOf(logger.level)) return
      writer ??= openWriter(file)
      writer[method](facts, what)
    }
  }
  const logger: Logger = {
    level,
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
  }
  return logger
}

function openWriter(file: string | undefined): Pino.Logger {
  const { pino } = createRequire(import.meta.url)('pino') as typeof Pino
  const destination = pino.destination({ fd: 2, sync: true, maxLength: MAX_UNWRITTEN_CHARACTERS })
  // Lines that a full disk has no room for are tried again with the next one; without a listener they
  // would end the process.
  destination.on('error', () => undefined)
  const options = { level: 'trace', base: null, timestamp: pino.stdTimeFunctions.isoTime }
  if (file === undefined) return pino(options, destination)
  const bound = new LogBound(file)
  const write = (line: string) => {
    destination.write(line)
    bound.wrote(line.length)
  }
  return pino(options, { write })
}

/** The short form of a key in logs: enough to tell feeds and peers apart. */
export function short(key: string): string {
  return key.slice(0, 8)
}

/** Above this the log begins anew; the one before is kept beside it, so twice as much is on disk. */
export const MAX_LOG_BYTES = 5 * 1024 * 1024

/** Characters that are written between two looks at the size. */
const LOOK_EVERY_CHARACTERS = 64 * 1024

/** Where the log before the present one lies. */
export function olderLog(path: string): string {
  return `${path}.1`
}

/** Keeps the log file of a background daemon bounded, from inside of the process that writes it. */
export class LogBound {
  readonly #path: string
  readonly #fd: number
  #written = 0

  /** @param fd What the process writes to; only if it is the file at `path` anything happens. */
  constructor(path: string, fd = 2) {
    this.#path = path
    this.#fd = fd
    this.#look()
  }

  /** Call it after each write. */
  wrote(characters: number): void {
    this.#written += characters
    if (this.#written < LOOK_EVERY_CHARACTERS) return
    this.#written = 0
    this.#look()
  }

  #look(): void {
    try {
      const open = fstatSync(this.#fd)
      if (!open.isFile() || open.size <= MAX_LOG_BYTES) return
      const named = statSync(this.#path)
      if (named.ino !== open.ino || named.dev !== open.dev) return
      // Renamed, it would go on growing: the parent's shell or a service manager opened it, not we.
      copyFileSync(this.#path, olderLog(this.#path))
      ftruncateSync(this.#fd)
    } catch {
      // A full disk or a missing folder: the log is no reason to stop, and is looked at again.
    }
  }
}
