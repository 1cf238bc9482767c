/** Minutes east of UTC of zone names, as they stand in dates that people write. */
const ZONES: ReadonlyMap<string, number> = new Map(
  `z 0, ut 0, utc 0, gmt 0, wet 0, west 60, bst 60, cet 60, cest 120, mez 60, mesz 120, eet 120, eest 180, sast 120,
  msk 180, ist 330, hkt 480, sgt 480, awst 480, jst 540, kst 540, acst 570, aest 600, acdt 630, aedt 660, nzst 720,
  nzdt 780, est -300, edt -240, cst -360, cdt -300, mst -420, mdt -360, pst -480, pdt -420, akst -540, akdt -480,
  hst -600, brt -180, art -180`
    .split(',')
    .map((it) => it.trim().split(' '))
    .map(([name = '', minutes]) => [name, Number(minutes)]),
)

/** Languages whose names of months are known; where two disagree, the first one counts. */
const LANGUAGES = 'en fr de es it pt nl sv da nb fi pl cs hu ro tr ru uk el'.split(' ')

/** The same zone may follow in other words: Go writes `+0000 UTC`, Java `+01:00[Europe/Paris]`. */
const ZONE = String.raw`(?<zone>(?:GMT|UTC)?\s*[+-]\s*\d{1,2}(?::?\d{2})?|[A-Za-z]+(?:\/[A-Za-z_]+)+|[A-Za-z]{1,4})(?:\s*(?:\[[\w/+-]+\]|[A-Za-z]{1,5}|[+-]\d{4}))?`
const TIME = new RegExp(
  String.raw`(?:[T,_-]|\s)\s*(?:at\s+)?(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?(?:\s*(?<half>[ap])\.?m\b\.?)?(?:\s*${ZONE})?(?:\s*\([^()]*\))?$`,
  'iu',
)

const YEAR_FIRST = /^(?<year>\d{4})(?<mark>[-/._])(?<month>\d{1,2})\k<mark>(?<day>\d{1,2})$/
const COMPACT = /^(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})$/
const CJK = /^(?<year>\d{4})\s?[年년]\s?(?<month>\d{1,2})\s?[月월]\s?(?<day>\d{1,2})\s?[日일]?$/
const YEAR_LAST = /^(?<first>\d{1,2})(?<mark>[-/.])\s?(?<second>\d{1,2})\k<mark>\s?(?<year>\d{4})$/
const WEEK = /^(?<year>\d{4})-?W(?<week>\d{2})(?:-?(?<weekday>[1-7]))?$/
const WEEKDAY = String.raw`(?:\p{L}{2,12}\.?,?\s+)?`
const MONTH = String.raw`(?<name>\p{L}{3,12})\.?`
const DAY = String.raw`(?<day>\d{1,2})(?:st|nd|rd|th|er|º|\.)?`
const OF = String.raw`(?:\s+(?:de|of))?`
const DAY_FIRST = new RegExp(
  String.raw`^${WEEKDAY}${DAY}${OF}[\s-]+${MONTH},?${OF}[\s-]+(?<year>\d{4}|\d{2})$`,
  'iu',
)
const MONTH_FIRST = new RegExp(String.raw`^${WEEKDAY}${MONTH}\s+${DAY},?\s+(?<year>\d{4})$`, 'iu')

const SECONDS = /^-?\d{9,10}(?:\.\d+)?$/
const MILLISECONDS = /^\d{12,13}$/

/** `date` of Unix puts the year last: `Thu Jan  2 10:00:00 CET 2020`. */
const YEAR_AFTER_TIME =
  /^(?<date>\p{L}{3,9}\s+\p{L}{3,9}\s+\d{1,2})(?<time>\s+\d{1,2}:\d{2}\S*.*?)\s+(?<year>\d{4})$/u

/**
 * A date as people and programs write it: ISO 8601, RFC 2822, `2013-06-07 18:46`, `Feb 3rd, 2020`, `13.02.2020`,
 * `3 mars 2020`, `2020年1月2日`, `2020-W05`, seconds since 1970 and others. Without a zone it is UTC.
 * @returns ISO 8601 in UTC; undefined if it is no date, one that no calendar has, or one like 02/03/2020, which may
 * mean two days.
 */
