import { HyperletterError } from '../../../errors.ts'
import { parseFeedKey } from '../../../format/keys/feed-key.ts'
import { parseLink, type Link } from '../../../format/keys/link.ts'
import type { OpmlOutline } from './outlines.ts'

/** Where our own web reader serves the feed of a newsletter, on whichever machine and port. */
const OWN_FEED =
  /^https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?\/feeds\/([a-z0-9]{52})\/[^?#]*(\?[^#]*)?$/i

/** An outline that is no newsletter which can be followed. */
interface SkippedOutline {
  readonly title: string
  readonly url: string
  readonly code: string
  readonly message: string
}

/** What an outline leads to: a newsletter, whose link lacks its key where only that of a feed is told. */
export type FoundOutline =
  | { readonly link: Link; readonly lacksKey: boolean; readonly outline: OpmlOutline }
  | { readonly skipped: SkippedOutline }

/**
 * The newsletter that an outline names: by a link, or by the address of its feed on a machine that
 * follows it, which is what our own lists and those of apps that took one in have.
 */
export function newsletterOf(outline: OpmlOutline): FoundOutline {
  const own = outline.urls.find((url) => /^hyperletter:/i.test(url))
  const local = outline.urls.map((url) => OWN_FEED.exec(url)).find((it) => it !== null)
  try {
    if (own !== undefined) return { link: parseLink(own), lacksKey: false, outline }
    if (local?.[1] !== undefined) {
      const feedKey = parseFeedKey(local[1])
      return { link: { feedKey }, lacksKey: /[?&]key=/.test(local[2] ?? ''), outline }
    }
  } catch (error) {
    return { skipped: skip(outline, HyperletterError.from(error)) }
  }
  return { skipped: skip(outline, ORDINARY) }
}

const ORDINARY = {
  code: 'INVALID_LINK',
  message: 'an ordinary feed; only Hyperletter newsletters can be followed here',
}

/** Why a newsletter whose key is not in the list is left out. */
export const PRIVATE = {
  code: 'NEEDS_KEY',
  message: 'a private newsletter, whose key is not in the list; subscribe with its whole link',
}

/** An outline that is left out, and why. */
export function skip(
  { title, urls }: OpmlOutline,
  { code, message }: { readonly code: string; readonly message: string },
): SkippedOutline {
  return { title: title.slice(0, 512), url: (urls[0] ?? '').slice(0, 2_048), code, message }
}

/** Each newsletter once, with its encryption key if any of the outlines has it. */
export function distinct(
  found: readonly Extract<FoundOutline, { link: Link }>[],
): readonly Extract<FoundOutline, { link: Link }>[] {
  const byKey = new Map<string, Extract<FoundOutline, { link: Link }>>()
  for (const it of found) {
    const before = byKey.get(it.link.feedKey)
    if (before === undefined || knowsMore(it, before)) byKey.set(it.link.feedKey, it)
  }
  return [...byKey.values()]
}

function knowsMore(
  { link, lacksKey }: Extract<FoundOutline, { link: Link }>,
  before: Extract<FoundOutline, { link: Link }>,
): boolean {
  if (link.encryptionKey !== undefined) return before.link.encryptionKey === undefined
  return before.link.encryptionKey === undefined && before.lacksKey && !lacksKey
}
