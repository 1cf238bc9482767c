import { mirrorSource } from '../../engine/mirrors/mirror-source.ts'
import { codeOf, hasCode, HyperletterError } from '../../errors.ts'
import { defined } from '../../defined.ts'
import { parseEncryptionKey, parseFeedKey } from '../../format/keys/feed-key.ts'
import { parseLink, type Link } from '../../format/keys/link.ts'
import { invalidLog } from '../../format/log-files/layout.ts'
import { VerifiedFiles } from '../../format/log-files/verified-files.ts'
import { MAX_MIRRORS } from '../../format/records/bodies.ts'
import { nativeCrypto } from '../../log/keys.ts'

/** `hyperletter.json` has a few lines. */
const MAX_PLACE_BYTES = 16 * 1024

/** What a link or address leads to. */
export interface Followed extends Link {
  /** Where the log is as files, ending in `/`: where a web address was given. */
  readonly mirror?: string
}

/**
 * What a link leads to; of a web address, whatever newsletter lies there: its key is trusted for the first time.
 * @throws INVALID_LINK; INVALID_LOG, NOT_AVAILABLE, INVALID_INPUT of a web address.
 */
export async function followLink(text: string, signal?: AbortSignal): Promise<Followed> {
  const address = text.trim()
  // A key with another scheme is a mistyped link.
  if (!/^https?:\/\/(?![a-z0-9]{52,64}\/?$)/i.test(address)) return parseLink(text)
  const named = keysAfterHash(address)
  if (named !== undefined) return followWebLink(named, folderOf(address), signal)
  const { log, feedKey } = await placeOf(folderOf(address), signal)
  const files = await VerifiedFiles.open(mirrorSource(log, { isTyped: true }), {
    signal,
    crypto: nativeCrypto,
    feedKey,
  })
  return { feedKey: files.head.feedKey, mirror: log }
}

/** The keys that a link to a gateway, or to the reader in one file, has behind `#`. @throws INVALID_LINK */
function keysAfterHash(address: string): Link | undefined {
  const hash = URL.canParse(address) ? new URL(address).hash : ''
  const { key, secret } =
    /^#(?<key>[a-z0-9]{52,64})(?:\/(?<secret>[a-z0-9]{52,64}))?(?:[/?].*)?$/i.exec(hash)?.groups ??
    {}
  if (key === undefined) return undefined
  const encryptionKey = secret === undefined ? undefined : parseEncryptionKey(secret)
  return { feedKey: parseFeedKey(key), ...defined({ encryptionKey }) }
}

// The key is in the link, so nothing has to be trusted, and a server that does not answer is no reason to give up.
async function followWebLink(
  link: Link,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<Followed> {
  const { feedKey } = link
  const below = new URL(`${feedKey}/`, folder).href
  for (const place of new URL(folder).pathname === '/' ? [below, folder] : [folder]) {
    try {
      const { log } = await placeOf(place, signal)
      const source = mirrorSource(log, { isTyped: true })
      await VerifiedFiles.open(source, { signal, crypto: nativeCrypto, feedKey })
      return { ...link, mirror: log }
    } catch (error) {
      if (!hasCode(error, 'NOT_AVAILABLE')) throw error
    }
  }
  return link
}

/** Addresses with one more, as the newest of those that may be kept. */
export function withMirror(before: readonly string[] | undefined, mirror: string | undefined) {
  if (mirror === undefined) return before
  return [...(before ?? []).filter((it) => it !== mirror), mirror].slice(-MAX_MIRRORS)
}

/** The folder that a web address is in. @throws INVALID_LINK */
export function folderOf(address: string): string {
  if (!URL.canParse(address)) throw new HyperletterError('INVALID_LINK', 'That is no web address.')
  const url = new URL(address)
  url.hash = ''
  url.search = ''
  if (!url.pathname.endsWith('/')) url.pathname = url.pathname.replace(/[^/]*\.html?$/, '')
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url.href
}

// A site says where its log is; a folder of a log alone says nothing.
async function placeOf(folder: string, signal: AbortSignal | undefined) {
  const source = mirrorSource(folder, { isTyped: true })
  const log = new URL('log/', folder).href
  let found: unknown
  try {
    const bytes = await source.get('hyperletter.json', { limit: MAX_PLACE_BYTES, signal })
    found = JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    if (hasCode(error, 'INVALID_INPUT', 'ABORTED')) throw error
    if (codeOf(error) !== undefined) return { log, feedKey: undefined }
    throw invalidLog('hyperletter.json is not JSON.', error)
  }
  const place = (found ?? {}) as { hyperletter?: unknown; feedKey?: unknown; log?: unknown }
  const isKnown = place.hyperletter === 1 && typeof place.feedKey === 'string'
  if (!isKnown) throw invalidLog('hyperletter.json is of no newsletter.')
  const below =
    typeof place.log === 'string' && URL.canParse(place.log, folder) ? place.log : 'log/'
  const url = new URL(below, folder)
  // Whoever writes that file does not choose whom this device asks.
  const isHere = url.href.startsWith(folder) && url.href.endsWith('/')
  try {
    return { log: isHere ? url.href : log, feedKey: parseFeedKey(String(place.feedKey)) }
  } catch (error) {
    throw invalidLog('hyperletter.json has no feed key.', error)
  }
}
