import { HyperletterError } from '../../errors.ts'
import { parseEncryptionKey, parseFeedKey, type EncryptionKey, type FeedKey } from './feed-key.ts'

/** What a reader needs to follow a newsletter; a private one needs its encryption key too. */
export interface Link {
  readonly feedKey: FeedKey
  readonly encryptionKey?: EncryptionKey
  /** The number of an issue, if it leads to one. */
  readonly number?: number
}

const SCHEME = 'hyperletter://'

/** Far more than a link with two keys, and what programs add to it: nothing longer is looked at. */
const MAX_LENGTH = 2_048

/**
 * Parses `hyperletter://<feed key>`, `hyperletter://<feed key>#<encryption key>`, or either without the scheme, or with the
 * number of an issue behind the feed key, as mail and other programs hand them on: in brackets or quotes (RFC 3986, appendix C), behind it the punctuation of a sentence,
 * broken over lines, percent-encoded, in capitals, or with parameters of a tracker.
 * @throws INVALID_LINK saying what is wrong with it.
 */
export function parseLink(text: string): Link {
  const plain = unwrapped(text.slice(0, MAX_LENGTH))
  const scheme = /^[a-z][a-z0-9+.-]*:/.exec(plain)?.[0]
  if (scheme !== undefined && scheme !== SCHEME.slice(0, -2)) {
    const message = `A link begins with ${SCHEME}, not with ${scheme.slice(0, 32)}`
    throw new HyperletterError('INVALID_LINK', message)
  }
  const rest = scheme === undefined ? plain : plain.slice(scheme.length).replace(/^\/\//, '')
  const [address = '', ...secrets] = rest.split('#')
  const [, key = '', issue] = /^([^?]*?)(?:\/([1-9]\d{0,14})?)?(?:\?|$)/.exec(address) ?? []
  const found = {
    feedKey: parseFeedKey(key),
    ...(issue === undefined ? {} : { number: Number(issue) }),
  }
  const [secret] = secrets
  const isPlace = issue !== undefined && secret?.startsWith('issue-') === true
  if (secret === undefined || isPlace) return found
  return { ...found, encryptionKey: parseEncryptionKey(secrets.join('#').replace(/[?&].*$/, '')) }
}

function unwrapped(text: string): string {
  return text
    .replace(/[\s\u{AD}\u{200B}-\u{200D}\u{2060}]+/gu, '')
    .replace(/%(?:23|26|2f|3a|3f)/gi, decodeURIComponent)
    .replace(/^[^a-z0-9]+/i, '')
    .replace(/[^a-z0-9#/]+$/i, '')
    .toLowerCase()
}

/** The link to give to readers. With an encryption key it is a secret. */
export function formatLink(link: Link): string {
  return `${SCHEME}${link.feedKey}${link.encryptionKey === undefined ? '' : `#${link.encryptionKey}`}`
}
