import { pino, type Logger } from 'pino'
import type { LogLevel } from './config.ts'

export type { Logger }

/**
 * JSON lines on stderr. Keys are fixed: `feed`, `peer` (short forms), `index`, `issue`, `sizeBytes`,
 * `durationMs`, `code`, `err`. Never key pairs, phrases, encryption keys or bodies.
 */
export function createLogger(level: LogLevel): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  )
}

/** The short form of a key in logs: enough to tell feeds and peers apart. */
export function short(key: string): string {
  return key.slice(0, 8)
}
