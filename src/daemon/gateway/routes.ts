import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { LibraryEntry } from '../../engine/library/library.ts'
import { attempt, hasCode } from '../../errors.ts'
import { parseFeedKey, type FeedKey } from '../../format/keys/feed-key.ts'
import { placeOf, type Callers } from './callers.ts'
import { say, sayFailure, sendFile, type ServedFile } from './served-file.ts'

export interface RoutesOptions {
  /** The address of the gateway, ending in `/`, if it has one that others know. */
  readonly address: string | undefined
  readonly callers: Callers
  /** Files of the program by their paths, such as `/sw.js`; the reader is at `/`. */
  readonly own: ReadonlyMap<string, ServedFile>
  readonly find: (feedKey: FeedKey) => Promise<LibraryEntry | undefined>
  readonly files: (entry: LibraryEntry, path: string) => Promise<ServedFile | undefined>
  /** Called with the bytes that are about to be sent; waits as long as the limit of uploads wants. */
  readonly onPiece: (bytes: number) => Promise<void>
}

const NEWSLETTER = /^\/(?<key>[a-z0-9]{52})(?<slash>\/?)(?<path>.*)$/s

/** The HTTP of a gateway: its own files, and those of newsletters below their keys. Nothing changes anything. */
export function gatewayRoutes(options: RoutesOptions): RequestListener {
  return (request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else sayFailure(response, error)
    })
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { address, callers, own, find, files, onPiece }: RoutesOptions,
): Promise<void> {
  const { isOurs, isPublic } = placeOf(request, address)
  protect(response, isPublic)
  const end = isOurs ? callers.begin(callers.addressOf(request)) : undefined
  if (!isOurs) return say(response, 421, 'This name is not the one of this gateway.')
  if (end === undefined) {
    response.setHeader('retry-after', '10')
    return say(response, 429, 'Too many requests.')
  }
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return say(response, 405, 'Only GET.')
    }
    const path = pathOf(request)
    const found = path === undefined ? undefined : NEWSLETTER.exec(path)?.groups
    let file = own.get(path ?? '')
    if (file === undefined && found !== undefined) {
      const { key = '', slash, path: below = '' } = found
      const feedKey = keyIn(key)
      const entry = feedKey && (await find(feedKey))
      if (entry === undefined) return say(response, 404, 'There is no such newsletter here.')
      if (slash === '') {
        response.writeHead(308, { location: `/${key}/` }).end()
        return
      }
      const isFolder = below === '' || below.endsWith('/')
      file = await files(entry, isFolder ? `${below}index.html` : below)
    }
    if (file === undefined) return say(response, 404, 'There is nothing at this address.')
    await sendFile(request, response, file, { onPiece })
  } finally {
    end()
  }
}

function keyIn(text: string): FeedKey | undefined {
  try {
    return parseFeedKey(text)
  } catch (error) {
    if (hasCode(error, 'INVALID_LINK')) return undefined
    throw error
  }
}

function pathOf({ url = '/' }: IncomingMessage): string | undefined {
  return attempt(() => decodeURIComponent(url.split('?', 1)[0] ?? '/'))
}

function protect(response: ServerResponse, isPublic: boolean): void {
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'no-referrer')
  response.setHeader('cross-origin-opener-policy', 'same-origin')
  response.setHeader('x-frame-options', 'DENY')
  response.setHeader('permissions-policy', 'camera=(), geolocation=(), microphone=()')
  const policy = isPublic ? 'cross-origin' : 'same-origin'
  response.setHeader('cross-origin-resource-policy', policy)
  if (isPublic) response.setHeader('access-control-allow-origin', '*')
}
