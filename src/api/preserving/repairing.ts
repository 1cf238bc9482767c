import type { Work } from '../work.ts'
import { awaitWhole } from '../../engine/recovery/catch-up.ts'
import type { Engine } from '../../engine/engine.ts'
import {
  poll,
  commonLength,
  crossCheck,
  type PeerLength,
  type CrossCheck,
} from '../../engine/recovery/cross-check.ts'
import { hasCode, HyperletterError } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import type { Output } from '../contract/contract.ts'
import { authoredBy } from '../writing/publishing.ts'

/** How long readers are waited for, and how long a download may stand still. */
const PEER_TIMEOUT_SECONDS = 30

type Repaired = Output<'repairNewsletter'>

/**
 * Takes back what this device published beside the history that its readers hold, and goes on from
 * theirs. First all of theirs is fetched, and only then anything here is given up.
 * @throws NOT_AVAILABLE if no reader answers; FEED_CONFLICT if readers hold different histories: then no
 * device can join them again.
 */
export const repairNewsletter: Work<'repairNewsletter'> = async (
  engine,
  input,
  { signal } = {},
) => {
  const entry = authoredBy(engine, input.newsletter)
  const timeoutMs = (input.timeoutSeconds ?? PEER_TIMEOUT_SECONDS) * 1_000
  const options = { config: engine.config, logger: engine.logger, timeoutMs, signal }
  const repaired = await engine.author.exclusively(entry.feedKey, () =>
    engine.offlineFor(async () => {
      await using session = await engine.open(entry, { online: false })
      const ours = session.feed
      const votes = await poll(ours, options)
      if (votes.length === 0) throw unanswered()
      if (votes.every((it) => it.agrees)) return unchanged(ours, votes)
      const opinion = await crossCheck(entry, options).catch((error: unknown) => {
        if (hasCode(error, 'FEED_BEHIND')) throw unanswered(error)
        throw hasCode(error, 'FEED_CONFLICT') ? divided(error) : error
      })
      try {
        return await adopt(engine, entry, { ours, opinion, votes }, { timeoutMs, signal })
      } finally {
        await opinion.close()
      }
    }),
  )
  await engine.feeds.start(entry)
  return repaired
}

// Where a conflict was met but everybody who answers agrees, the mark stays: somebody else holds the other.
function unchanged(ours: Feed, votes: readonly PeerLength[]): Repaired {
  const { feedKey, length } = ours
  return { feedKey, forked: false, length, peers: votes.length, removed: [] }
}

interface Histories {
  readonly ours: Feed
  readonly opinion: CrossCheck
  readonly votes: readonly PeerLength[]
}

interface Waiting {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

async function adopt(
  engine: Engine,
  entry: LibraryEntry,
  { ours, opinion, votes }: Histories,
  waiting: Waiting,
): Promise<Repaired> {
  const { feedKey } = entry
  const { feed: theirs } = opinion
  const kept = await commonLength(ours, theirs)
  const isTaken = votes.some((it) => it.agrees && it.length > kept)
  if (isTaken || kept === Math.min(ours.length, theirs.length)) throw divided()
  const removed = await issuesBehind(ours, kept)
  waiting.signal?.throwIfAborted()
  // Interrupted from here on, the next publication fetches the rest from peers.
  await engine.continuity.disown(feedKey)
  await engine.author.forgetPending(feedKey)
  await ours.log.cutBack(kept)
  // What the feed remembers of the blocks is gone too.
  await engine.feeds.closeFeed(feedKey)
  await using session = await engine.open(entry, { online: false })
  const again = session.feed
  await copy(theirs, again, waiting)
  await engine.continuity.trust(again)
  await engine.library.update(feedKey, { problem: undefined })
  await engine.flush()
  const peers = votes.filter((it) => !it.agrees).length
  return { feedKey, forked: true, length: again.length, peers, removed }
}

async function copy(from: Feed, to: Feed, waiting: Waiting): Promise<void> {
  // What is missing shows below.
  const part = from.log.join(to.log)
  const blocks = to.log.fetch({ start: 0, end: Infinity })
  try {
    await awaitWhole(to, { ...waiting, atLeast: from.length })
  } finally {
    blocks.destroy()
    part()
  }
}

async function issuesBehind(feed: Feed, kept: number): Promise<Repaired['removed']> {
  const { issues } = await feed.list({ wait: false }).catch(() => ({ issues: [] }))
  return issues
    .filter((it) => it.index >= kept)
    .map(({ record: { number, title } }) => ({ number, title }))
    .toReversed()
}

function unanswered(cause?: unknown): HyperletterError {
  return new HyperletterError('NOT_AVAILABLE', 'No reader sent its copy. Nothing was changed.', {
    hint: 'Ask a reader to be online, and run it again: their copy decides what the honest history is.',
    cause,
  })
}

function divided(cause?: unknown): HyperletterError {
  const message =
    'Readers hold different histories, which nobody can join again. Nothing was changed.'
  return new HyperletterError('FEED_CONFLICT', message, {
    hint: 'Readers keep and read what they hold. Create a new newsletter, and tell them with `hyperletter succeed` that it continues there.',
    cause,
  })
}
