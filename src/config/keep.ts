import { HyperletterError } from '../errors.ts'

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

/** The policy of a newsletter that nobody chose one for. */
export const KEEP_EVERYTHING: Keep = Object.freeze({})

const DAY_MS = 86_400_000

/** A month is 30 days and a year 365: nobody counts leap days to keep a disk tidy. */
const AGE_DAYS: Readonly<Record<string, number>> = { d: 1, w: 7, m: 30, y: 365 }

/** An age of up to 4 digits, as it is stored. */
export const AGE = /^(?<amount>\d{1,4})(?<unit>[dwmy])$/

/** A calendar day, as it is stored. */
export const DAY = /^\d{4}-\d{2}-\d{2}$/

/** Whether everything stays. */
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
  throw new HyperletterError('INVALID_INPUT', `Neither an age nor a day: "${text}".`, {
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
