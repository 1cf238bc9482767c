import { attempt, HyperletterError } from '../../errors.ts'
import type { Library, LibraryEntry } from '../library/library.ts'
import { short, type Logger } from '../../logger.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import {
  formatSuccession,
  parseSuccession,
  type Succession,
} from '../../format/records/succession.ts'
import { SerialQueue } from '../../async.ts'

export interface SuccessionStoreOptions {
  readonly library: Library
  readonly logger: Logger
  /** Opens a newsletter that was just added, and takes part in it if online. */
  readonly onFollow: (entry: LibraryEntry) => Promise<unknown>
  /** Passes a statement on to peers if online. */
  readonly announce: (statement: Succession) => Promise<void>
}

/** Newsletters that one subscription may lead to, one upon the other or by corrections; more is a game. */
export const MAX_SUCCESSIONS = 8

/**
 * Which statements of succession count, and what follows from one that does. Of two statements for one
 * newsletter the later one counts; of two of the same moment, the first that arrived.
 */
export class SuccessionStore {
  readonly #options: SuccessionStoreOptions
  readonly #queue = new SerialQueue()

  constructor(options: SuccessionStoreOptions) {
    this.#options = options
  }

  /** All statements that are remembered and can be passed on. */
  known(): Succession[] {
    return this.#options.library.list().flatMap(({ feedKey, successor }) => {
      const statement = successor && attempt(() => parseSuccession(successor.statement))
      return statement?.from === feedKey ? [statement] : []
    })
  }

  /**
   * Remembers where a newsletter of the library continues, and follows it there in the same roles but
   * that of an author. A statement that is known already changes nothing.
   * @param statement its signature must have been checked.
   * @throws INVALID_STATEMENT if it does not count; NEWSLETTER_NOT_FOUND.
   */
  accept(statement: Succession): Promise<void> {
    return this.#queue.run(() => this.#accept(statement))
  }

  async #accept(statement: Succession): Promise<void> {
    const { library, logger, onFollow, announce } = this.#options
    const { from, to, issuedAt } = statement
    const entry = library.get(from)
    if (entry === undefined) {
      throw new HyperletterError('NEWSLETTER_NOT_FOUND', `${short(from)} is not in the library.`, {
        // Nothing was checked, so where it leads must not be recommended.
        hint: 'Subscribe to it first: a statement can be checked only against the newsletter that it comes from.',
      })
    }
    if (entry.successor?.feedKey === to && entry.successor.issuedAt === issuedAt) return
    assertNewer(entry, issuedAt)
    assertLeadsOn(library, from, to)

    // The follower first: interrupted here, the statement is learnt once more and does the rest.
    const origin = library.get(to) === undefined ? { origin: entry.origin ?? from } : {}
    for (const role of entry.roles.filter((it) => it !== 'author')) {
      await onFollow(await library.add(to, role, origin))
    }
    const successor = { feedKey: to, issuedAt, statement: formatSuccession(statement), told: false }
    await library.update(from, { successor })
    logger.info({ feed: short(from), to: short(to) }, 'the newsletter continues elsewhere')
    await announce(statement)
  }
}

function assertNewer({ successor }: LibraryEntry, issuedAt: number): void {
  if (successor === undefined || issuedAt > successor.issuedAt) return
  throw refused('a later one is known, or another one of the same moment')
}

function assertLeadsOn(library: Library, from: FeedKey, to: FeedKey): void {
  const after = walk(to, (it) => library.get(it)?.successor?.feedKey)
  if (after.includes(from)) throw refused('it leads in a circle')
  const entries = library.list()
  const before = walk(from, (it) => entries.find((e) => e.successor?.feedKey === it)?.feedKey)
  const origin = library.get(from)?.origin ?? from
  const led = entries.filter((it) => it.origin === origin).length
  // One step lies between two newsletters.
  const isLong = before.length + after.length - 1 > MAX_SUCCESSIONS
  if (isLong || (library.get(to) === undefined && led >= MAX_SUCCESSIONS)) {
    throw refused(`one newsletter led to ${MAX_SUCCESSIONS} others already`)
  }
}

function walk(start: FeedKey, next: (at: FeedKey) => FeedKey | undefined): FeedKey[] {
  const path: FeedKey[] = []
  for (let at: FeedKey | undefined = start; at !== undefined; at = next(at)) {
    if (path.includes(at) || path.length > MAX_SUCCESSIONS) break
    path.push(at)
  }
  return path
}

function refused(why: string): HyperletterError {
  return new HyperletterError('INVALID_STATEMENT', `The statement does not count: ${why}.`)
}
