import type { Engine } from '../engine/engine.ts'
import { hasCode } from '../errors.ts'
import type { Feed } from '../feed/feed.ts'
import type { LibraryEntry } from '../library/library.ts'
import type { CallOptions, Output, ParsedInput } from './contract.ts'
import { marksOf, summarizeIssue } from './listing.ts'
import { describeSuccessor } from './succeeding.ts'
import { waitUntil } from './waiting.ts'

type Event = Output<'watchIssues'>

/** How long the record of a new issue is waited for. */
const RECORD_TIMEOUT_MS = 20_000

/** How long the content of a new issue is waited for before it is reported as not held. */
const CONTENT_TIMEOUT_MS = 10_000

/** New subscriptions join a watch at the latest after this. */
const LOOK_AGAIN_MS = 5_000

/**
 * Issues as they arrive, until aborted. Those that were there before are not repeated. A newsletter that
 * continues elsewhere is watched there too.
 * @throws DISK_FULL, for then nothing arrives any more.
 */
export async function* watchIssues(
  engine: Engine,
  input: ParsedInput<'watchIssues'>,
  { signal: stop }: CallOptions,
): AsyncGenerator<Event> {
  const signal = stop === undefined ? engine.full : AbortSignal.any([stop, engine.full])
  const network = await engine.network()
  const all = watchedBy(engine, input.newsletter)
  const seen = new Map<string, number>()
  const successors = new Map<string, string>()
  for (const entry of all()) {
    seen.set(entry.feedKey, await newestNumber(await engine.feed(entry)))
    if (entry.successor !== undefined) successors.set(entry.feedKey, entry.successor.feedKey)
  }
  for (;;) {
    yield* continuations(engine, all(), successors)
    const entries = all()
    const feeds = await Promise.all(entries.map((entry) => engine.feed(entry)))
    const leave = new AbortController()
    // Listens before it looks: what is appended while the caller is busy must not be missed.
    const appended = anyAppend(feeds, [leave.signal, signal])
    try {
      for (const [i, feed] of feeds.entries()) {
        network.start(feed)
        const entry = entries[i] as LibraryEntry
        yield* arrivals(engine, entry, feed, seen, signal)
      }
      await appended
    } finally {
      leave.abort()
    }
    signal.throwIfAborted()
  }
}

// One that is named stays the one that was meant: its successor may have the same title.
function watchedBy(engine: Engine, newsletter: string | undefined): () => LibraryEntry[] {
  const { library, feeds } = engine
  if (newsletter === undefined) {
    return () => library.list().filter((it) => it.roles.includes('subscriber'))
  }
  const { feedKey } = feeds.resolve(newsletter)
  return () => {
    const found = [feeds.resolve(feedKey)]
    for (const { successor } of found) {
      const next = successor === undefined ? undefined : library.get(successor.feedKey)
      if (next !== undefined && found.every((it) => it.feedKey !== next.feedKey)) found.push(next)
    }
    return found
  }
}

/** @param known what was told of each newsletter; it is brought up to date. */
function* continuations(
  engine: Engine,
  entries: readonly LibraryEntry[],
  known: Map<string, string>,
): Generator<Event> {
  for (const { feedKey, title, successor } of entries) {
    if (successor === undefined || known.get(feedKey) === successor.feedKey) continue
    known.set(feedKey, successor.feedKey)
    yield {
      event: 'continues',
      feedKey,
      ...(title === undefined ? {} : { title }),
      successor: describeSuccessor(engine, successor),
    }
  }
}

async function newestNumber(feed: Feed): Promise<number> {
  const newest = await feed.newest({ wait: false }).catch(() => undefined)
  return newest?.record.number ?? 0
}

async function* arrivals(
  engine: Engine,
  entry: LibraryEntry,
  feed: Feed,
  seen: Map<string, number>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Event> {
  const last = seen.get(feed.feedKey)
  const listing = await feed
    .list({ timeoutMs: RECORD_TIMEOUT_MS, signal })
    .catch((error: unknown) => {
      if (hasCode(error, 'ABORTED')) throw error
      return undefined
    })
  const issues = listing?.issues ?? []
  seen.set(feed.feedKey, Math.max(last ?? 0, issues[0]?.record.number ?? 0))
  if (last === undefined) return
  const marks = await marksOf(engine, entry)
  for (const located of issues.filter((it) => it.record.number > last).toReversed()) {
    // An arrival is something to read, so its text gets a moment to follow its record.
    const held = () => feed.holdsIssue(located)
    await waitUntil(held, { timeoutMs: CONTENT_TIMEOUT_MS, signal })
    yield summarizeIssue(entry, feed, located, marks(located.record.number))
  }
}

/** Settles at the next append to one of `feeds`, when it is time to look again, or when one of `ends` aborts. */
function anyAppend(feeds: readonly Feed[], ends: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      for (const { core } of feeds) core.off('append', done)
      for (const end of ends) end.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, LOOK_AGAIN_MS)
    for (const { core } of feeds) core.on('append', done)
    for (const end of ends) end.addEventListener('abort', done)
    if (ends.some((it) => it.aborted)) done()
  })
}
