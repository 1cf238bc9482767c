import { styleText } from 'node:util'
import { singleLine } from '../../render/plain.ts'
import type { Cell } from './table.ts'

/** Longer lines are tiring to read. */
export const COMFORTABLE_WIDTH = 80

/**
 * A time for people: its local date. Midnight UTC is a date without a time, which is the same day everywhere. Text that
 * is no time comes back as one clean line.
 */
export function formatDate(iso: string): string {
  const time = new Date(iso)
  if (Number.isNaN(time.getTime())) return singleLine(iso)
  const isDay = time.getTime() % 86_400_000 === 0
  return (isDay ? dayFormat() : localFormat()).format(time)
}

// Made once: making one takes longer than a list of a thousand dates.
const localFormat = once(() => new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }))
const dayFormat = once(
  () => new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' }),
)

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** A time in words, as the clock of this machine shows it. */
export function localWords(iso: string): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(
    new Date(iso),
  )
}

/** A length of time for people, in its two largest units: `3 h 20 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3_600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const
  const first = parts.findIndex(([value]) => value > 0)
  if (first === -1) return '0 s'
  const shown = parts.slice(first, first + 2).filter(([value]) => value > 0)
  return shown.map(([value, unit]) => `${value} ${unit}`).join(' ')
}

/** `1 issue`, `3 issues`. */
export function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}

/** A title in quotation marks, as one clean line; a stand-in where none has arrived yet. */
export function quoteTitle(title: string | undefined): string {
  return title === undefined ? '(title not known yet)' : `“${singleLine(title)}”`
}

/** The start of a feed key: enough to name a newsletter, short enough to type. */
export function shortKey(feedKey: string): string {
  return feedKey.slice(0, 8)
}

/** A newsletter in a sentence: its title in quotation marks, or the start of its key. */
export function nameOf(it: {
  readonly feedKey: string
  readonly title?: string | undefined
}): string {
  return it.title === undefined ? shortKey(it.feedKey) : quoteTitle(it.title)
}

export function describeProblem(it: {
  readonly message: string
  readonly next?: string | undefined
}): string {
  return it.next === undefined ? it.message : `${it.message} ${it.next}`
}

/** An argument as it must be typed in a shell, for a hint that can be copied without harm. */
export function shellWord(text: string): string {
  const clean = singleLine(text)
  return /^[\w./:@%+=,-]+$/.test(clean) ? clean : `'${clean.replaceAll("'", `'\\''`)}'`
}

export const ISSUE_LEGEND = '● unread   ○ not downloaded   ★ starred'

export function issueMark(
  { read, held, starred }: { read: boolean; held: boolean; starred: boolean },
  style: Style,
): Cell {
  const star = starred ? '★' : ''
  if (!held) return { text: `○${star}`, style: style.yellow }
  return { text: (read ? '' : '●') + star, style: read ? style.yellow : style.green }
}

/** The title of an issue in a list, with what became of it. */
export function markedTitle(issue: {
  readonly title: string
  readonly amendedAt?: string | undefined
  readonly retractedAt?: string | undefined
  readonly corrected?: boolean | undefined
  readonly note?: string | undefined
}): string {
  const title = singleLine(issue.title)
  if (issue.retractedAt !== undefined) return `${title} (retracted)`
  if (issue.corrected === true) {
    return `${title} (corrected${issue.note === undefined ? '' : `: ${singleLine(issue.note)}`})`
  }
  return issue.amendedAt === undefined ? title : `${title} (amended)`
}

/** Wraps text in terminal styles, or leaves it as it is where colour is not wanted. */
export type Style = Readonly<Record<(typeof STYLES)[number], (text: string) => string>>

const STYLES = ['bold', 'dim', 'inverse', 'red', 'green', 'yellow', 'cyan'] as const

/** @param color False gives functions that return their text unchanged. */
export function createStyle(color: boolean): Style {
  const entries = STYLES.map((name) => [
    name,
    (text: string) =>
      color && text !== '' ? styleText(name, text, { validateStream: false }) : text,
  ])
  return Object.fromEntries(entries) as Style
}

/**
 * Whether a stream should get colour: `--no-color` and `NO_COLOR` turn it off, `FORCE_COLOR` on, and
 * otherwise a terminal that is not dumb has it.
 */
export function wantsColor(
  stream: { readonly isTTY?: boolean },
  env: NodeJS.ProcessEnv,
  flag: boolean,
): boolean {
  if (!flag || (env['NO_COLOR'] ?? '') !== '') return false
  const force = env['FORCE_COLOR']
  if (force !== undefined) return force !== '0' && force !== 'false'
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}
