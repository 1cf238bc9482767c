import type { Work } from '../work.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { hasCode } from '../../errors.ts'
import type { LocatedIssue } from '../../format/feed.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import type { FeedKey } from '../../format/keys/feed-key.ts'
import { anySignal, waitUntil, Bell } from '../../async.ts'
import type { Output } from '../contract/contract.ts'
import { marksOf } from '../reading/issue-marks.ts'
import { summarizeIssue } from '../reading/listing.ts'
import { describeSuccessor } from '../succeeding.ts'

type Event = Output<'watchIssues'>

const RECORD_TIMEOUT_MS = 20_000

/** How long the content of a new issue is waited for before it is reported as not held. */
const CONTENT_TIMEOUT_MS = 10_000

/** Delay before looking again for records that did not arrive in time, and for successors. */
const LOOK_AGAIN_MS = 5_000

/** A log that has grown since the watch began. */
interface Grown {
  /** Blocks that were there before. */
  readonly from: number
  /** Numbers of the issues that were reported; their records may arrive in any order. */
  readonly reported: Set<number>
  /** Blocks of the amendments and retractions that were reported. */
  readonly corrections: Set<number>
}

/**
 * Issues and corrections as they arrive, until aborted. Those that were there before are not repeated. A
 * newsletter that continues elsewhere is watched there too.
 * @throws DISK_FULL, for then nothing arrives any more.
 */
export const watchIssues: Work<'watchIssues'> = async function* (
  engine,
  input,
  { signal: stop } = {},
) {
  const signal = anySignal(engine.full, stop)
  const all = watchedBy(engine, input.newsletter)
  const successors = new Map<string, string>()
  for (const { feedKey, successor } of all()) {
    if (successor !== undefined) successors.set(feedKey, successor.feedKey)
  }
  const grown = new Map<FeedKey, Grown>()
  const due = new Set<FeedKey>()
  const bell = new Bell()
  // Heard from the first moment on: what is appended while the caller is busy must not be missed.
  const unwatch = engine.feeds.watchGrowth((feedKey, from) => {
    // The first sync of a new subscription brings what was there before.
    if (from === 0) return
    if (!grown.has(feedKey))
      grown.set(feedKey, { from, reported: new Set(), corrections: new Set() })
    due.add(feedKey)
    bell.ring()
  })
  try {
    await engine.network()
    for (;;) {
      yield* continuations(engine, all(), successors)
      const late = new Set<FeedKey>()
      for (const feedKey of due) {
        due.delete(feedKey)
        const entry = all().find((it) => it.feedKey === feedKey)
        const log = grown.get(feedKey)
        if (entry === undefined || log === undefined) continue
        if (!(yield* arrivals(engine, entry, log, signal))) late.add(feedKey)
      }
      await bell.wait(signal, LOOK_AGAIN_MS)
      for (const feedKey of late) due.add(feedKey)
      signal.throwIfAborted()
    }
  } finally {
    unwatch()
  }
}

// One that is named stays the one that was meant: its successor may have the same title.
function watchedBy(engine: Engine, newsletter: string | undefined): () => LibraryEntry[] {
  const { library } = engine
  if (newsletter === undefined) {
    return () => library.list().filter((it) => it.roles.includes('subscriber'))
  }
  const { feedKey } = library.resolve(newsletter)
  return () => {
    const found = [library.resolve(feedKey)]
    for (const { successor } of found) {
      const next = successor === undefined ? undefined : library.get(successor.feedKey)
      if (next !== undefined && found.every((it) => it.feedKey !== next.feedKey)) found.push(next)
    }
    return found
  }
}

/** @param known the continuation last reported for each newsletter; updated in place. */
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
      ...defined({ title }),
      successor: describeSuccessor(engine, successor),
    }
  }
}

/** Gives whether all records were there. */
async function* arrivals(
  engine: Engine,
  entry: LibraryEntry,
  log: Grown,
  signal: AbortSignal | undefined,
): AsyncGenerator<Event, boolean> {
  await using session = await engine.open(entry)
  const { feed } = session
  const listing = await feed
    .list({ timeoutMs: RECORD_TIMEOUT_MS, signal })
    .catch((error: unknown) => {
      if (hasCode(error, 'ABORTED')) throw error
      return undefined
    })
  const issues = listing?.issues ?? []
  const marks = await marksOf(engine, entry, issues)
  const isNew = ({ index, record }: LocatedIssue) =>
    index >= log.from && !log.reported.has(record.number)
  const summarize = (it: LocatedIssue) => summarizeIssue(entry, feed, it, marks(it))
  for (const located of issues.toReversed()) {
    const correction = located.retraction ?? located.amendments[0]
    const isCorrected = correction !== undefined && correction.index >= log.from
    if (isNew(located)) {
      log.reported.add(located.record.number)
      // An arrival is something to read, so its text gets a moment to follow its record.
      const held = () => feed.holdsIssue(located)
      await waitUntil(held, { timeoutMs: CONTENT_TIMEOUT_MS, signal })
      yield summarize(located)
    } else if (isCorrected && !log.corrections.has(correction.index)) {
      const { record } = correction
      const note = record.type === 'amendment' ? record.note : record.reason
      yield { event: 'corrected', ...summarize(located), ...defined({ note }) }
    }
    if (isCorrected) log.corrections.add(correction.index)
  }
  return listing?.missing === 0
}
