import type { Engine } from '../../engine/engine.ts'
import { hasCode, HyperletterError } from '../../errors.ts'
import { formatLink } from '../../format/keys/link.ts'
import type { CallOptions, Output, ParsedInput } from '../contract/contract.ts'
import { MAX_OPML_NEWSLETTERS } from '../contract/limits.ts'
import { distinct, newsletterOf, PRIVATE, skip, type FoundOutline } from './opml/newsletters.ts'
import { readOutlines } from './opml/outlines.ts'
import { subscribe } from '../following/subscribing.ts'

type Imported = Output<'importOpml'>

/**
 * Follows every newsletter that an OPML list names. None is waited for: they are fetched as soon as
 * somebody has them.
 * @throws TOO_LARGE, INVALID_INPUT, and then nothing has changed; ABORTED, DISK_FULL in the middle.
 */
export async function importOpml(
  engine: Engine,
  { opml }: ParsedInput<'importOpml'>,
  options: CallOptions,
): Promise<Imported> {
  const found = readOutlines(opml).map(newsletterOf)
  const skipped = found.flatMap((it) => ('skipped' in it ? [it.skipped] : []))
  const newsletters = distinct(found.filter((it) => 'link' in it))
  if (newsletters.length > MAX_OPML_NEWSLETTERS) {
    throw new HyperletterError(
      'TOO_LARGE',
      `The OPML list has ${newsletters.length} newsletters; ${MAX_OPML_NEWSLETTERS} is the most at once.`,
      { hint: 'Nothing was changed. Split it into several lists.' },
    )
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
  { link }: Extract<FoundOutline, { link: unknown }>,
  options: CallOptions,
): Promise<HyperletterError | undefined> {
  try {
    const events = subscribe(engine, { link: formatLink(link), wait: false }, options)
    // Recorded with the first event, and on disk with the last.
    for await (const _ of events);
    return undefined
  } catch (error) {
    if (options.signal?.aborted === true || hasCode(error, 'DISK_FULL')) throw error
    // A wrong key of one newsletter must not keep the others away.
    if (error instanceof HyperletterError) return error
    throw error
  }
}

// Until its first record has arrived a newsletter is called as the list calls it.
function titleOf(engine: Engine, { link, outline }: Extract<FoundOutline, { link: unknown }>) {
  const title = engine.library.get(link.feedKey)?.title ?? outline.title.trim().slice(0, 512)
  return title === '' ? {} : { title }
}
