import { attempt, invalidInput } from '../errors.ts'
import { readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { SMALLEST_CAP_BYTES } from './values.ts'

/**
 * How much of a newsletter stays on this machine; nothing given means everything. Where several are
 * given, all of them count.
 */
export interface Keep {
  /** The newest so many issues. */
  readonly newest?: number | undefined
  /** Issues that are newer than an age (`90d`) or a day (`2026-01-31`). */
  readonly newerThan?: string | undefined
  /** Newest issues up to so many bytes. */
  readonly atMostBytes?: number | undefined
  /** Texts, without attachments. */
  readonly textOnly?: boolean | undefined
}

export const KEEP_EVERYTHING: Keep = Object.freeze({})

const DAY_MS = 86_400_000

/** A month is 30 days and a year 365: nobody counts leap days to keep a disk tidy. */
const AGE_DAYS: Readonly<Record<string, number>> = { d: 1, w: 7, m: 30, y: 365 }

/** An age of up to 4 digits, as it is stored. */
export const AGE = /^(?<amount>\d{1,4})(?<unit>[dwmy])$/

/** A calendar day, as it is stored. */
export const DAY = /^\d{4}-\d{2}-\d{2}$/

export function keepsEverything({ newest, newerThan, atMostBytes, textOnly }: Keep): boolean {
  return (
    newest === undefined &&
    newerThan === undefined &&
    atMostBytes === undefined &&
    textOnly !== true
  )
}

/** `90d`, `12w`, `6m`, `1y`, or a day. @returns it as it is stored. @throws INVALID_INPUT */
export function parseNewerThan(text: string): string {
  const wanted = text.trim().toLowerCase()
  const isAge = Number(AGE.exec(wanted)?.groups?.['amount'] ?? 0) > 0
  if (isAge || isDay(wanted)) return wanted
  throw invalidInput(`Neither an age nor a day: "${text}".`, {
    hint: 'Write for example 90d, 12w, 6m or 1y, or a day such as 2026-01-31.',
  })
}

/** When the oldest issue may have been published that still stays, in milliseconds since 1970. */
export function oldestKept(newerThan: string, nowMs: number): number {
  const { amount, unit } = AGE.exec(newerThan)?.groups ?? {}
  if (amount === undefined || unit === undefined) return Date.parse(newerThan)
  return nowMs - Number(amount) * (AGE_DAYS[unit] ?? 1) * DAY_MS
}

function isDay(text: string): boolean {
  const time = DAY.test(text) ? Date.parse(text) : Number.NaN
  // 2026-02-31 is read as a day in March.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

/** Largest cap that is chosen without a setting. */
const LARGEST_DEFAULT_BYTES = 10e9

/** Of the disk that is free at the first start. */
const DEFAULT_SHARE = 0.2

/** A disk with less room than this is full, and says so; a cap made of it would outlast that. */
const SMALLEST_DEFAULT_BYTES = 64 * 1024 * 1024

/**
 * How much of what others wrote may lie on this disk. Without a setting: the smaller of 10 GB and a fifth of
 * the disk that was free at the first start, but no less than 64 MiB. It is written down, for a share of what is free now
 * would shrink with each issue. Synchronously: every start waits for it, and threads would take longer.
 * @param config its data directory is there.
 * @returns bytes; `Infinity` for no cap
 */
export function diskCapOf(config: Pick<Config, 'dataDir' | 'diskCap'>): number {
  if (config.diskCap !== undefined) return config.diskCap
  const file = join(config.dataDir, 'disk-cap')
  const known = Number(attempt(() => readFileSync(file, 'utf8').trim()))
  if (Number.isSafeInteger(known) && known >= SMALLEST_CAP_BYTES) return known
  const share = Math.round(freeBytes(config.dataDir) * DEFAULT_SHARE)
  const capBytes = Math.max(SMALLEST_DEFAULT_BYTES, Math.min(LARGEST_DEFAULT_BYTES, share))
  remember(file, capBytes)
  return capBytes
}

// A disk that is full or read-only says so to whoever writes something that matters.
function remember(file: string, capBytes: number): void {
  const draft = `${file}.${process.pid}`
  try {
    // What lies there already is left from a crash, or a link of somebody else's that must not be followed.
    rmSync(draft, { force: true })
    writeFileSync(draft, `${capBytes}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(draft, file)
  } catch {
    // It is chosen anew at the next start.
  }
}

function freeBytes(dir: string): number {
  const { bavail, bsize } = attempt(() => statfsSync(dir)) ?? {}
  return bavail === undefined || bsize === undefined
    ? LARGEST_DEFAULT_BYTES / DEFAULT_SHARE
    : bavail * bsize
}
