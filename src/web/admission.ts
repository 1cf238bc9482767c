import { LRUCache } from 'lru-cache'
import type { Operations, Output } from '../api/contract/contract.ts'
import { RateLimiter } from '../rate-limiter.ts'

export type Device = Output<'listDevices'>[number]

/**
 * Wrong tokens that one address may try. Nobody guesses 256 bits: it keeps down what strangers cost, so a right
 * token is admitted whatever else came from its address, such as that of a router.
 */
const WRONG_TOKENS = { burst: 20, perSecond: 0.2 }

const MAX_ADDRESSES = 1_000

const KEY = '[a-z0-9]{52}'
const NUMBER = '[1-9][0-9]{0,14}'

/** What a device may see and change: it reads. Whatever is not named here is for the machine itself alone. */
const REMOTE_PATHS: Readonly<Record<string, RegExp>> = {
  GET: new RegExp(
    `^/(?:newsletters|search|seeding|feeds|add|events|enter|assets/.+|feeds/.+|n/${KEY}(?:/${NUMBER}(?:/files/.+)?)?)?$`,
  ),
  POST: new RegExp(
    `^/(?:theme|look|read|undo/[0-9a-f]{16}|add|subscribe(?:/later)?|n/${KEY}/(?:read|${NUMBER}/mark))$`,
  ),
}

/** Paths of the Google Reader API: below the address that FreshRSS has, and below that of Miniflux. */
export const API_PATH = /^(?:\/api\/greader\.php)?\/(?:accounts\/ClientLogin|reader\/)/

/** Knows which devices are let in, and who tries too often. */
export class Admission {
  readonly #operations: Pick<Operations, 'admitDevice' | 'listDevices'>
  readonly #wrong = new LRUCache<string, RateLimiter>({ max: MAX_ADDRESSES })

  constructor(operations: Pick<Operations, 'admitDevice' | 'listDevices'>) {
    this.#operations = operations
  }

  /**
   * The device of a token; undefined if it is nobody's, `too many` once too many were not.
   * @param address of whoever sent it.
   */
  async admit(token: string, address: string): Promise<Device | undefined | 'too many'> {
    const isPossible = /^[\w-]{1,128}$/.test(token)
    const device = isPossible ? await this.#operations.admitDevice({ token }) : null
    if (device !== null) return device
    const wrong = this.#wrong.get(address) ?? new RateLimiter(WRONG_TOKENS)
    this.#wrong.set(address, wrong)
    return wrong.take() ? undefined : 'too many'
  }

  /** The device that an address of a feed or of a picture in one was made for: its secret begins with the id. */
  async ofAddress(path: string, key: string | undefined): Promise<Device | undefined> {
    const picture = /^\/feeds\/pictures\/([^/]+)\//.exec(path)?.[1]
    const [id = '', secret] = (picture ?? key ?? '').split('.')
    return secret === undefined ? undefined : this.#device(id)
  }

  /** Whether a device has not been removed meanwhile. */
  async isStillIn({ id }: Device): Promise<boolean> {
    return (await this.#device(id)) !== undefined
  }

  async #device(id: string): Promise<Device | undefined> {
    return (await this.#operations.listDevices({})).find((it) => it.id === id)
  }
}

/** Whether a device may ask this at all. */
export function isForDevices(method: string, path: string): boolean {
  return REMOTE_PATHS[method === 'HEAD' ? 'GET' : method]?.test(path) === true
}
