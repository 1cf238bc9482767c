import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'
import { LRUCache } from 'lru-cache'
import { networkOf } from '../../peers/web/tab-listener.ts'
import { RateLimiter } from '../../rate-limiter.ts'

/** Requests of one network: a page that lists a newsletter of 25,000 issues sends some 200 at once. */
const REQUESTS = { burst: 500, perSecond: 50 }

/** Answers of one network under way: a browser has six connections. */
const MAX_AT_ONCE = 32

const MAX_NETWORKS = 4_096

/** Counts and limits the requests of each network to a gateway. */
export class Callers {
  readonly #proxies: BlockList | undefined
  readonly #rates = new LRUCache<string, RateLimiter>({ max: MAX_NETWORKS })
  readonly #atOnce = new Map<string, number>()

  /** @param proxies IP addresses of servers whose `X-Forwarded-For` counts. */
  constructor(proxies: readonly string[] = []) {
    this.#proxies = proxies.length === 0 ? undefined : new BlockList()
    for (const it of proxies) this.#proxies?.addAddress(it, isIPv6(it) ? 'ipv6' : 'ipv4')
  }

  /** The address of whoever asks: the last one that a trusted server was asked by. */
  addressOf({ socket, headers }: IncomingMessage): string {
    const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
    let address = plain(socket.remoteAddress ?? '')
    while (this.#isProxy(address)) {
      const before = plain(forwarded.pop()?.trim() ?? '')
      if (isIP(before) === 0) break
      address = before
    }
    return address
  }

  /** Whether a request came through a server that is not trusted: then all its callers count as one. */
  isUnknownProxy(request: IncomingMessage): boolean {
    const { socket, headers } = request
    return (
      headers['x-forwarded-for'] !== undefined && !this.#isProxy(plain(socket.remoteAddress ?? ''))
    )
  }

  /** Begins to answer. @returns what ends that; undefined if the network of the address asks too much. */
  begin(address: string): (() => void) | undefined {
    const network = networkOf(address)
    const rate = this.#rates.get(network) ?? new RateLimiter(REQUESTS)
    this.#rates.set(network, rate)
    const atOnce = this.#atOnce.get(network) ?? 0
    if (atOnce >= MAX_AT_ONCE || !rate.take()) return undefined
    this.#atOnce.set(network, atOnce + 1)
    return () => {
      const left = (this.#atOnce.get(network) ?? 1) - 1
      if (left === 0) this.#atOnce.delete(network)
      else this.#atOnce.set(network, left)
    }
  }

  #isProxy(address: string): boolean {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    return isIP(address) !== 0 && this.#proxies?.check(address, family) === true
  }
}

function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

/** What a request says of where it goes and where it comes from. */
export interface AskedPlace {
  /** The name in `Host` is one of this gateway. */
  readonly isOurs: boolean
  /** It is asked under the address that others know. */
  readonly isPublic: boolean
  /** A page of another site asks. */
  readonly isForeign: boolean
}

/**
 * Where a request goes. Under the address that others know, pages of every site may ask. Under another one, such as that
 * of this machine, only its own: any page could find out there whose machine this is. And no name that somebody else points at
 * this machine counts.
 * @param address of the gateway, ending in `/`.
 */
export function placeOf({ headers }: IncomingMessage, address: string | undefined): AskedPlace {
  const host = (headers.host ?? '').toLowerCase()
  const isPublic = address !== undefined && host === new URL(address).host
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : ''
  const isIp = isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0
  const { origin } = headers
  return {
    isPublic,
    isOurs: isPublic || isIp || name === 'localhost',
    isForeign: origin !== undefined && !isOf(origin, host),
  }
}

function isOf(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host
}
