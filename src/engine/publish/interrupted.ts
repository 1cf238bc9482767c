// What an engine finds when it opens: a data directory that was moved, and entries that a crash cut off.
import type { Config } from '../../config/config.ts'
import type { Library } from '../library/library.ts'
import { short, type Logger } from '../../logger.ts'
import type { Author } from './author.ts'
import type { Continuity } from './continuity.ts'
import type { Feeds } from '../feeds.ts'
import type { Journal } from './journal.ts'
import type { PublishedNotes } from './author-files.ts'
import { settleMove, wasMoved } from '../../log/store/opening.ts'

interface Parts {
  readonly config: Config
  readonly logger: Logger
  readonly library: Library
  readonly feeds: Feeds
  readonly author: Author
  readonly continuity: Continuity
}

/** A copy may lack what the original published since: each of its newsletters asks a peer first. */
export async function recordMove({ config, library, continuity, logger }: Parts): Promise<void> {
  if (!(await wasMoved(config))) return
  for (const { feedKey, roles } of library.list()) {
    if (!roles.includes('author')) continue
    await continuity.mistrust(feedKey)
    logger.warn({ feed: short(feedKey) }, 'the data directory was copied or put back')
  }
  await settleMove(config)
}

/** Finishes publications that were interrupted; one that cannot be finished now stays in the journal. */
export async function finishInterrupted(
  { library, feeds, author, logger }: Parts,
  { journal, notes }: { readonly journal: Journal; readonly notes: PublishedNotes },
): Promise<void> {
  for (const pending of await journal.pending()) {
    const { feedKey } = pending
    const entry = library.get(feedKey)
    try {
      // Interrupted before `create` had told anybody of the newsletter: there is nothing to finish.
      if (entry === undefined) {
        await journal.drop(feedKey)
        continue
      }
      // Peers are asked first how the log went on.
      if ((await notes.get(feedKey))?.mustCatchUp === true) continue
      await using session = await feeds.open(entry, { online: false })
      await author.recover(session.feed, pending)
    } catch (err) {
      const facts = { feed: short(feedKey), err }
      logger.error(facts, 'an interrupted publication could not be finished')
    }
  }
}
