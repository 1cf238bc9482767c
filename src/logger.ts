import { pino, type Logger } from 'pino'
import type { LogLevel } from './config/config.ts'

export type { Logger }

/** Of lines that could not be written; more are dropped. */
const MAX_UNWRITTEN_CHARACTERS = 256 * 1024

/**
 * JSON lines on stderr. Keys are fixed: `feed`, `peer` (short forms), `index`, `issue`, `sizeBytes`,
 * `durationMs`, `code`, `err`. Never key pairs, phrases, encryption keys or bodies.
 */
export function createLogger(level: LogLevel): Logger {
  const destination = pino.destination({ fd: 2, sync: true, maxLength: MAX_UNWRITTEN_CHARACTERS })
  // Lines that a full disk has no room for are tried again with the next one; without a listener they
  // would end the process.
  destination.on('error', () => undefined)
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

/** The short form of a key in logs: enough to tell feeds and peers apart. */
export function short(key: string): string {
  return key.slice(0, 8)
}