export function parseDate(text: string): string | undefined {
  const trimmed = unquoted(text)
  if (trimmed.length > 80 || !/\d/.test(trimmed)) return undefined
  return parseUsual(trimmed) ?? parseUsual(usual(trimmed))
}

function parseUsual(text: string): string | undefined {
  if (SECONDS.test(text)) return isoOf(new Date(Number(text) * 1_000))
  if (MILLISECONDS.test(text)) return isoOf(new Date(Number(text)))
  const time = TIME.exec(text)
  const day = parseDay(time === null ? text : text.slice(0, time.index).trim())
  const ofDay = time === null ? 0 : millisecondsOfDay(time.groups ?? {})
  if (day === undefined || ofDay === undefined) return undefined
  const minutes = zoneMinutes(time?.groups?.['zone'], day + ofDay)
  return minutes === undefined ? undefined : isoOf(new Date(day + ofDay - minutes * 60_000))
}

/** Text without the blanks, the typographic quotes that an editor made of others, or the brackets of a link of Obsidian around it. */
export function unquoted(text: string): string {
  const trimmed = text.trim()
  if (/^\w/.test(trimmed)) return trimmed
  return trimmed.replace(/^(?:[“”„‘’](.*)[“”‘’]|\[\[(.*)\]\])$/s, '$1$2')
}

const MONTHS = [
  /^(?<year>\d{4})(?:[-/. ](?<month>\d{1,2}))?$/,
  /^(?<month>\d{1,2})[-/.](?<year>\d{4})$/,
  /^(?<year>\d{4})\s?[年년]\s?(?<month>\d{1,2})\s?[月월]$/,
  new RegExp(String.raw`^${MONTH},?${OF}[\s-]+(?<year>\d{4})$`, 'iu'),
  new RegExp(String.raw`^(?<year>\d{4})[\s-]+${MONTH}$`, 'iu'),
]

/** The first day of what says no day: `2019-03`, `March 2019`, `03/2019`, `2019年3月` or `2019`. */
export function parseMonth(text: string): string | undefined {
  const trimmed = unquoted(text)
  const found = MONTHS.map((it) => it.exec(trimmed)).find((it) => it !== null)?.groups
  if (found === undefined || !/^(?:19|20)/.test(found['year'] ?? '')) return undefined
  const { year, month = '1', name } = found
  const day = utcDay(year, name === undefined ? Number(month) : (monthNamed(name) ?? 0), '1')
  return day === undefined ? undefined : isoOf(new Date(day))
}

/** As `parseDate`, but without a zone it is the local time of this machine. */
export function parseLocalDate(text: string): string | undefined {
  const parsed = parseDate(text)
  const isPlace = TIME.exec(text.trim())?.groups?.['zone'] === undefined && !/^-?\d{9,}/.test(text)
  if (parsed === undefined || !isPlace) return parsed
  const [year = 0, month = 1, ...rest] = parsed.split(/[-T:.Z]/).map(Number)
  return isoOf(new Date(year, month - 1, ...rest))
}

/** A date in the order and with the signs that the patterns know. */
function usual(text: string): string {
  return text
    .replaceAll(/[\u2010-\u2015\u2212]/g, '-')
    .replace(/\s+(?:Uhr|г\.?)$/u, '')
    .replace(/(\d{1,2})[時시]\s?(\d{1,2})[分분]$/, '$1:$2')
    .replace(/^(\d{4})\. ?(\d{1,2})\. ?(\d{1,2})\.?(?=\s|$)/, '$1-$2-$3')
    .replace(
      /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})?/,
      (_, y, m, d, h, i, s = '00') => `${y}-${m}-${d}T${h}:${i}:${s}`,
    )
    .replace(/^(\d{1,2}:\d{2}(?::\d{2})?(?:\s*[ap]\.?m\.?)?),?\s+(.*\d{4}.*)$/i, '$2 $1')
    .replace(YEAR_AFTER_TIME, '$<date> $<year>$<time>')
}

/** Whether a date says a time of day, too. */
export function hasTime(text: string): boolean {
  return TIME.test(text) || SECONDS.test(text.trim()) || MILLISECONDS.test(text.trim())
}

