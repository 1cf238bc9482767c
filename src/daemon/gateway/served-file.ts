import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { drained } from '../../async.ts'
import { codeOf, hasCode } from '../../errors.ts'
import { mediaTypeOf } from '../../sources/media-types.ts'

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  txt: 'text/plain; charset=utf-8',
  xml: 'application/xml',
  webmanifest: 'application/manifest+json',
  'atom.xml': 'application/atom+xml',
  'feed.json': 'application/feed+json',
}

export function typeOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const isFeed = path.startsWith('archive/') && name.endsWith('.xml')
  return (
    TYPES[isFeed ? 'atom.xml' : name] ??
    TYPES[name.slice(name.lastIndexOf('.') + 1)] ??
    mediaTypeOf(name)
  )
}

/** A file that a gateway gives to everybody. */
export interface ServedFile {
  /** What its content is known by: another one with each change. */
  readonly mark: string
  readonly mediaType: string
  /** Whether a file of this name always has this content. */
  readonly isImmutable: boolean
  /** Where it is known: then parts of it can be asked for. */
  readonly sizeBytes?: number | undefined
  /** What a page may do beside what it says itself, for browsers. */
  readonly policy?: string
  /** The same as a gzip, for browsers that take one. */
  readonly zipped?: ServedFile
  readonly pieces: (from: number, to: number) => AsyncIterable<Uint8Array | string>
}

/**
 * Sent at a time. What waits for its turn under a limit of uploads is paid for whether its reader stays or not, and all
 * others wait for that.
 */
const PART_BYTES = 16 * 1_024

export function fileOf(bytes: Uint8Array, mediaType: string): ServedFile {
  return {
    mark: markOf(bytes),
    mediaType,
    isImmutable: false,
    sizeBytes: bytes.byteLength,
    async *pieces(from, to) {
      yield bytes.subarray(from, to)
    },
  }
}

export function markOf(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 32)
}

/** What is done while a file is sent. */
export interface Sending {
  /** Called before each part of 16 KiB at most; waits as long as the limit of uploads wants. */
  readonly onPiece: (bytes: number) => Promise<void>
}

/**
 * Answers with a file, a part of it (RFC 9110, one range), or that it is what the other side has. What cannot be read
 * ends the answer, or is said, where nothing was sent so far.
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  given: ServedFile,
  { onPiece }: Sending,
): Promise<void> {
  const { headers, method } = request
  const isZipped = /\bgzip\b/.test(headers['accept-encoding'] ?? '')
  const file = (isZipped ? given.zipped : undefined) ?? given
  if (given.zipped !== undefined) response.setHeader('vary', 'accept-encoding')
  if (file !== given) response.setHeader('content-encoding', 'gzip')
  const { mark, mediaType, isImmutable, sizeBytes, policy } = file
  const etag = `"${mark}"`
  response.setHeader('etag', etag)
  const caching = isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache'
  response.setHeader('cache-control', caching)
  if (policy !== undefined) response.setHeader('content-security-policy', policy)
  const known = headers['if-none-match']?.split(',').map((it) => it.trim().replace(/^W\//, ''))
  if (known?.includes(etag) === true || known?.includes('*') === true) {
    response.writeHead(304).end()
    return
  }
  response.setHeader('content-type', mediaType)
  let [from, to] = [0, sizeBytes ?? Infinity]
  if (sizeBytes !== undefined) {
    response.setHeader('accept-ranges', 'bytes')
    const isAsked = headers['if-range'] === undefined || headers['if-range'] === etag
    const range = isAsked ? rangeOf(headers.range, sizeBytes) : undefined
    if (range === 'none') {
      response.writeHead(416, { 'content-range': `bytes */${sizeBytes}` }).end()
      return
    }
    if (range !== undefined) {
      ;[from, to] = range
      response.statusCode = 206
      response.setHeader('content-range', `bytes ${from}-${to - 1}/${sizeBytes}`)
    }
    response.setHeader('content-length', to - from)
  }
  if (method === 'HEAD') {
    response.end()
    return
  }
  const pieces = file.pieces(from, to)[Symbol.asyncIterator]()
  try {
    // The first one before anything is sent, so that a failure has a status of its own.
    for (let it = await pieces.next(); it.done !== true; it = await pieces.next()) {
      const bytes = typeof it.value === 'string' ? Buffer.from(it.value) : it.value
      for (let at = 0; at < bytes.byteLength; at += PART_BYTES) {
        const part = bytes.subarray(at, at + PART_BYTES)
        await onPiece(part.byteLength)
        if (response.destroyed) return
        if (!response.write(part)) await drained(response)
      }
    }
    response.end()
  } catch (error) {
    if (response.headersSent) response.destroy()
    else sayFailure(response, error)
  } finally {
    await pieces.return?.()
  }
}

/** Says that a file cannot be had now, and why as far as that is nobody's secret. */
export function sayFailure(response: ServerResponse, error: unknown): void {
  for (const name of [
    'etag',
    'content-encoding',
    'content-length',
    'content-range',
    'accept-ranges',
  ]) {
    response.removeHeader(name)
  }
  const isMissing = hasCode(error, 'NOT_AVAILABLE', 'ISSUE_NOT_FOUND')
  response.setHeader('retry-after', '10')
  const words = isMissing ? error.message : 'This cannot be had now.'
  say(response, isMissing || codeOf(error) === 'ABORTED' ? 503 : 500, words)
}

export function say(response: ServerResponse, status: number, words: string): void {
  const body = `${words}\n`
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

/** The bytes that are asked for: first, and the one after the last. Anything but one range is not understood, and ignored. */
export function rangeOf(
  header: string | undefined,
  sizeBytes: number,
): readonly [from: number, to: number] | 'none' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  const from = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first)
  const to = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1)
  return from < to ? [from, to] : 'none'
}
