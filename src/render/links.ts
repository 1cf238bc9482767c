import { stripControls } from './plain.ts'
import { attempt } from '../errors.ts'

/** Longest URL that is followed or shown, in UTF-16 code units: the same bound as in records. */
export const URL_MAX_LENGTH = 2_048

const SAFE_SCHEME =
  /^(?:https?:\/\/|mailto:|tel:[+\d()*#.,;=\w-]{1,100}$|hyperletter:\/\/[a-z0-9#/]{1,300}$)/i
const ANY_SCHEME = /^[a-z][a-z0-9+.-]*:/i

/**
 * `address` if it may be a link: absolute `http`, `https` (also `//host/…` and `www.host/…`), `mailto`, `tel` or `hyperletter`, no spaces,
 * no invisible characters, no user name before the host (`https://bank.example@evil.example` misleads).
 * Printable ASCII stays as written, with the scheme in small letters; anything else is returned percent-encoded, with
 * the host in punycode, so that look-alike letters show.
 */
export function safeUrl(address: string): string | undefined {
  const url = address
    .replace(/^(?:\/\/(?=[^/\\])|(?=www\.[a-z\d-]+\.[a-z]{2,}(?:[/?#:]|$)))/i, 'https://')
    .replace(/^[a-z]+(?=:)/i, (scheme) => scheme.toLowerCase())
  if (url.length > URL_MAX_LENGTH || !SAFE_SCHEME.test(url)) return undefined
  const isPlain = /^[\u0021-\u007e]+$/.test(url) && !url.includes('\\')
  // Only what stands before an `@` can be a user name.
  if (isPlain && !url.includes('@')) return URL.canParse(url) ? url : undefined
  if (/\s/.test(url) || stripControls(url) !== url || !URL.canParse(url)) return undefined
  const parsed = new URL(url)
  if (parsed.username !== '' || parsed.password !== '') return undefined
  return isPlain ? url : parsed.href
}

/** The host of a safe `http(s)` URL, to name it before anything is loaded from it. */
export function hostOf(url: string): string | undefined {
  const safe = safeUrl(url)
  if (safe?.startsWith('http') !== true) return undefined
  return new URL(safe).host
}

/**
 * The attachment name that an image's URL means, as docs/format.md §6 resolves it: cut at `?` and `#`, percent-decoded,
 * `.` and `..` resolved as if the text lay at the root of its site, so that `/images/a.png` and `../images/a.png` are
 * both `images/a.png`. Undefined for an address of another host or scheme. Never interpreted as a path: it only selects
 * a name.
 */
export function attachmentName(url: string): string | undefined {
  if (url === '' || ANY_SCHEME.test(url) || /^(?:\/\/|[\\#?])/.test(url)) return undefined
  const segments: string[] = []
  for (const segment of decode(url.replace(/[?#].*$/s, '')).split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return segments.length === 0 ? undefined : segments.join('/')
}

/**
 * What an issue that a link means was imported from, as docs/format.md §6 resolves it: the link, without `?query` and
 * `#fragment`, seen from where the issue with the link was imported from. Undefined where it leads elsewhere.
 * @param from A path with `/`, or a web address.
 */
export function originOf(url: string, from: string): string | undefined {
  const bare = url.replace(/[?#].*$/s, '')
  if (/^https?:\/\//i.test(bare)) return bare
  if (bare === '' || ANY_SCHEME.test(bare) || /^(?:\/\/|\\)/.test(bare)) return undefined
  if (/^https?:\/\//i.test(from))
    return URL.canParse(bare, from) ? new URL(bare, from).href : undefined
  const segments = bare.startsWith('/') ? [] : from.split('/').slice(0, -1)
  for (const segment of decode(bare).split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(segment)
  }
  return segments.join('/')
}

/** Issues by what they were imported from. */
export type Origins = ReadonlyMap<string, number>

export function originsOf(
  issues: Iterable<{ readonly number: number; readonly importedFrom?: string | undefined }>,
): Origins {
  const origins = new Map<string, number>()
  for (const { importedFrom, number } of issues) {
    if (importedFrom !== undefined) origins.set(importedFrom, number)
  }
  return origins
}

/**
 * The issue that a link of another one leads to, and the place in its text (`#…`, or empty); undefined where it leads to
 * none. If none was imported from just there, the only one counts that came from a file of that name.
 */
export function issueAt(
  url: string,
  from: string | undefined,
  origins: Origins,
): { readonly number: number; readonly fragment: string } | undefined {
  const origin = from === undefined ? undefined : originOf(url, from)
  if (origin === undefined) return undefined
  const fragment = /#.*$/s.exec(url)?.[0] ?? ''
  const number = origins.get(origin)
  if (number !== undefined) return { number, fragment }
  const name = lastSegment(origin)
  if (!/\.\w{2,8}$/.test(name)) return undefined
  let only: number | undefined
  for (const [other, its] of origins) {
    if (lastSegment(other) !== name) continue
    if (only !== undefined) return undefined
    only = its
  }
  return only === undefined ? undefined : { number: only, fragment }
}

function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Percent-decoded; as it is where it cannot be. */
export function decode(url: string): string {
  return attempt(() => decodeURIComponent(url)) ?? url
}
