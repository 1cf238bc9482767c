import { HyperletterError } from '../../errors.ts'
import { parseEncryptionKey, parseFeedKey, type EncryptionKey, type FeedKey } from './feed-key.ts'

/** What a reader needs to follow a newsletter; a private one needs its encryption key too. */
export interface Link {
  readonly feedKey: FeedKey
  readonly encryptionKey?: EncryptionKey
}

const SCHEME = 'hyperletter://'

/**
 * Parses `hyperletter://<feed key>`, `hyperletter://<feed key>#<encryption key>`, or either without the scheme.
 * @throws INVALID_LINK saying what is wrong with it.
 */
export function parseLink(text: string): Link {
  const trimmed = text.trim()
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(trimmed)?.[0]
  if (scheme !== undefined && !trimmed.toLowerCase().startsWith(SCHEME)) {
    throw new HyperletterError(
      'INVALID_LINK',
      `A link begins with ${SCHEME}, not with ${scheme.slice(0, 32)}`,
    )
  }
  const rest = scheme === undefined ? trimmed : trimmed.slice(SCHEME.length)
  const hash = rest.indexOf('#')
  const feedKey = parseFeedKey((hash < 0 ? rest : rest.slice(0, hash)).replace(/\/$/, ''))
  return hash < 0
    ? { feedKey }
    : { feedKey, encryptionKey: parseEncryptionKey(rest.slice(hash + 1)) }
}

/** The link to give to readers. With an encryption key it is a secret. */
export function formatLink(link: Link): string {
  return `${SCHEME}${link.feedKey}${link.encryptionKey === undefined ? '' : `#${link.encryptionKey}`}`
}
