import { KEEP_EVERYTHING } from '../../config/keep.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { HyperletterError } from '../../errors.ts'
import { parseLink } from '../../format/keys/link.ts'
import type { Output, ParsedInput } from '../contract/contract.ts'

/** Keeps a newsletter alive without following it. A feed key is enough, also for a private one. */
export async function seed(engine: Engine, input: ParsedInput<'seed'>): Promise<Output<'seed'>> {
  const { feedKey } = parseLink(input.link)
  const entry = await engine.library.add(feedKey, 'seeder')
  await engine.flush()
  await engine.feeds.start(entry, { online: true })
  return { feedKey }
}

/** Stops seeding. @throws NEWSLETTER_NOT_FOUND if it was not seeded */
export async function unseed(
  engine: Engine,
  input: ParsedInput<'unseed'>,
): Promise<Output<'unseed'>> {
  const entry = engine.library.resolve(input.newsletter)
  await engine.feeds.leave(entry, 'seeder')
  return { feedKey: entry.feedKey }
}

/**
 * Chooses how much of a newsletter stays here. What has no place any more is off the disk when it returns.
 * @throws INVALID_INPUT for an own newsletter, of which nothing is ever dropped.
 */
export async function keepNewsletter(
  engine: Engine,
  { newsletter, keep }: ParsedInput<'keepNewsletter'>,
): Promise<Output<'keepNewsletter'>> {
  const entry = engine.library.resolve(newsletter)
  const { feedKey, title } = entry
  if (keep !== undefined) {
    if (entry.roles.includes('author')) {
      throw new HyperletterError('INVALID_INPUT', 'You publish this newsletter: all of it is kept.')
    }
    await engine.library.update(feedKey, { keep })
    await engine.flush()
  }
  await using session = await engine.open(entry)
  await engine.retention.runNow({ isThorough: keep !== undefined })
  const { issues } = await session.feed.list({ wait: false }).catch(() => ({ issues: [] }))
  return {
    feedKey,
    ...defined({ title }),
    keep: keep ?? entry.keep ?? KEEP_EVERYTHING,
    issues: issues.length,
    leftOut: engine.retention.leftOut(feedKey),
  }
}
