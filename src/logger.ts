import { createRequire } from 'node:module'
import type * as Pino from 'pino'
import { LogBound } from './log-file.ts'

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
