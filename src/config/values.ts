import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import { type HyperletterError, invalidInput } from '../errors.ts'

/** One address of a bootstrap node, as Hyperswarm wants it. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Where to listen; any port when absent. */
export interface ListenAddress {
  readonly host: string
  readonly port?: number
}

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** IEC 80000-13: `kB` is 1,000 bytes, `KiB` is 1,024. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

type Parse<T> = (text: string) => T

function listOf<T>(parse: Parse<T>): Parse<readonly T[]> {
  return (text) => text.split(',').map((part) => parse(part.trim()))
}

function oneOf<T extends string>(what: string, words: readonly T[]): Parse<T> {
  return (text) => {
    const found = words.find((it) => it === text.trim())
    if (found !== undefined) return found
    throw wrong(`Not ${what}: "${text}".`, `Use one of ${words.join(', ')}.`)
  }
}

/** `host:port`, several separated by commas. @throws INVALID_INPUT */
export const parseBootstrap = listOf((text): Address => {
  const { host, port } = /^(?<host>[^\s:]+):(?<port>\d{1,5})$/.exec(text)?.groups ?? {}
  if (host !== undefined && isPort(Number(port))) return { host, port: Number(port) }
  // Only then: what Node.js tells IPv6 by takes 4 ms to compile, and every command reads its settings.
  const bare = text.replace(/^\[(.*?)\].*$/, '$1')
  if ([bare, bare.replace(/:\d{1,5}$/, '')].some((it) => isIP(it) === 6)) throw overIpv6(bare)
  throw wrong(
    `Not a bootstrap address: "${text}".`,
    'Write host:port, for example 127.0.0.1:49737; separate several with commas.',
  )
})

/** @throws INVALID_INPUT */
export const parseLogLevel = oneOf('a log level', LOG_LEVELS)

/** An IPv4 address. @throws INVALID_INPUT */
export function parseHost(text: string): string {
  const version = isIP(text.trim())
  if (version === 4) return text.trim()
  if (version === 6) throw overIpv6(text.trim())
  throw wrong(
    `Not an IP address: "${text}".`,
    'Write the address of one interface, for example 192.168.1.10, or leave it out for all.',
  )
}

/** An IPv4 address of this machine, with or without a port: `192.168.1.10:4938`. @throws INVALID_INPUT */
export function parseListenAddress(text: string): ListenAddress {
  const { host = '', port } = /^(?<host>[^:]+)(?::(?<port>\d+))?$/.exec(text.trim())?.groups ?? {}
  if (isIP(host) !== 4) {
    throw wrong(
      `Not an IPv4 address with or without a port: "${text}".`,
      'Write an address of this machine, for example 192.168.1.10:4938, or 0.0.0.0 for all.',
    )
  }
  return { host, ...(port !== undefined && { port: parsePort(port) }) }
}

// hyperdht 6 writes the addresses of peers in 6 bytes.
function overIpv6(address: string): HyperletterError {
  return wrong(
    `"${address}" is an IPv6 address, and the DHT works over IPv4 only.`,
    'Use an IPv4 address of that machine: 127.0.0.1 for ::1.',
  )
}

/** Anything but nothing. @throws INVALID_INPUT */
export function parseText(text: string): string {
  if (text.trim() !== '') return text
  throw wrong('The value is empty.', 'Leave the setting out to use its default.')
}

/** `10 GB`, `1.5 GiB`, `500000`, or `none` for no bound at all. @returns bytes @throws INVALID_INPUT */
export function parseBytes(text: string): number {
  if (text.trim() === 'none') return Infinity
  const { amount, unit } =
    /^\s*(?<amount>\d+(?:\.\d+)?)\s*(?<unit>[a-z]*)\s*$/i.exec(text)?.groups ?? {}
  const factor = UNITS[unit?.toLowerCase() ?? '?']
  const sizeBytes = factor === undefined ? Number.NaN : Math.round(Number(amount) * factor)
  if (Number.isSafeInteger(sizeBytes)) return sizeBytes
  throw wrong(`Not a size: "${text}".`, 'Write a number with a unit, for example 500 MB or 2 GiB.')
}

/** A disk cap has to have room for what the storage reserves for itself, 6 MB, and for something to read. */
export const SMALLEST_CAP_BYTES = 8e6

/** As `parseBytes`, but not too little for a disk cap. @throws INVALID_INPUT */
export function parseDiskCap(text: string): number {
  const capBytes = parseBytes(text)
  if (capBytes >= SMALLEST_CAP_BYTES) return capBytes
  throw wrong(
    `A disk cap of ${text.trim()} is too small: the storage alone needs 6 MB of it.`,
    'Choose 8 MB or more, or none for no cap.',
  )
}

/** `2 MB/s`, `500 kB`, or `none`. @returns bytes a second @throws INVALID_INPUT */
export function parseRate(text: string): number {
  const bytesPerSecond = parseBytes(text.replace(/\s*\/\s*s\s*$/i, ''))
  if (bytesPerSecond >= 1_024) return bytesPerSecond
  throw wrong(`Not a rate: "${text}".`, 'Write at least 1 KiB/s, for example 500 kB/s, or none.')
}

