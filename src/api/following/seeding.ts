import type { Work } from '../work.ts'
import { KEEP_EVERYTHING } from '../../config/keep.ts'
import { defined } from '../../defined.ts'
import { invalidInput } from '../../errors.ts'
import { followLink, withMirror } from './followed-links.ts'

/** Keeps a newsletter alive without following it. A feed key is enough, also for a private one. */
export const seed: Work<'seed'> = async (engine, input, { signal } = {}) => {
  const { feedKey, mirror } = await followLink(input.link, signal)
  const mirrors = withMirror(engine.library.get(feedKey)?.mirrors, mirror)
  const entry = await engine.library.add(feedKey, 'seeder', defined({ mirrors }))
  await engine.flush()
  await engine.feeds.start(entry, { online: true })
  return { feedKey }
}

/** Stops seeding. @throws NEWSLETTER_NOT_FOUND if it was not seeded */
export const unseed: Work<'unseed'> = async (engine, input) => {
  const entry = engine.library.resolve(input.newsletter)
  await engine.feeds.leave(entry, 'seeder')
  return { feedKey: entry.feedKey }
}

/** @throws INVALID_INPUT for an own newsletter, of which nothing is ever dropped. */
export const keepNewsletter: Work<'keepNewsletter'> = async (engine, { newsletter, keep }) => {
  const entry = engine.library.resolve(newsletter)
  const { feedKey, title } = entry
  if (keep !== undefined) {
    if (entry.roles.includes('author')) {
      throw invalidInput('You publish this newsletter: all of it is kept.')
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
