import type { Work } from '../work.ts'
import sax, { type Tag } from 'sax'
import type { Engine } from '../../engine/engine.ts'
import { hasCode, HyperletterError, invalidInput } from '../../errors.ts'
import { parseFeedKey } from '../../format/keys/feed-key.ts'
import { formatLink, type Link, parseLink } from '../../format/keys/link.ts'
import type { CallOptions, Output } from '../contract/contract.ts'
import { MAX_OPML_LENGTH, MAX_OPML_NEWSLETTERS } from '../kinds.ts'
import { subscribe } from '../following/subscribing.ts'

type Imported = Output<'importOpml'>

/** @throws TOO_LARGE, INVALID_INPUT, and then nothing has changed; ABORTED, DISK_FULL in the middle. */
export const importOpml: Work<'importOpml'> = async (engine, { opml }, options = {}) => {
  const found = readOutlines(opml).map(newsletterOf)
  const skipped = found.flatMap((it) => ('skipped' in it ? [it.skipped] : []))
  const newsletters = distinct(found.filter((it) => 'link' in it))
  if (newsletters.length > MAX_OPML_NEWSLETTERS) {
    const message = `The OPML list has ${newsletters.length} newsletters; ${MAX_OPML_NEWSLETTERS} is the most at once.`
    throw new HyperletterError('TOO_LARGE', message, {
      hint: 'Nothing was changed. Split it into several lists.',
    })
  }
  const subscribed: Imported['subscribed'] = []
  for (const it of newsletters) {
    const { feedKey } = it.link
    const before = engine.library.get(feedKey)
    const isKnown = before?.roles.some((role) => role !== 'seeder') === true
    if (!isKnown && it.lacksKey && before?.encryptionKey === undefined) {
      skipped.push(skip(it.outline, PRIVATE))
      continue
    }
    const failure = isKnown ? undefined : await follow(engine, it, options)
    if (failure !== undefined) skipped.push(skip(it.outline, failure))
    else subscribed.push({ feedKey, already: isKnown, ...titleOf(engine, it) })
  }
  return { subscribed, skipped }
}

async function follow(
  engine: Engine,
  found: FoundNewsletter,
  options: CallOptions,
): Promise<HyperletterError | undefined> {
  try {
    const { link } = found
    const events = subscribe(engine, { link: formatLink(link), wait: false }, options)
    // Recorded with the first event, and on disk with the last.
    for await (const _ of events);
    if (engine.library.get(link.feedKey)?.title === undefined) {
      await engine.library.update(link.feedKey, titleOf(engine, found))
    }
    return undefined
  } catch (error) {
    if (options.signal?.aborted === true || hasCode(error, 'DISK_FULL')) throw error
    // A wrong key of one newsletter must not keep the others away.
    if (error instanceof HyperletterError) return error
    throw error
  }
}

// Until its first record has arrived a newsletter is called as the list calls it.
function titleOf(engine: Engine, { link, outline }: FoundNewsletter) {
  const title = engine.library.get(link.feedKey)?.title ?? outline.title.trim().slice(0, 512)
  return title === '' ? {} : { title }
}

/** Where our own web reader serves the feed of a newsletter, on whichever machine and port. */
const OWN_FEED =
  /^https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?\/feeds\/([a-z0-9]{52})\/[^?#]*(\?[^#]*)?$/i

/** An outline that is no newsletter which can be followed. */
type SkippedOutline = Imported['skipped'][number]

/** A newsletter that an outline names. Its link has no encryption key if only the address of its web feed is known. */
interface FoundNewsletter {
  readonly link: Link
  readonly lacksKey: boolean
  readonly outline: OpmlOutline
}

/**
 * The newsletter that an outline names: by a link, or by the address of its feed on a machine that
 * follows it, which is what our own lists and those of apps that took one in have.
 */
export function newsletterOf(
  outline: OpmlOutline,
): FoundNewsletter | { readonly skipped: SkippedOutline } {
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
const PRIVATE = {
  code: 'NEEDS_KEY',
  message: 'a private newsletter, whose key is not in the list; subscribe with its whole link',
}

function skip(
  { title, urls }: OpmlOutline,
  { code, message }: { readonly code: string; readonly message: string },
): SkippedOutline {
  return { title: title.slice(0, 512), url: (urls[0] ?? '').slice(0, 2_048), code, message }
}

/** Each newsletter once, with its encryption key if any of the outlines has it. */
export function distinct(found: readonly FoundNewsletter[]): readonly FoundNewsletter[] {
  const byKey = new Map<string, FoundNewsletter>()
  for (const it of found) {
    const before = byKey.get(it.link.feedKey)
    if (before === undefined || knowsMore(it, before)) byKey.set(it.link.feedKey, it)
  }
  return [...byKey.values()]
}

function knowsMore({ link, lacksKey }: FoundNewsletter, before: FoundNewsletter): boolean {
  if (link.encryptionKey !== undefined) return before.link.encryptionKey === undefined
  return before.link.encryptionKey === undefined && before.lacksKey && !lacksKey
}

const MAX_OUTLINES = 10_000
const MAX_DEPTH = 64
/** Each takes the parser as long as a hundred other characters. */
const MAX_AMPERSANDS = 100_000

/** An `&` that begins nothing XML knows by itself. */
const BARE_AMPERSAND = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\dA-Fa-f]{1,6});)/g