/** `60s`, `5 min`, `1h`, `60`, or `0`. @returns seconds, at most a day @throws INVALID_INPUT */
export function parseDuration(text: string): number {
  const { amount, unit } = /^\s*(?<amount>\d+)\s*(?<unit>s|m|min|h|)\s*$/.exec(text)?.groups ?? {}
  const factor = { s: 1, m: 60, min: 60, h: 3_600, '': 1 }[unit ?? '?'] ?? Number.NaN
  const seconds = Number(amount) * factor
  if (seconds <= 86_400) return seconds
  throw wrong(`Not a time of at most a day: "${text}".`, 'Write 60s, 5min or 1h.')
}

/** A whole number from 1. @throws INVALID_INPUT */
export function parseCount(text: string): number {
  const count = /^\d{1,6}$/.test(text.trim()) ? Number(text) : 0
  if (count > 0) return count
  throw wrong(`Not a number from 1 to 999999: "${text}".`)
}

/** How many of the newest issues are unread when somebody begins to follow a newsletter. */
export type Unread = number | 'all'

/** @throws INVALID_INPUT */
export function parseUnread(text: string): Unread {
  const word = text.trim().toLowerCase()
  if (word === 'all') return 'all'
  if (/^\d{1,6}$/.test(word)) return Number(word)
  throw wrong(`Neither all nor a number up to 999999: "${text}".`)
}

/** @throws INVALID_INPUT */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0
  if (isPort(port)) return port
  throw wrong(`Not a port: "${text}".`, 'Write a number from 1 to 65535.')
}

/** `on` or `off`, and what people write instead. @throws INVALID_INPUT */
export function parseSwitch(text: string): boolean {
  const word = text.trim().toLowerCase()
  if (['on', 'true', 'yes', '1'].includes(word)) return true
  if (['off', 'false', 'no', '0'].includes(word)) return false
  throw wrong(`Neither on nor off: "${text}".`, 'Write on or off.')
}

export type MirrorUse = 'on' | 'own' | 'off'

/** @throws INVALID_INPUT */
export function parseMirrors(text: string): MirrorUse {
  const word = text.trim().toLowerCase()
  if (word === 'own') return 'own'
  return parseSwitch(text) ? 'on' : 'off'
}

/** Public keys of peers in hex, separated by commas. @throws INVALID_INPUT */
export const parsePeerKeys = listOf((text) => {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase()
  throw wrong(
    `Not the key of a device: "${text}".`,
    'It has 64 hexadecimal digits; `hyperletter doctor` shows the one of a device.',
  )
})

/** Host names or addresses without ports, separated by commas. @throws INVALID_INPUT */
export const parseHostNames = listOf((text) => {
  const name = text.toLowerCase()
  const url = `http://${name}`
  if (name !== '' && URL.canParse(url) && new URL(url).host === name) return name
  throw wrong(`Not a host name: "${text}".`, 'Write it without a port, for example reader.lan.')
})

/** An `http` or `https` address. @throws INVALID_INPUT */
export function parseWebAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol)) return url.href
  throw wrong(
    `Not a web address: "${text}".`,
    'Write it in full, for example https://example.org/.',
  )
}

/** The root of an `http` or `https` server, ending in `/`. @throws INVALID_INPUT */
export function parseGatewayAddress(text: string): string {
  const url = new URL(parseWebAddress(text))
  if (url.href === `${url.origin}/`) return url.href
  throw wrong(
    `Not the address of a whole server: "${text}".`,
    'A gateway needs a host name of its own, for example https://news.example/.',
  )
}

/** IP addresses, separated by commas. @throws INVALID_INPUT */
export const parseIpAddresses = listOf((text) => {
  if (isIP(text) !== 0) return text.toLowerCase()
  throw wrong(`Not an IP address: "${text}".`)
})

/** Names separated by commas. @throws INVALID_INPUT */
export function parseNames(text: string): readonly string[] {
  return listOf(String)(parseText(text)).filter((it) => it !== '')
}

const MAIL_DIGESTS = ['off', 'daily', 'weekly'] as const
export type MailDigest = (typeof MAIL_DIGESTS)[number]

/** @throws INVALID_INPUT */
export const parseMailDigest = oneOf('known', MAIL_DIGESTS)

const MAILBOX = /^[a-z\d.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z\d](?:[a-z\d.-]{0,250}[a-z\d])?$/i

/** One mail address (RFC 5321) without a name, as `me@example.org`. @throws INVALID_INPUT */
export function parseMailbox(text: string): string {
  const mailbox = text.trim()
  if (MAILBOX.test(mailbox)) return mailbox
  throw wrong(`Not a mail address: "${text}".`, 'Write it without a name: me@example.org')
}

/** `smtp://` or `smtps://` with a host, and a user and a password if it needs them. @throws INVALID_INPUT */
export function parseMailServer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^smtps?:$/.test(url.protocol) && url.hostname !== '') return url.href
  // Not the text: it may have a password in it.
  throw wrong(
    'Not the address of a mail server.',
    'Write smtp://user:password@mail.example.org:587, or smtps: for port 465.',
  )
}

/** An absolute path. @throws INVALID_INPUT */
export function parseFolder(text: string): string {
  if (isAbsolute(text)) return text
  throw wrong(`Not an absolute path: "${text}".`, 'Write it from the root: /home/me/Mail')
}

function isPort(port: number): boolean {
  return port > 0 && port < 65_536
}

function wrong(message: string, hint?: string): HyperletterError {
  return invalidInput(message, { hint })
}
