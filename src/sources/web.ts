import { lookup as resolveName, type LookupAddress } from 'node:dns'
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction, BlockList, isIPv4 } from 'node:net'
import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { timeoutSignal } from '../async.ts'
import { HyperletterError, invalidInput } from '../errors.ts'
import { packageVersion } from '../version.ts'

export interface WebOptions {
  /** Most bytes of an answer, also after decompression. */
  readonly maxBytes: number
  readonly headers?: Readonly<Record<string, string>>
  /** For the whole of it: redirects and the answer to its last byte. */
  readonly timeoutMs?: number
  /** Also from this machine and its network; `typed`: only of the host that the address names, wherever it redirects. */
  readonly allowPrivateAddresses?: boolean | 'typed' | undefined
  /** Nothing but https, also where it redirects. */
  readonly httpsOnly?: boolean
  /** How many redirects are followed; five when absent. */
  readonly maxRedirects?: number
  /** Where redirects may lead, with the port if it is another than usual; anywhere when absent. */
  readonly redirectHosts?: readonly string[]
  readonly signal?: AbortSignal | undefined
}

export interface WebAnswer {
  /** Where redirects led. */
  readonly url: string
  /** 2xx, or 304. */
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

const MAX_REDIRECTS = 5
const TIMEOUT_MS = 30_000

/**
 * Gets what lies at an address of the web. Each name is resolved once, and what it resolved to is what is connected to,
 * so that no second answer leads to a machine of this network.
 * @throws INVALID_INPUT for an address that may not be asked, or an answer that is none; NOT_AVAILABLE if there is no
 * answer in time; TOO_LARGE.
 */
export async function getFromWeb(address: string, options: WebOptions): Promise<WebAnswer> {
  const signal = timeoutSignal(options.timeoutMs ?? TIMEOUT_MS, options.signal)
  const { allowPrivateAddresses, maxRedirects = MAX_REDIRECTS } = options
  let url = address
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const isAllowed =
      allowPrivateAddresses === 'typed' ? hostOf(url) === hostOf(address) : allowPrivateAddresses
    const hint =
      allowPrivateAddresses === 'typed'
        ? 'The address redirects there: if that is meant, give that one instead.'
        : 'If that is meant, add --allow-private-addresses.'
    const hop = { ...options, allowPrivateAddresses: isAllowed, hint, signal }
    const answer = await ask(checked(url, hop), hop)
    const { statusCode: status = 0, headers } = answer
    const { location } = headers
    if (status >= 300 && status < 400 && status !== 304 && location !== undefined) {
      answer.destroy()
      url = URL.canParse(location, url) ? new URL(location, url).href : location
      if (options.redirectHosts?.includes(hostOf(url)) === false) {
        throw invalidInput(`${hostOf(address)} redirects to another host.`)
      }
      continue
    }
    if (status !== 304 && (status < 200 || status > 299)) {
      answer.destroy()
      throw new HyperletterError('NOT_AVAILABLE', `${hostOf(url)} answers with status ${status}.`)
    }
    return { url, status, headers, body: await bodyOf(answer, url, { ...options, signal }) }
  }
  throw invalidInput(`${hostOf(address)} redirects too often.`)
}

/** As those of the caller, for one address. */
type HopOptions = WebOptions & {
  readonly allowPrivateAddresses: boolean | undefined
  /** What to do about an address that is not allowed. */
  readonly hint: string
}

function checked(
  address: string,
  { allowPrivateAddresses = false, httpsOnly, hint }: HopOptions,
): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (httpsOnly === true && url?.protocol !== 'https:') {
    throw invalidInput(`${hostOf(address)} is not an https address.`)
  }
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '') {
    throw invalidInput('Only http and https addresses can be fetched.')
  }
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  if (!allowPrivateAddresses && isIP(literal) !== 0 && isPrivate(literal))
    throw privateAddress(url.host, hint)
  return url
}

function privateAddress(host: string, hint: string): HyperletterError {
  return invalidInput(`${host} is an address of a private network.`, { hint })
}

async function ask(url: URL, options: HopOptions): Promise<IncomingMessage> {
  const { allowPrivateAddresses = false, headers, hint, signal } = options
  const lookup: LookupFunction = (hostname, wanted, callback) => {
    resolveName(hostname, { ...wanted, all: true }, (error, found: LookupAddress[]) => {
      if (error !== null) return callback(error, '')
      const allowed = allowPrivateAddresses ? found : found.filter((it) => !isPrivate(it.address))
      const [first] = allowed
      if (first === undefined) return callback(privateAddress(hostname, hint), '')
      if (wanted.all === true) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  try {
    return await new Promise((resolve, reject) => {
      const asked = request(url, {
        lookup,
        signal,
        agent: false,
        headers: {
          'user-agent': `hyperletter/${packageVersion()}`,
          'accept-encoding': 'gzip, deflate, br',
          ...headers,
        },
      })
      asked.on('response', resolve)
      asked.on('error', reject)
      asked.end()
    })
  } catch (error) {
    throw failed(url.href, error, options)
  }
}

async function bodyOf(answer: IncomingMessage, url: string, options: WebOptions): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  try {
    for await (const part of decoded(answer)) {
      length += (part as Buffer).byteLength
      if (length > options.maxBytes) {
        answer.destroy()
        const message = `${hostOf(url)} answers with more than ${options.maxBytes} bytes.`
        throw new HyperletterError('TOO_LARGE', message)
      }
      parts.push(part as Buffer)
    }
  } catch (error) {
    throw failed(url, error, options)
  }
  return Buffer.concat(parts)
}

function decoded(answer: IncomingMessage): Readable {
  const decoder = {
    gzip: createGunzip,
    'x-gzip': createGunzip,
    deflate: createInflate,
    br: createBrotliDecompress,
  }[answer.headers['content-encoding']?.trim().toLowerCase() ?? '']
  return decoder === undefined ? answer : pipeline(answer, decoder(), () => undefined)
}

function failed(url: string, error: unknown, { signal }: WebOptions): HyperletterError {
  if (error instanceof HyperletterError) return error
  const late = signal?.aborted === true && (signal.reason as Error).name === 'TimeoutError'
  if (signal?.aborted === true && !late) return HyperletterError.from(signal.reason)
  const reason = late ? 'no whole answer in time' : (error as Error).message
  return new HyperletterError('NOT_AVAILABLE', `${hostOf(url)} cannot be reached: ${reason}.`, {
    hint: 'Check the address, or try again later.',
    cause: error,
  })
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url.slice(0, 64).replaceAll(/\p{C}/gu, '?')
}

/** Networks that are nobody's on the Internet (IANA special-purpose registries), or lead into one of those. */
const PRIVATE = new BlockList()
for (const network of `0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
  192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
  ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 fc00::/7 fe80::/10
  fec0::/10 ff00::/8`.split(/\s+/)) {
  const [address = '', bits] = network.split('/')
  PRIVATE.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** Whether an IP address belongs to this machine, its network, or no network of the Internet. */
export function isPrivate(address: string): boolean {
  // BlockList sees through IPv4-mapped addresses.
  return PRIVATE.check(address.replace(/%.*$/, ''), isIPv4(address) ? 'ipv4' : 'ipv6')
}
