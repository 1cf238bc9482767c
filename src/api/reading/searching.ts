import type { Work } from '../work.ts'
import { join } from 'node:path'
import type { Engine } from '../../engine/engine.ts'
import type { FeedSession } from '../../engine/feed-sessions.ts'
import { hasCode, invalidInput } from '../../errors.ts'
import { newestEdition } from '../../format/history/corrections.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { parseQuery, type Clause } from '../../engine/search/query.ts'
import { SearchIndex } from '../../engine/search/search-index.ts'
import { excerptOf, issueExcerpt, type Excerpt } from '../../engine/search/text/excerpt.ts'
import { INLINE_LENGTH, inWorker } from '../../text-worker/text-worker.ts'
import type { CallOptions, Output, ParsedInput } from '../contract/contract.ts'
import { publishedLetters } from '../letters/listing.ts'
import { marksOf } from './issue-marks.ts'
import { CatchUp, wordsOf } from './search-catch-up.ts'
import { SerialQueue } from '../../async.ts'

type Result = Output<'search'>[number]

const DEFAULT_LIMIT = 20
const LOCAL = { wait: false }

const FOLDER = 'search'

/** The search of one engine: an index, kept up with the logs at every search. */
export class Searcher {
  readonly #engine: Engine
  readonly #index: SearchIndex
  readonly #catchUp: CatchUp
  readonly #updates = new SerialQueue()

  private constructor(engine: Engine, index: SearchIndex) {
    this.#engine = engine
    this.#index = index
    this.#catchUp = new CatchUp(engine, index)
  }

  static async open(engine: Engine): Promise<Searcher> {
    return new Searcher(engine, await SearchIndex.open(join(engine.config.dataDir, FOLDER)))
  }

  async search(input: ParsedInput<'search'>, { signal }: CallOptions): Promise<Result[]> {
    const { query, newsletter, since, limit = DEFAULT_LIMIT } = input
    const only =
      newsletter === undefined ? undefined : this.#engine.library.resolve(newsletter).feedKey
    const words = parseQuery(query)
    if (words.length === 0) throw invalidInput('There is no word in the query to look for.')
    await this.#updates.run(() => this.#update(signal))
    signal?.throwIfAborted()
    const { found, clauses } = this.#index.search(words)
    const results: Promise<Result>[] = []
    const opened = new Map<string, Promise<Opened | undefined>>()
    const sessions: FeedSession[] = []
    try {
      for (const hit of found) {
        if (results.length === limit) break
        if (only !== undefined && hit.feedKey !== only) continue
        const { feedKey } = hit
        if (!opened.has(feedKey)) opened.set(feedKey, this.#open(feedKey, sessions))
        const newsletterOpened = await opened.get(feedKey)
        const issue = newsletterOpened?.issues.get(hit.number)
        if (newsletterOpened === undefined || issue === undefined) continue
        if (since !== undefined && issue.record.publishedAt < since) continue
        results.push(describe(newsletterOpened, issue, clauses))
      }
      return await Promise.all(results)
    } finally {
      for (const it of sessions) await it[Symbol.asyncDispose]()
    }
  }

  async #update(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#catchUp.run(signal)
    } finally {
      // The index can be made again, so a full disk must not keep anybody from searching.
      await this.#index.save().catch((err: unknown) => {
        this.#engine.logger.warn({ err }, 'the search index could not be written')
      })
    }
  }

  /** @param sessions gets the session that is opened; the caller ends it. */
  async #open(feedKey: string, sessions: FeedSession[]): Promise<Opened | undefined> {
    const entry = this.#engine.library.get(feedKey as FeedKey)
    if (entry === undefined) return undefined
    const session = await this.#engine.open(entry)
    sessions.push(session)
    const { feed } = session
    const { issues } = await feed.list(LOCAL)
    return {
      entry,
      feed,
      issues: new Map(issues.map((it) => [it.record.number, it])),
      marks: await marksOf(this.#engine, entry, issues),
    }
  }
}

/** A newsletter that something was found in. */
interface Opened {
  readonly entry: LibraryEntry
  readonly feed: Feed
  readonly issues: ReadonlyMap<number, LocatedIssue>
  readonly marks: Awaited<ReturnType<typeof marksOf>>
}

async function describe(
  { entry, feed, marks }: Opened,
  issue: LocatedIssue,
  clauses: readonly Clause[],
): Promise<Result> {
  const { number, publishedAt } = issue.record
  const { read, starred } = marks(issue)
  return {
    feedKey: entry.feedKey,
    newsletter: entry.title ?? entry.feedKey,
    number,
    title: newestEdition(issue).record.title,
    publishedAt,
    read,
    starred,
    excerpt: await readExcerpt(feed, issue, clauses),
  }
}

async function readExcerpt(
  feed: Feed,
  issue: LocatedIssue,
  clauses: readonly Clause[],
): Promise<Excerpt> {
  try {
    const edition = newestEdition(issue)
    const text = await feed.readBody(edition, LOCAL)
    const { title } = edition.record
    const excerpt = await bodyExcerpt(text, title, clauses)
    if (excerpt.highlights.length > 0) return excerpt
    for (const it of await publishedLetters(feed, issue)) {
      const found = excerptOf(wordsOf(it).join(' '), clauses)
      if (found.highlights.length > 0) return found
    }
    return excerpt
  } catch (error) {
    if (!hasCode(error, 'NOT_AVAILABLE', 'INVALID_RECORD', 'TOO_LARGE')) throw error
    return { text: '', highlights: [] }
  }
}

async function bodyExcerpt(
  text: string,
  title: string,
  clauses: readonly Clause[],
): Promise<Excerpt> {
  if (text.length <= INLINE_LENGTH) return issueExcerpt(text, title, clauses)
  return (await inWorker('excerpt', { text, title, clauses })) ?? { text: '', highlights: [] }
}

// An engine that is never searched loads neither the code nor the index.
const searchers = new WeakMap<Engine, Promise<Searcher>>()

/**
 * Issues on this machine that a query finds, best first. What arrived since the last search is taken
 * into the index first.
 * @throws INVALID_INPUT if there is no word in the query.
 */
export const search: Work<'search'> = async (engine, input, options = {}) => {
  let searcher = searchers.get(engine)
  if (searcher === undefined) {
    searcher = Searcher.open(engine)
    searchers.set(engine, searcher)
    searcher.catch(() => searchers.delete(engine))
  }
  return (await searcher).search(input, options)
}
