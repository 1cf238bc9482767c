import { attempt } from '../errors.ts'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { base58xmr, bech32, bech32m, createBase58check, type Bech32 } from '@scure/base'
import type { Support } from './records/bodies.ts'

/** What is known of a payment address from its text alone. */
export interface SupportDetails {
  readonly uri: string
  /** Of the author, or else of what it is. */
  readonly name: string
  /** What is shown and copied. */
  readonly address: string
  /** What its QR code says: the address, or the code of the European Payments Council for a bank transfer. */
  readonly code: string
  /** Why it is not to be used: a character of it is wrong, or this version does not know what it is. */
  readonly problem?: 'wrong' | 'unknown'
}

type Found = Partial<Omit<SupportDetails, 'uri'>> & { readonly name: string }

/** Reads a payment address, and computes its checksum. Nobody is asked anything. */
export function describeSupport({ uri, label }: Support): SupportDetails {
  const colon = uri.indexOf(':')
  const scheme = uri.slice(0, colon).toLowerCase()
  const read = Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined
  const found = read?.(uri.slice(colon + 1)) ?? { name: scheme, problem: 'unknown' as const }
  return { uri, address: uri, code: uri, ...found, name: label ?? found.name }
}

const SCHEMES: Readonly<Record<string, (rest: string) => Found>> = {
  bitcoin: (rest) => checked('Bitcoin', isBitcoin(rest)),
  lightning: (rest) => ({ ...checked('Lightning', isLightning(rest)), address: rest }),
  monero: (rest) => checked('Monero', isMonero(rest.split('?', 1)[0] ?? '')),
  payto: bankTransfer,
  https: (rest) => checked('Web page', isWebPage(`https:${rest}`)),
}

function checked(name: string, isRight: boolean): Found {
  return isRight ? { name } : { name, problem: 'wrong' }
}

function isWebPage(address: string): boolean {
  return /^https:\/\/[^\s/@]+(?:\/|$)/.test(address) && URL.canParse(address)
}

/** BIP 321: an address, or none if a parameter has one. */
function isBitcoin(rest: string): boolean {
  const at = rest.indexOf('?')
  const address = at < 0 ? rest : rest.slice(0, at)
  const parameters = new URLSearchParams(at < 0 ? '' : rest.slice(at + 1))
  const others = [...parameters].map(([name, value]) => [name.toLowerCase(), value] as const)
  const known = others.filter(([name]) => Object.hasOwn(BITCOIN_PARAMETERS, name))
  if (address === '' && known.length === 0) return false
  if (address !== '' && !isOnChain(address)) return false
  return known.every(([name, value]) => BITCOIN_PARAMETERS[name]?.(value))
}

const BITCOIN_PARAMETERS: Readonly<Record<string, (value: string) => boolean>> = {
  lightning: isInvoice,
  lno: isOffer,
  sp: (it) => isBech32(bech32m, it, 'sp'),
}

const base58check = createBase58check(sha256)

/** First byte and length of an address before SegWit: to a key, and to a script. */
const LEGACY_PREFIXES: ReadonlySet<number> = new Set([0x00, 0x05])
const LEGACY_BYTES = 21

function isOnChain(address: string): boolean {
  if (/^bc1/i.test(address)) {
    const witnessVersion = address.charAt(3).toLowerCase()
    // BIP 350: version 0, written q, has the older checksum.
    return isBech32(witnessVersion === 'q' ? bech32 : bech32m, address, 'bc')
  }
  const bytes = attempt(() => base58check.decode(address))
  return bytes?.length === LEGACY_BYTES && LEGACY_PREFIXES.has(bytes[0] ?? -1)
}

function isBech32(kind: Bech32, text: string, prefix: string): boolean {
  const found = attempt(() => kind.decode(text as `${string}1${string}`, false))
  return found !== undefined && found.prefix === prefix && found.words.length > 1
}

/** LUD 16 (an address like that of a mail), LUD 1, BOLT 11 or BOLT 12. */
function isLightning(rest: string): boolean {
  const lnurl = () => isBech32(bech32, rest, 'lnurl')
  return isMailLike(rest) || isOffer(rest) || lnurl() || isInvoice(rest)
}

