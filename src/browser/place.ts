import { defined } from '../defined.ts'
import { HyperletterError } from '../errors.ts'
import {
  parseEncryptionKey,
  parseFeedKey,
  type EncryptionKey,
  type FeedKey,
} from '../format/keys/feed-key.ts'
import { parseLink } from '../format/keys/link.ts'
import { decode } from '../render/links.ts'

/** What the address of the page says after `#`: nothing of it is sent to a server. */
export interface ReaderPlace {
  readonly feedKey: FeedKey
  readonly encryptionKey?: EncryptionKey
  readonly number?: number
  /** The id of a place in the text of the issue. */
  readonly section?: string
  /** Where log files may be: hosts of gateways, or addresses of folders. */
  readonly via: readonly string[]
}

const MAX_VIA = 8

/**
 * Parses `#<feed key>[/<encryption key>][/<number>][?via=<host>,<address>]`. A number is told from a key by its length.
 * A link between issues may have `#issue-…` behind it, a place in the text.
 * @returns undefined if there is nothing. @throws INVALID_LINK
 */
export function parsePlace(hash: string): ReaderPlace | undefined {
  const [, place = '', section] = /^#?(.*?)(?:#(issue-.*))?$/s.exec(hash) ?? []
  const [path = '', query = ''] = place.split('?')
  if (path === '') return undefined
  const [key = '', ...rest] = path.split('/').filter((it) => it !== '')
  const number = rest.find((it) => /^[1-9]\d{0,14}$/.test(it))
  const secret = rest.find((it) => it.length > 15)
  if (rest.length !== [number, secret].filter((it) => it !== undefined).length) {
    throw new HyperletterError('INVALID_LINK', 'What follows the key in this address is not known.')
  }
  const via = (new URLSearchParams(query).get('via') ?? '').split(',').filter((it) => it !== '')
  return {
    feedKey: parseFeedKey(key),
    ...defined({
      encryptionKey: secret === undefined ? undefined : parseEncryptionKey(secret),
      number: number === undefined ? undefined : Number(number),
      section: section === undefined ? undefined : decode(section),
    }),
    via: via.slice(0, MAX_VIA),
  }
}

/** The address of a newsletter or an issue, as `parsePlace` takes it. */
export function formatPlace({ feedKey, encryptionKey, number, via }: ReaderPlace): string {
  const query = via.length === 0 ? '' : `?via=${via.map(encodeURIComponent).join(',')}`
  const parts = [feedKey, encryptionKey, number].filter((it) => it !== undefined)
  return `#${parts.join('/')}${query}`
}

/** What somebody typed or pasted: a link of any kind. @throws INVALID_LINK */
export function placeOfLink(text: string): ReaderPlace {
  const at = text.indexOf('#')
  if (/^\s*https?:/i.test(text) && at >= 0) {
    const place = parsePlace(text.slice(at).trim())
    if (place !== undefined) {
      const { protocol, host, pathname, href } = new URL(text.trim())
      const isGateway = protocol === 'https:' && pathname === '/'
      return { ...place, via: [isGateway ? host : new URL('.', href).href, ...place.via] }
    }
  }
  return { ...parseLink(text), via: [] }
}

/**
 * Addresses of folders of log files to try, best first: beside the page, then those that the link names.
 * @param page address of the page.
 */
export function basesOf({ feedKey, via }: ReaderPlace, page: URL): string[] {
  const named = via.flatMap((it) => {
    const isFolder = /^https?:\/\//.test(it)
    const address = isFolder ? it : `https://${it}/`
    if (!URL.canParse(address)) return []
    const [gateway, site] = [gatewayFolder(address, feedKey), siteFolder(address)]
    return isFolder ? [site] : [gateway, site]
  })
  const own =
    page.protocol === 'file:'
      ? []
      : [...(page.pathname === '/' ? [gatewayFolder(page, feedKey)] : []), siteFolder(page)]
  return [...new Set([...own, ...named])]
}

// A gateway has each newsletter below its key.
function gatewayFolder(address: URL | string, feedKey: FeedKey): string {
  return new URL(`${feedKey}/log/`, address).href
}

function siteFolder(address: URL | string): string {
  return new URL('log/', address).href
}

/** Addresses of the WebSockets of gateways to try, best first: that of the page, then those that the link names. */
export function gatewaysOf({ via }: ReaderPlace, page: URL): string[] {
  const pages = [page.href, ...via.map((it) => (/^https?:\/\//.test(it) ? it : `https://${it}/`))]
  const addresses = pages
    .filter((it) => URL.canParse(it) && /^https?:/.test(it))
    .map((it) => new URL('/peer', it).href.replace(/^http/, 'ws'))
  return [...new Set(addresses)]
}
