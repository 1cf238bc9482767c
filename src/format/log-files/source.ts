import { HyperletterError } from '../../errors.ts'
import { concat, piecesOf } from '../bytes.ts'

/** Part of a file, or what an answer may have at most. */
export interface FileRequest {
  /** First byte that is wanted; the whole file when absent. */
  readonly from?: number
  /** One after the last byte that is wanted. */
  readonly to?: number
  /** Most bytes of an answer: the source throws INVALID_LOG before it reads more. */
  readonly limit: number
  readonly signal?: AbortSignal | undefined
}

/** Where log files are: a web server, a folder, or anything else that gives bytes by name. Nothing of it is trusted. */
export interface LogFileSource {
  /**
   * The bytes of a file from `from` to `to`; or the whole file, where only that can be had.
   * @param path below the folder of the log, such as `blocks/0-256`.
   * @throws NOT_AVAILABLE if there is no such file, or it cannot be had now; ABORTED.
   */
  get(path: string, request: FileRequest): Promise<Uint8Array>
}

/** What a reader needs of `fetch`. */
export type Fetcher = (url: string, init: FetchOptions) => Promise<Response>

interface FetchOptions {
  readonly headers?: Record<string, string>
  readonly cache: 'no-cache' | 'default'
  readonly credentials: 'omit'
  readonly referrerPolicy: 'no-referrer'
  readonly signal: AbortSignal
}

/** How long a server may take until it begins to answer, and then for the answer: another one may have the file. */
const DEADLINES = { headMs: 15_000, bodyMs: 120_000 }

/**
 * Log files on a web server, with the `fetch` of the platform: without cookies, referrer and redirects to tell.
 * @param base address of the folder of the log; ends in `/`.
 */
export function webSource(
  base: string,
  fetcher: Fetcher = (url, init) => fetch(url, init),
  { headMs, bodyMs } = DEADLINES,
): LogFileSource {
  return {
    async get(path, { from, to, limit, signal }) {
      const isRange = from !== undefined && to !== undefined
      const end = new AbortController()
      const abort = () => end.abort()
      let timer = setTimeout(abort, headMs)
      signal?.addEventListener('abort', abort)
      if (signal?.aborted === true) abort()
      try {
        const response = await fetcher(new URL(path, base).href, {
          ...(isRange ? { headers: { range: `bytes=${from}-${to - 1}` } } : {}),
          // The head is the only file that changes.
          cache: path === 'head' ? 'no-cache' : 'default',
          credentials: 'omit',
          referrerPolicy: 'no-referrer',
          signal: end.signal,
        })
        clearTimeout(timer)
        timer = setTimeout(abort, bodyMs)
        if (response.status !== 200 && response.status !== 206) {
          await response.body?.cancel()
          throw notHad(path, `status ${response.status}`)
        }
        return await limited(response.body, limit, path)
      } catch (cause) {
        if (cause instanceof HyperletterError) throw cause
        throw notHad(path, signal?.aborted === true ? 'interrupted' : 'no answer', cause)
      } finally {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
      }
    },
  }
}

async function limited(
  body: ReadableStream<Uint8Array> | null,
  limit: number,
  path: string,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  if (body === null) return new Uint8Array()
  for await (const part of piecesOf(body)) {
    bytes += part.byteLength
    if (bytes > limit) throw tooLong(path, limit)
    parts.push(part)
  }
  return concat(parts)
}

/** The complaint about an answer that is longer than the file can be. */
export function tooLong(path: string, limit: number): HyperletterError {
  return new HyperletterError('INVALID_LOG', `${path} has more than ${limit} bytes.`)
}

function notHad(path: string, why: string, cause?: unknown): HyperletterError {
  return new HyperletterError('NOT_AVAILABLE', `The log file ${path} cannot be had: ${why}.`, {
    cause,
  })
}