function isMailLike(text: string): boolean {
  return /^[a-z0-9._+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z0-9-]*[a-z][a-z0-9-]*$/.test(text)
}

/** BOLT 12. An offer has no checksum: its form is all that can be checked. */
function isOffer(text: string): boolean {
  return /^lno1[023456789acdefghjklmnpqrstuvwxyz]{20,}$/i.test(text)
}

/** BOLT 11: the prefix has an amount in it. */
function isInvoice(text: string): boolean {
  const found = attempt(() => bech32.decode(text as `${string}1${string}`, false))
  return found !== undefined && /^lnbc(?:\d+[munp]?)?$/.test(found.prefix)
}

/** Network bytes of the main network of Monero: an address, an integrated one, a subaddress. */
const MONERO_BYTES: ReadonlyMap<number, number> = new Map([
  [18, 69],
  [19, 77],
  [42, 69],
])
const MONERO_CHECKSUM_BYTES = 4

function isMonero(address: string): boolean {
  const bytes = attempt(() => base58xmr.decode(address))
  if (bytes === undefined || MONERO_BYTES.get(bytes[0] ?? -1) !== bytes.length) return false
  const body = bytes.subarray(0, -MONERO_CHECKSUM_BYTES)
  const sum = keccak_256(body)
  return bytes.subarray(body.length).every((it, i) => it === sum[i])
}

/** Longest payload of a QR code for transfers (EPC069-12), in bytes, and the longest name in it. */
const EPC_BYTES = 331
const EPC_NAME = 70

/** RFC 8905: `payto://iban/<IBAN>` or `payto://iban/<BIC>/<IBAN>`. */
function bankTransfer(rest: string): Found {
  const { bic = '', iban = '' } =
    /^\/\/iban\/(?:(?<bic>[A-Za-z0-9]{8}|[A-Za-z0-9]{11})\/)?(?<iban>[A-Za-z0-9]+)(?:\?|$)/i.exec(
      rest,
    )?.groups ?? {}
  const name = 'Bank transfer'
  if (!/^\/\/iban\//i.test(rest)) return { name, problem: 'unknown' }
  const number = iban.toUpperCase()
  if (!isIban(number)) return { name, problem: 'wrong' }
  const said = new URLSearchParams(rest.split('?')[1] ?? '')
  const receiver = said.get('receiver-name') ?? ''
  const euros = /^EUR:(?<amount>\d{1,9}(?:\.\d{1,2})?)$/.exec(said.get('amount') ?? '')
  const message = said.get('message') ?? ''
  const address = [number.replace(/.{4}(?=.)/g, '$& '), receiver].filter(Boolean).join(', ')
  const head = ['BCD', '002', '1', 'SCT', bic.toUpperCase(), receiver, number]
  const code = [...head, euros === null ? '' : `EUR${euros[1]}`, '', '', message]
    .join('\n')
    .trimEnd()
  const isCode =
    receiver !== '' &&
    Array.from(receiver).length <= EPC_NAME &&
    // A line break in it would put something else into the place of the account.
    !/[\u0000-\u001f]/.test(receiver + message) &&
    new TextEncoder().encode(code).length <= EPC_BYTES
  return { name, address, ...(isCode && { code }) }
}

/** ISO 13616: the remainder by 97 is 1, with letters as two digits, after the first four were moved to the end. */
function isIban(iban: string): boolean {
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban)) return false
  const moved = iban.slice(4) + iban.slice(0, 4)
  const digits = Array.from(moved, (it) => Number.parseInt(it, 36).toString()).join('')
  return BigInt(digits) % 97n === 1n
}

/** What people type for a way of support: an address, or `Label <address>`. */
export function parseSupport(text: string): { uri: string; label?: string } {
  const { label, uri } = /^(?<label>[^<>]*?)\s*<(?<uri>[^<>]*)>$/.exec(text.trim())?.groups ?? {}
  if (uri === undefined) return { uri: text.trim() }
  return label === undefined || label === '' ? { uri } : { uri, label }
}

/** The opposite of `parseSupport`. */
export function formatSupport({ uri, label }: { uri: string; label?: string | undefined }): string {
  return label === undefined ? uri : `${label} <${uri}>`
}