interface OpmlOutline {
  readonly title: string
  /** What it says of where it is, the likeliest first; never empty. */
  readonly urls: readonly string[]
}

/** Attributes that may hold an address, in small letters; lists of the wild differ in that. */
const URL_ATTRIBUTES = ['xmlurl', 'url', 'htmlurl']

/**
 * The outlines of an untrusted OPML list that have an address, from whatever folders they are in.
 * Forgives a bare `&`, as many lists have one, and nothing else that is not well-formed.
 * @throws TOO_LARGE over 1 MiB, 10,000 outlines or 64 levels; INVALID_INPUT if it is not OPML, or
 * declares something, as only attacks on whoever reads it do.
 */
export function readOutlines(opml: string): OpmlOutline[] {
  if (opml.length > MAX_OPML_LENGTH) throw tooLarge(`longer than ${MAX_OPML_LENGTH} characters`)
  if (countAmpersands(opml) > MAX_AMPERSANDS) {
    throw tooLarge(`of more than ${MAX_AMPERSANDS} characters that are written as others`)
  }
  const outlines: OpmlOutline[] = []
  let count = 0
  let hasRoot = false
  const parser = sax.parser(true, { strictEntities: true, position: false })
  const onopentag = ({ name, attributes }: Tag) => {
    if (parser.tags.length > MAX_DEPTH) throw tooLarge(`deeper than ${MAX_DEPTH} levels`)
    if (parser.tags.length === 1 && name.toLowerCase() !== 'opml') throw notOpml()
    hasRoot = true
    if (name.toLowerCase() !== 'outline') return
    if (++count > MAX_OUTLINES) throw tooLarge(`of more than ${MAX_OUTLINES} outlines`)
    const outline = toOutline(attributes)
    if (outline.urls.length > 0) outlines.push(outline)
  }
  const onerror = (error: Error) => {
    throw notOpml(error)
  }
  const refusing = { ondoctype: refuseDeclaration, onsgmldeclaration: refuseDeclaration }
  Object.assign(parser, { onopentag, onerror, ...refusing })
  parser.write(opml.trimStart().replace(BARE_AMPERSAND, '&amp;')).close()
  if (!hasRoot) throw notOpml()
  return outlines
}

function toOutline(attributes: Readonly<Record<string, string>>): OpmlOutline {
  const byName = new Map(Object.entries(attributes).map(([name, it]) => [name.toLowerCase(), it]))
  const urls = URL_ATTRIBUTES.map((name) => (byName.get(name) ?? '').trim())
  return {
    title: byName.get('title') ?? byName.get('text') ?? '',
    urls: urls.filter((url) => url !== ''),
  }
}

function countAmpersands(text: string): number {
  let count = 0
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) count++
  return count
}

function refuseDeclaration(): never {
  throw invalidInput('The OPML list declares a document type.', {
    hint: 'Nothing was changed. Export the list again, or delete what stands between <! and >.',
  })
}

function notOpml(cause?: Error): HyperletterError {
  const [reason = ''] = (cause?.message ?? '').split('\n', 1)
  const message = `This is no OPML list${reason === '' ? '.' : `: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`}`
  return invalidInput(message, {
    hint: 'Nothing was changed. Export your subscriptions as OPML from the app they are in.',
    cause,
  })
}

function tooLarge(how: string): HyperletterError {
  return new HyperletterError('TOO_LARGE', `The OPML list is ${how}.`, {
    hint: 'Nothing was changed. Split it into several lists.',
  })
}
