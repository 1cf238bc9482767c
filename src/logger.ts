import { pino, type LevelWithSilent, type Logger } from 'pino'
import { LogBound } from './log-file.ts'

export type { Logger }

/** Of lines that could not be written; more are dropped. */
const MAX_UNWRITTEN_CHARACTERS = 256 * 1024

/**
 * JSON lines on stderr. Keys are fixed: `feed`, `peer` (short forms), `index`, `issue`, `sizeBytes`,
 * `durationMs`, `code`, `err`. Never key pairs, phrases, encryption keys or bodies.
 * @param options.file If stderr is this file, it is kept bounded.
 */
export function createLogger(
  level: LevelWithSilent,
  { file }: { readonly file?: string } = {},
): Logger {
  const destination = pino.destination({ fd: 2, sync: true, maxLength: MAX_UNWRITTEN_CHARACTERS })
  // Lines that a full disk has no room for are tried again with the next one; without a listener they
  // would end the process.
  destination.on('error', () => undefined)
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime }
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