/** The date in a file name such as `2020-11-4-this-week`, at midnight UTC, and the name without it. */
export function dateInName(stem: string): { date: string; rest: string } | undefined {
  const match =
    /(?<!\d)(?:(\d{4})([-_.])(\d{1,2})\2(\d{1,2})|((?:19|20)\d{2})(\d{2})(\d{2}))(?!\d)/.exec(stem)
  if (match === null) return undefined
  const [found, year, , month, day, ...compact] = match
  const date = parseDate(year === undefined ? compact.join('-') : `${year}-${month}-${day}`)
  if (date === undefined) return undefined
  const before = stem.slice(0, match.index)
  const after = stem.slice(match.index + found.length)
  return { date, rest: `${before} ${after}`.trim() }
}

/** The date in a path such as `2019/03/04/flood` or `posts/2019-03-04-flood/index`; the innermost one. */
export function dateInPath(path: string): string | undefined {
  const segments = path.split('/')
  for (let at = segments.length - 1; at >= 0; at--) {
    const inSegment = dateInName(segments[at] ?? '')?.date
    if (inSegment !== undefined) return inSegment
    const days = /^(\d{1,2})(?!\d)/.exec(segments[at] ?? '')?.[1]
    const [year = '', month = ''] = segments.slice(Math.max(0, at - 2), at)
    if (days !== undefined && /^\d{4}$/.test(year) && /^\d{1,2}$/.test(month)) {
      const date = parseDate(`${year}-${month}-${days}`)
      if (date !== undefined) return date
    }
  }
  return undefined
}

const NAME =
  '(?<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)'
const YEAR = String.raw`(?<!\d)(?<year>(?:19|20)\d{2})`
const MONTHS_IN_NAMES = [
  new RegExp(String.raw`${YEAR}[-_. ](?<month>\d{1,2})(?!\d)`),
  new RegExp(String.raw`${YEAR}[-_. ]${NAME}(?!\p{L})`, 'iu'),
  new RegExp(String.raw`(?<!\p{L})${NAME}[-_. ]${YEAR}(?!\d)`, 'iu'),
]

/** The first day of the month in a path such as `2019/03/flood`, `2019-03-flood` or `march-2019`; the innermost one. */
export function monthInPath(path: string): string | undefined {
  const segments = path.split('/')
  for (let at = segments.length - 1; at >= 0; at--) {
    for (const pattern of MONTHS_IN_NAMES) {
      const { year, month, name } = pattern.exec(segments[at] ?? '')?.groups ?? {}
      const found = name === undefined ? `${year}-${month}` : `${name} ${year}`
      if (year !== undefined && parseMonth(found) !== undefined) return parseMonth(found)
    }
    const isFolder = at < segments.length - 1
    const [year = '', month = ''] = segments.slice(at - 1)
    if (isFolder && at > 0 && /^\d{4}$/.test(year) && /^\d{1,2}$/.test(month)) {
      const date = parseMonth(`${year}-${month}`)
      if (date !== undefined) return date
    }
  }
  return undefined
}

/** Midnight UTC of a day, in milliseconds since 1970. */
function parseDay(text: string): number | undefined {
  const week = WEEK.exec(text)?.groups
  if (week !== undefined) return weekStart(week)
  const groups = (YEAR_FIRST.exec(text) ?? COMPACT.exec(text) ?? CJK.exec(text))?.groups
  if (groups !== undefined) return utcDay(groups['year'], Number(groups['month']), groups['day'])
  const last = YEAR_LAST.exec(text)?.groups
  if (last !== undefined) return yearLast(last)
  const named = (DAY_FIRST.exec(text) ?? MONTH_FIRST.exec(text))?.groups
  if (named === undefined) return undefined
  return utcDay(wholeYear(named['year'] ?? ''), monthNamed(named['name'] ?? '') ?? 0, named['day'])
}

// Mail of the last century: `5 Jan 99`.
function wholeYear(year: string): string {
  return year.length === 4 ? year : `${Number(year) < 70 ? '20' : '19'}${year}`
}

// With dots, Europe writes the day first. With strokes, it is clear only where one number can be no month.
function yearLast({ first, second, mark, year }: Record<string, string>): number | undefined {
  const [a, b] = [Number(first), Number(second)]
  if (mark === '.' || a > 12) return utcDay(year, b, first)
  return b > 12 || a === b ? utcDay(year, a, second) : undefined
}

