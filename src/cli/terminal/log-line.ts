import { singleLine } from '../../render/plain.ts'
import type { Style } from './style.ts'

/** Names of pino's numbers. */
const LEVELS: Readonly<Record<number, string>> = {
  10: 'debug',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'error',
}

/**
 * One line of the daemon's log for people: time, level, words, then what belongs to them. What is not one
 * of its lines is shown as it is, but for control characters: it may hold text of strangers.
 */
export function formatLogLine(line: string, { dim, red, yellow }: Style): string {
  const { level, time, msg, error, ...rest } = fieldsOf(line)
  if (isFailure(error)) return `${red('error')} ${singleLine(error.message)}`
  if (typeof level !== 'number') return singleLine(line)
  const name = (LEVELS[level] ?? String(level)).padEnd(5)
  const paint = level >= 50 ? red : level >= 40 ? yellow : dim
  const more = Object.entries(rest).map(([key, value]) =>
    dim(` ${singleLine(key)}=${shown(value)}`),
  )
  const words = typeof msg === 'string' ? singleLine(msg) : ''
  return `${dim(localTime(time))} ${paint(name)} ${words}${more.join('')}`
}

function fieldsOf(line: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(line)
    return typeof json === 'object' && json !== null ? { ...json } : {}
  } catch {
    return {}
  }
}

function isFailure(error: unknown): error is { message: string } {
  return typeof (error as { message?: unknown } | null | undefined)?.message === 'string'
}

function localTime(time: unknown): string {
  const date = new Date(typeof time === 'string' || typeof time === 'number' ? time : Number.NaN)
  if (Number.isNaN(date.getTime())) return '-'
  const pad = (value: number) => String(value).padStart(2, '0')
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(pad).join('-')
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(':')}`
}

// Of an error its words; its stack is in the raw log.
function shown(value: unknown): string {
  const { message } = (value ?? {}) as { message?: unknown }
  if (typeof message === 'string') return singleLine(message)
  return singleLine(typeof value === 'string' ? value : JSON.stringify(value))
}
