const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

const TIME = String.raw`(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?[ \t]*(?<zone>[A-Za-z]{1,3}|[+-]\d{2}(?::?\d{2})?)?`
const YEAR_FIRST = new RegExp(
  String.raw`^(?<year>\d{4})[-/.](?<month>\d{1,2})[-/.](?<day>\d{1,2})(?:(?:T|t|[ \t]+)${TIME})?$`,
)
const DAY_FIRST = new RegExp(
  String.raw`^(?:[A-Za-z]{3,9},?[ \t]+)?(?<day>\d{1,2})[ \t]+(?<name>[A-Za-z]{3,9})\.?,?[ \t]+(?<year>\d{4})(?:,?[ \t]+${TIME})?$`,
)
const MONTH_FIRST = new RegExp(
  String.raw`^(?:[A-Za-z]{3,9},?[ \t]+)?(?<name>[A-Za-z]{3,9})\.?[ \t]+(?<day>\d{1,2}),?[ \t]+(?<year>\d{4})(?:,?[ \t]+${TIME})?$`,
)

/** Minutes east of UTC of the zone names that RFC 2822 knows. */
const ZONES: Readonly<Record<string, number>> = {
  z: 0,
  ut: 0,
  utc: 0,
  gmt: 0,
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420,
}

/**
 * A date as people write it in heads: `2013-06-07`, `2013-06-07 18:46`, `2020-11-4`, ISO 8601,
 * RFC 2822, `November 4, 2020`. Without a zone it is UTC.
 * @returns ISO 8601 in UTC; undefined if it is no date, or one that no calendar has.
 */
export function parseDate(text: string): string | undefined {
  const trimmed = text.trim()
  if (trimmed.length > 64) return undefined
  const found = (YEAR_FIRST.exec(trimmed) ?? DAY_FIRST.exec(trimmed) ?? MONTH_FIRST.exec(trimmed))
    ?.groups
  if (found === undefined) return undefined
  const month = found['name'] === undefined ? Number(found['month']) - 1 : monthNamed(found['name'])
  const zone = zoneMinutes(found['zone'])
  if (zone === undefined) return undefined
  const [hour, minute, second] = [found['hour'], found['minute'], found['second']].map((it) =>
    Number(it ?? 0),
  )
  const milliseconds = Number((found['fraction'] ?? '').padEnd(3, '0').slice(0, 3))
  return isoDate(
    Number(found['year']),
    month,
    Number(found['day']),
    hour,
    minute,
    second,
    milliseconds,
    zone,
  )
}

/** The date in a file name such as `2020-11-4-this-week`, at midnight UTC, and the name without it. */
export function dateInName(stem: string): { date: string; rest: string } | undefined {
  const match = /(?<![0-9])(\d{4})-(\d{1,2})-(\d{1,2})(?![0-9])/.exec(stem)
  const date = match === null ? undefined : parseDate(match[0])
  if (match === null || date === undefined) return undefined
  const before = stem.slice(0, match.index)
  const after = stem.slice(match.index + match[0].length)
  return { date, rest: `${before} ${after}`.trim() }
}

function isoDate(
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
  milliseconds = 0,
  zone = 0,
): string | undefined {
  const time = new Date(Date.UTC(year, month, day, hour, minute, second, milliseconds))
  // Date carries 31 April over into May: only what comes back unchanged was a date.
  const real =
    year >= 1000 &&
    time.getUTCFullYear() === year &&
    time.getUTCMonth() === month &&
    time.getUTCDate() === day &&
    time.getUTCHours() === hour &&
    time.getUTCMinutes() === minute &&
    time.getUTCSeconds() === second
  if (!real) return undefined
  const iso = new Date(time.getTime() - zone * 60_000).toISOString()
  return iso.length === '0000-00-00T00:00:00.000Z'.length ? iso : undefined
}

function monthNamed(name: string): number {
  return MONTHS.indexOf(name.slice(0, 3).toLowerCase())
}

function zoneMinutes(zone: string | undefined): number | undefined {
  if (zone === undefined) return 0
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone)
  if (match === null) return ZONES[zone.toLowerCase()]
  const [hours, minutes] = [Number(match[2]), Number(match[3] ?? 0)]
  if (hours > 23 || minutes > 59) return undefined
  return (match[1] === '-' ? -1 : 1) * (hours * 60 + minutes)
}
