import { LRUCache } from 'lru-cache'
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { replaceWhole } from '../atomic-file.ts'
import type { NewsletterSummary } from '../site/pages/parts.ts'
import { feedAddresses, type AllAddresses, type FeedKeys } from '../site/syndication/addresses.ts'

/** Tried first, for addresses that stay the same; any free one if somebody else has it. */
export const DEFAULT_PORT = 4_937

const port = z.int().min(1).max(65_535)

// A later version may have added fields, or write others in its own way: the secret stays whatever they are.
const readerState = z.looseObject({
  port: port.optional().catch(undefined),
  /** Where it is served while something else has that port. */
  otherPort: port.optional().catch(undefined),
  /** Where other devices find it. */
  devicePort: port.optional().catch(undefined),
  /** Everything that proves who may read or change something is derived from it. */
  secret: z.string().regex(/^[0-9a-f]{64}$/),
})

/** What the web reader keeps from run to run, so that bookmarks and feed addresses stay good. */
export type ReaderState = z.infer<typeof readerState> & { readonly port: number }

/** Whether the web reader was ever opened for this data directory. */
export function wasOpened(dataDir: string): boolean {
  return existsSync(fileIn(dataDir))
}

/** Reads the kept state. A file that cannot be parsed counts as none, and costs a new session. */
export async function loadState(dataDir: string, defaultPort: number): Promise<ReaderState> {
  try {
    const kept = readerState.parse(JSON.parse(await readFile(fileIn(dataDir), 'utf8')))
    return { ...kept, port: kept.port ?? defaultPort }
  } catch {
    return { port: defaultPort, secret: newSecret() }
  }
}

export function newSecret(): string {
  return randomBytes(32).toString('hex')
}

/** The port of an address; URLs leave out the one that is usual. */
export function portOf(origin: string): number {
  return Number(new URL(origin).port || 80)
}

/** Keeps it, readable only for this user. */
export async function saveState(dataDir: string, state: ReaderState): Promise<void> {
  await replaceWhole(fileIn(dataDir), [Buffer.from(`${JSON.stringify(state)}\n`)])
}

function fileIn(dataDir: string): string {
  return join(dataDir, 'reader.json')
}

/** The feed addresses of the reader of a data directory, with the secrets it keeps there. */
export async function readerAddresses(
  dataDir: string,
  origin: string,
  newsletters: readonly NewsletterSummary[],
  device?: string,
): Promise<AllAddresses> {
  const secrets = new Secrets((await loadState(dataDir, portOf(origin))).secret)
  const keys = device === undefined ? secrets : secrets.addressesOf(device)
  return feedAddresses(origin, keys, newsletters)
}

/** Secret parts of the addresses that apps get. */
export interface AddressSecrets extends FeedKeys {
  pictures(feedKey: string): string
}

/** How long a browser stays signed in without coming back. */
export const SESSION_MS = 30 * 24 * 60 * 60_000

/** A session that is older gets a new cookie with its next page. */
const ROTATE_AFTER_MS = 24 * 60 * 60_000

/** How long a link with a one-time token works. */
const ONE_TIME_MS = 10 * 60_000

/** One-time tokens that may wait at the same moment; the oldest falls away. */
const MAX_WAITING = 32

/** The tokens of one reader, derived from its secret; one-time ones live in memory only. */
export class Secrets {
  #secret: string
  #ended = new AbortController()
  readonly #oneTime = new LRUCache<string, true>({ max: MAX_WAITING, ttl: ONE_TIME_MS })

  constructor(secret: string) {
    this.#secret = secret
  }

  /** Aborted when everybody is signed out. */
  get signedOut(): AbortSignal {
    return this.#ended.signal
  }

  /** Value of the cookie of a session that begins now. */
  session(now = Date.now()): string {
    const at = now.toString(36)
    return `${at}.${this.#derive(`session/${at}`)}`
  }

  /** Whether a cookie proves a session, and whether it should be replaced by a new one. */
  check(cookie: string | undefined): 'none' | 'valid' | 'old' {
    const at = /^[0-9a-z]{1,10}(?=[.])/.exec(cookie ?? '')?.[0] ?? ''
    if (!isSame(cookie, `${at}.${this.#derive(`session/${at}`)}`)) return 'none'
    const ageMs = Date.now() - Number.parseInt(at, 36)
    if (!(ageMs <= SESSION_MS)) return 'none'
    return ageMs > ROTATE_AFTER_MS ? 'old' : 'valid'
  }

  /** Hidden field of every form, of this machine's browsers or of one device. */
  form(device?: string): string {
    return this.#derive(device === undefined ? 'form' : `form/${device}`)
  }

  /** Ends every session; addresses of private feeds change too. */
  renew(secret: string): void {
    this.#secret = secret
    this.#oneTime.clear()
    this.#ended.abort()
    this.#ended = new AbortController()
  }

  /** Part of the feed addresses of a private newsletter. */
  feed(feedKey: string): string {
    return this.#derive(`feed/${feedKey}`).slice(0, 32)
  }

  /** Part of the picture addresses in a feed: apps show them in pages of their own. */
  pictures(feedKey: string): string {
    return this.#derive(`pictures/${feedKey}`).slice(0, 32)
  }

  /** The same for the apps of one device: each begins with its id, and means nothing once that is removed. */
  addressesOf(device: string): AddressSecrets {
    const secret = (purpose: string) =>
      `${device}.${this.#derive(`${device}/${purpose}`).slice(0, 32)}`
    return {
      isAlways: true,
      feed: (feedKey) => secret(`feed/${feedKey}`),
      pictures: (feedKey) => secret(`pictures/${feedKey}`),
    }
  }

  issue(): string {
    const token = randomBytes(24).toString('hex')
    this.#oneTime.set(token, true)
    return token
  }

  /** Uses a one-time token up. */
  spend(token: string): boolean {
    const isWaiting = this.#oneTime.has(token)
    this.#oneTime.delete(token)
    return isWaiting
  }

  #derive(purpose: string): string {
    return createHmac('sha256', this.#secret).update(purpose).digest('hex')
  }
}

/** Compares a token that somebody sent without telling by the time taken how much of it is right. */
export function isSame(given: unknown, expected: string): boolean {
  if (typeof given !== 'string') return false
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.byteLength === b.byteLength && timingSafeEqual(a, b)
}
