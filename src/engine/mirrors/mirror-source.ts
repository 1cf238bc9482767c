import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode, HyperletterError, type ErrorCode } from '../../errors.ts'
import { tooLong, type LogFileSource } from '../../format/log-files/source.ts'
import { lazy } from '../../async.ts'
import { RateLimiter } from '../../rate-limiter.ts'

// TLS takes 2 MB of memory, and many devices never ask a server.
const getFromWeb = lazy(async () => (await import('../../sources/web.ts')).getFromWeb)

/** For one file, redirects and all: a pack has a megabyte, a block of its own at most fifteen. */
const TIMEOUT_MS = 120_000
const MAX_REDIRECTS = 3

export interface MirrorSourceOptions {
  /**
   * Whether a person gave the address to this device. Else its author named it to all readers: then it must be https,
   * and no machine of a private network is asked, whatever a name resolves or an answer redirects to.
   */
  readonly isTyped: boolean
  /** Bytes a second. */
  readonly downloadLimit?: number | undefined
  readonly onBytes?: (bytes: number) => void
}

/** Log files on a web server. Nothing but their names and ranges is sent: no cookie, no referrer. @param base ends in `/`. */
export function mirrorSource(base: string, options: MirrorSourceOptions): LogFileSource {
  const { isTyped, downloadLimit = Infinity, onBytes } = options
  const limiter =
    downloadLimit === Infinity
      ? undefined
      : new RateLimiter({ perSecond: downloadLimit, burst: downloadLimit })
  return {
    async get(path, { from, to, limit, signal }) {
      const range: Record<string, string> =
        from === undefined || to === undefined ? {} : { range: `bytes=${from}-${to - 1}` }
      const answer = await getFromWeb(new URL(path, base).href, {
        maxBytes: limit,
        headers: { 'accept-encoding': 'identity', ...range },
        timeoutMs: TIMEOUT_MS,
        maxRedirects: MAX_REDIRECTS,
        allowPrivateAddresses: isTyped && 'typed',
        httpsOnly: !isTyped || base.startsWith('https:'),
        signal,
      }).catch((error: unknown) => {
        throw hasCode(error, 'TOO_LARGE') ? tooLong(path, limit) : error
      })
      // A range of a compressed file is none of the file.
      if (answer.status === 206 && answer.headers['content-encoding'] !== undefined) {
        throw new HyperletterError('NOT_AVAILABLE', `${path} can be had compressed only.`)
      }
      onBytes?.(answer.body.byteLength)
      const waitMs = limiter?.reserve(answer.body.byteLength) ?? 0
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: signal ?? undefined, ref: false })
      return answer.body
    },
  }
}

/** How it went the last time that a mirror was asked. */
export type MirrorState =
  | 'not-asked'
  | 'good'
  /** It has an older log than this device knows. */
  | 'behind'
  /** What it sent is not what the author signed, or another newsletter. */
  | 'wrong'
  /** It has another history of the newsletter. */
  | 'conflict'
  /** Its address may not be asked. */
  | 'refused'
  | 'unreachable'

export interface Known {
  state: MirrorState
  length?: number
  checkedAt?: number
  message?: string
  failures: number
  notBefore: number
  downloadedBytes: number
}

/** After a failure; unreachable after any other. */
export const STATE_AFTER: Partial<Record<ErrorCode, MirrorState>> = {
  FEED_BEHIND: 'behind',
  INVALID_LOG: 'wrong',
  INVALID_BUNDLE: 'wrong',
  FEED_CONFLICT: 'conflict',
  INVALID_INPUT: 'refused',
}
