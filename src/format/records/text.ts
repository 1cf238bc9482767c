import * as z from 'zod/mini'

// C0, DEL and C1 controls: never part of a title, name or label, and able to drive a terminal.
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

// Line and paragraph separators of Unicode: many renderers break the line there.
const SEPARATOR = /[\u2028\u2029]/

/** One line of well-formed Unicode without control characters, 1 to `maxLength` code points. */
export function line(maxLength: number) {
  return z.string().check(
    z.minLength(1),
    z.maxLength(maxLength),
    z.refine(
      (text) => !CONTROL.test(text) && !SEPARATOR.test(text),
      'must not contain control characters or line breaks',
    ),
    z.refine(isWellFormed, 'must be well-formed Unicode'),
  )
}

/** A `line` with something to see in it: the name of a person or a thing. */
export function name(maxLength: number) {
  return line(maxLength).check(z.refine((text) => /\S/.test(text), 'must not be blank'))
}

/** Running text: as `line`, but tabs and line feeds are allowed. */
export function paragraph(maxLength: number) {
  return z.string().check(
    z.minLength(1),
    z.maxLength(maxLength),
    z.refine(
      (text) => !CONTROL.test(text.replace(/[\t\n]/g, '')),
      'must not contain control characters',
    ),
    z.refine(isWellFormed, 'must be well-formed Unicode'),
  )
}

/** 32 bytes in z-base-32. */
export const z32Key = z
  .string()
  .check(
    z.regex(
      /^[ybndrfg8ejkmcpqxot1uwisza345h769]{51}[yo]$/,
      'must be a z-base-32 key of 52 characters',
    ),
  )

/** A web address to show and follow: `http` or `https` only. */
export const webUrl = line(2_048).check(z.refine(isWebUrl, 'must be an http(s) URL'))

/** The folder of a log on a web server that an author names: `https`, ending in `/`, without user, query or fragment. */
export const mirrorUrl = line(2_048).check(
  z.refine(
    (text) => /^https:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?\/$/i.test(text) && URL.canParse(text),
    'must be an https address that ends in /',
  ),
)

/** An address to pay to, of any scheme: as a line, without white space. */
export const paymentUri = line(2_048).check(
  z.regex(/^[a-z][a-z0-9+.-]{0,31}:\S+$/i, 'must be an address such as bitcoin:…'),
)

/** What the names of domains end in that are nobody's on the Internet (RFC 6761, RFC 6762, RFC 7686, RFC 9476). */
const NOT_ON_THE_INTERNET = [
  'local',
  'localhost',
  'onion',
  'internal',
  'test',
  'invalid',
  'alt',
  'arpa',
]

/** The name of a domain of the Internet, in small ASCII letters (A-labels), of at least two labels. */
export const hostName = z.string().check(
  z.maxLength(253),
  z.regex(
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be the name of a domain, such as tides.example',
  ),
  z.refine(
    (text) => !NOT_ON_THE_INTERNET.some((it) => text.endsWith(`.${it}`)),
    'must be the name of a domain of the Internet',
  ),
)

/** Longest timestamp: nine digits of a second, `2026-03-01T09:30:00.123456789Z`. */
const MAX_TIMESTAMP_LENGTH = 30

/** A time claimed by the author: ISO 8601 in UTC with seconds, such as `2026-03-01T09:30:00Z`. */
export const timestamp = z.iso.datetime().check(z.maxLength(MAX_TIMESTAMP_LENGTH))

/** A BCP 47 language tag, such as `en` or `pt-BR`; its shape is checked, not its registration. */
export const languageTag = z
  .string()
  .check(
    z.maxLength(35),
    z.regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/, 'must be a BCP 47 language tag'),
  )

export const author = z.looseObject({ name: name(256), url: z.optional(webUrl) })
export type NamedAuthor = z.infer<typeof author>

function isWellFormed(text: string): boolean {
  return text.isWellFormed()
}

function isWebUrl(text: string): boolean {
  return /^https?:\/\/[^\s/]/i.test(text) && !/\s/.test(text) && URL.canParse(text)
}

/**
 * The order of two times in ISO 8601 and UTC, the earlier first. Compared as text, for `localeCompare` has
 * 3 MB of rules for the languages of the world read into memory.
 */
export function compareTimes(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** The name of a domain as a person types it, in A-labels; undefined if it is none of the Internet. */
export function parseDomain(text: string): string | undefined {
  const typed = text.trim().replace(/\.$/, '')
  if (/[\s/:#?@\\]/.test(typed)) return undefined
  const url = `https://${typed}`
  const domain = URL.canParse(url) ? new URL(url).hostname : ''
  return hostName.safeParse(domain, { jitless: true }).success ? domain : undefined
}
