import { HyperletterError } from '../../errors.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { parseLink } from '../../format/keys/link.ts'
import { short } from '../../logger.ts'

/** Characters of a key as lists show it; what a person names by as many is no title. */
const MIN_KEY_LENGTH = 8

/** What a newsletter is found by. */
interface Named {
  readonly feedKey: FeedKey
  readonly title?: string | undefined
}

/**
 * The library entry that a person means: a link, a feed key, a title, or the unique beginning of a
 * feed key or title. A title is a claim: none wins over a key that begins so.
 * @throws NEWSLETTER_NOT_FOUND; INVALID_INPUT if several match.
 */
export function resolveEntry<T extends Named>(entries: readonly T[], reference: string): T {
  const wanted = reference.trim().toLowerCase()
  const named = feedKeyIn(reference)
  const isBegun = (text: string | undefined) => text?.toLowerCase().startsWith(wanted) === true
  const titled = entries.filter((it) => it.title?.toLowerCase() === wanted)
  const [match, ...others] =
    [
      entries.filter((it) => it.feedKey === named),
      wanted.length < MIN_KEY_LENGTH ? [] : entries.filter((it) => isBegun(it.feedKey)),
      titled.length === 0 ? [] : entries.filter((it) => titled.includes(it) || isBegun(it.feedKey)),
      entries.filter((it) => wanted !== '' && (isBegun(it.feedKey) || isBegun(it.title))),
    ].find((it) => it.length > 0) ?? []
  const shown = reference.slice(0, 80)
  if (match === undefined) {
    throw new HyperletterError('NEWSLETTER_NOT_FOUND', `No newsletter here is called "${shown}".`)
  }
  if (others.length === 0) return match
  const keys = [match, ...others].map((it) => short(it.feedKey)).join(', ')
  throw new HyperletterError('INVALID_INPUT', `"${shown}" may be any of ${keys}.`, {
    hint: 'Name it by the beginning of its feed key.',
  })
}

function feedKeyIn(reference: string): FeedKey | undefined {
  try {
    return parseLink(reference).feedKey
  } catch {
    return undefined
  }
}
