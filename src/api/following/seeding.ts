import type { Engine } from '../../engine/engine.ts'
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
