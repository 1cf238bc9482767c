import { InvalidArgumentError } from 'commander'

/** Longest wait that can be asked for: a day. */
const MAX_SECONDS = 86_400

/** Parses a whole number from 1, with or without `#` before it. */
export function issueNumber(text: string): number {
  return wholeNumber(text.replace(/^#/, ''), 1, Number.MAX_SAFE_INTEGER)
}

/** Parses a number of issues. */
export function issueCount(text: string): number {
  return wholeNumber(text, 1, 1_000_000)
}

/** Parses a count of copies. */
export function copyCount(text: string): number {
  return wholeNumber(text, 0, 1_000)
}

/** Parses a terminal width. */
export function textWidth(text: string): number {
  return wholeNumber(text, 20, 1_000)
}

/** Parses a port. */
export function portNumber(text: string): number {
  return wholeNumber(text, 1, 65_535)
}

/** Parses how many lines to show. */
export function lineCount(text: string): number {
  return wholeNumber(text, 0, 1_000_000)
}

/** Parses how many results to show. */
export function resultCount(text: string): number {
  return wholeNumber(text, 1, 200)
}

/** Parses a day, or the first one of a month or year. @returns `2026-03-20` */
export function day(text: string): string {
  const {
    year,
    month = '01',
    date = '01',
  } = /^(?<year>\d{4})(?:-(?<month>\d{2})(?:-(?<date>\d{2}))?)?$/.exec(text)?.groups ?? {}
  const found = `${year}-${month}-${date}`
  const time = new Date(`${found}T00:00:00Z`)
  // Dates of February 30 and the like become others.
  if (!Number.isNaN(time.getTime()) && time.toISOString().startsWith(found)) return found
  throw new InvalidArgumentError('Give a date as 2026-03-20, 2026-03 or 2026.')
}

/** Parses a number of seconds, fractions allowed. */
export function seconds(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value > 0 && value <= MAX_SECONDS) return value
  throw new InvalidArgumentError(`Give seconds, more than 0 and at most ${MAX_SECONDS}.`)
}

/** Collects the values of an option that may be given more than once. */
export function collect<T>(parse: (text: string) => T) {
  return (text: string, before: readonly T[] | undefined): T[] => [...(before ?? []), parse(text)]
}

/** Parses `Name` or `Name <https://…>`. */
export function author(text: string): { name: string; url?: string } {
  const { name = '', url } = /^(?<name>[^<>]*?)\s*(?:<(?<url>[^<>]*)>)?$/.exec(text)?.groups ?? {}
  if (name === '') throw new InvalidArgumentError('Write "Name" or "Name <https://…>".')
  return url === undefined ? { name } : { name, url }
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
  throw new InvalidArgumentError(`Give a whole number ${range}.`)
}
