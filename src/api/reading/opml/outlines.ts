import sax, { type Tag } from 'sax'
import { HyperletterError } from '../../../errors.ts'
import { MAX_OPML_LENGTH } from '../../contract/limits.ts'

const MAX_OUTLINES = 10_000
const MAX_DEPTH = 64
/** Each takes the parser as long as a hundred other characters. */
const MAX_AMPERSANDS = 100_000

/** An `&` that begins nothing XML knows by itself. */
const BARE_AMPERSAND = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\dA-Fa-f]{1,6});)/g

/** One line of an OPML list that names an address. */
export interface OpmlOutline {
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
  throw new HyperletterError('INVALID_INPUT', 'The OPML list declares a document type.', {
    hint: 'Nothing was changed. Export the list again, or delete what stands between <! and >.',
  })
}

function notOpml(cause?: Error): HyperletterError {
  const [reason = ''] = (cause?.message ?? '').split('\n', 1)
  const message = `This is no OPML list${reason === '' ? '.' : `: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`}`
  return new HyperletterError('INVALID_INPUT', message, {
    hint: 'Nothing was changed. Export your subscriptions as OPML from the app they are in.',
    cause,
  })
}

function tooLarge(how: string): HyperletterError {
  return new HyperletterError('TOO_LARGE', `The OPML list is ${how}.`, {
    hint: 'Nothing was changed. Split it into several lists.',
  })
}