// Week 1 has the 4th of January; weeks begin on Monday.
function weekStart({ year, week, weekday = '1' }: Record<string, string>): number | undefined {
  const fourth = new Date(Date.UTC(Number(year), 0, 4))
  const monday = fourth.getTime() - ((fourth.getUTCDay() + 6) % 7) * 86_400_000
  const number = Number(week)
  if (number < 1 || number > 53) return undefined
  return monday + ((number - 1) * 7 + Number(weekday) - 1) * 86_400_000
}

function utcDay(
  year: string | undefined,
  month: number,
  day: string | undefined,
): number | undefined {
  const time = new Date(Date.UTC(Number(year), month - 1, Number(day)))
  // Date carries 31 April over into May: only what comes back unchanged was a date.
  const isReal =
    Number(year) >= 1000 && time.getUTCMonth() === month - 1 && time.getUTCDate() === Number(day)
  return isReal ? time.getTime() : undefined
}

function millisecondsOfDay(time: Readonly<Record<string, string | undefined>>): number | undefined {
  const { half, fraction = '' } = time
  const [given, minute, second] = [time['hour'], time['minute'], time['second'] ?? 0].map(Number)
  if (given === undefined || minute === undefined || second === undefined) return undefined
  if (half !== undefined && (given < 1 || given > 12)) return undefined
  const hour = half === undefined ? given : (given % 12) + (half.toLowerCase() === 'p' ? 12 : 0)
  // 24:00 is the midnight that ends the day.
  const isMidnight = hour === 24 && minute === 0 && second === 0
  if ((hour > 23 && !isMidnight) || minute > 59 || second > 59) return undefined
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3))
  return ((hour * 60 + minute) * 60 + second) * 1_000 + milliseconds
}

function isoOf(time: Date): string | undefined {
  if (Number.isNaN(time.getTime())) return undefined
  const iso = time.toISOString()
  return iso.length === '0000-00-00T00:00:00.000Z'.length ? iso : undefined
}

let months: ReadonlyMap<string, number> | undefined

function monthNamed(name: string): number | undefined {
  months ??= monthNames()
  const wanted = name.toLowerCase().normalize('NFC')
  return months.get(wanted) ?? months.get(wanted.slice(0, 3))
}

function monthNames(): ReadonlyMap<string, number> {
  const names = new Map<string, number>()
  const styles = ['long', 'short'] as const
  // Many languages have a form of their own beside a day.
  const days = [undefined, 'numeric'] as const
  const formats = LANGUAGES.flatMap((language) =>
    styles.flatMap((month) =>
      days.map((day) => new Intl.DateTimeFormat(language, { month, day, timeZone: 'UTC' })),
    ),
  )
  for (const format of formats) {
    for (let month = 1; month <= 12; month++) {
      const parts = format.formatToParts(Date.UTC(2020, month - 1, 1))
      const name = parts
        .find((it) => it.type === 'month')
        ?.value.toLowerCase()
        .replace(/\.$/, '')
      if (name !== undefined && !names.has(name)) names.set(name, month)
    }
  }
  return names
}

/** @param local Milliseconds since 1970, were the local time UTC. */
function zoneMinutes(zone: string | undefined, local: number): number | undefined {
  if (zone === undefined) return 0
  if (zone.includes('/')) return placeMinutes(zone, local)
  const match = /^(?:GMT|UTC)?\s*([+-])\s*(\d{1,2}):?(\d{2})?$/i.exec(zone)
  if (match === null) return ZONES.get(zone.toLowerCase())
  const [hours, minutes] = [Number(match[2]), Number(match[3] ?? 0)]
  if (hours > 23 || minutes > 59) return undefined
  return (match[1] === '-' ? -1 : 1) * (hours * 60 + minutes)
}

/** How far a place such as `Europe/Berlin` was ahead of UTC. */
function placeMinutes(timeZone: string, local: number): number | undefined {
  try {
    const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
    const parts = format.formatToParts(local)
    return zoneMinutes(
      parts.find((it) => it.type === 'timeZoneName')?.value.replace(/^GMT$/, 'GMT+0'),
      local,
    )
  } catch {
    return undefined
  }
}
