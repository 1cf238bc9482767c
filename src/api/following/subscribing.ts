import { setTimeout as sleep } from 'node:timers/promises'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { hasCode, HyperletterError } from '../../errors.ts'
import type { ReadOptions } from '../../log/blocks.ts'
import type { Feed } from '../../format/feed.ts'
import type { LibraryEntry, Role } from '../../engine/library/library.ts'
import { parseLink } from '../../format/keys/link.ts'
import type { Newsletter } from '../../format/records/newsletter.ts'
import { anySignal } from '../../within.ts'
import type { CallOptions, Output, ParsedInput } from '../contract/contract.ts'
import { waitUntil } from '../waiting.ts'

type Progress = Output<'followSync'>

/** How long a first answer from any peer is waited for, and how long a download may stand still. */
const PEER_TIMEOUT_SECONDS = 30

/** How long writing down who is followed waits for whoever reads the newest issue now, on the same processor. */
const READ_FIRST_MS = 25

/** How often progress is reported. */
const REPORT_EVERY_MS = 200

/**
 * Follows a newsletter, and stays until all of it is here. A key that nobody serves changes nothing,
 * unless `wait: false` says to remember it for a daemon to find.
 * @throws NOT_AVAILABLE if nobody answers, NEEDS_KEY, DISK_FULL, TIMEOUT if the download stops.
 */
export async function* subscribe(
  engine: Engine,
  input: ParsedInput<'subscribe'>,
  { signal }: CallOptions,
): AsyncGenerator<Output<'subscribe'>> {
  const { feedKey, encryptionKey } = parseLink(input.link)
  const { wait = true, timeoutSeconds = PEER_TIMEOUT_SECONDS } = input
  const before = engine.library.get(feedKey)
  const secret = encryptionKey ?? before?.encryptionKey
  const wanted = secret === undefined ? { feedKey } : { feedKey, encryptionKey: secret }
  if (secret !== before?.encryptionKey) await reopen(engine, wanted)

  const timeoutMs = timeoutSeconds * 1_000
  const { full } = engine
  try {
    const feed = await startSeeding(engine, wanted)
    const options = {
      timeoutMs,
      signal: anySignal(full, signal),
    }
    // A wrong key must not take the place of the right one. Before anything has arrived none can be told from the other.
    if (!wait && feed.length > 0) await feed.newest({ wait: false }).catch(ignoreMissing)
    const title = wait ? (await introduction(feed, options)).title : before?.title
    const details = { ...wanted, ...defined({ title }) }
    const read = wait ? sleep(READ_FIRST_MS) : undefined
    const added = engine.library.add(feedKey, 'subscriber', details, read)
    const flushed = added.then(() => engine.flush())
    // Awaited below; whoever waits for the newest issue need not wait for this device to remember it.
    flushed.catch(() => undefined)
    yield await subscribed(feed, title, wait ? options : { wait: false })
    await flushed
    if (wait) yield* follow(engine, feed, options)
  } catch (error) {
    const kept = engine.library.get(feedKey)
    if (kept === undefined) await discard(engine, feedKey)
    else if (kept.encryptionKey !== secret) {
      await reopen(engine, kept)
      await engine.feed(kept)
    }
    throw full.aborted ? full.reason : error
  }
}

/** Reports how far a download has come, until everything is held. @throws TIMEOUT if it stands still, DISK_FULL. */
export async function* followSync(
  engine: Engine,
  input: ParsedInput<'followSync'>,
  { signal }: CallOptions,
): AsyncGenerator<Progress> {
  const feed = await startSeeding(engine, engine.feeds.resolve(input.newsletter))
  const { timeoutSeconds = PEER_TIMEOUT_SECONDS } = input
  yield* follow(engine, feed, { timeoutMs: timeoutSeconds * 1_000, signal })
}

/** Stops following. Issues stay on disk as long as another role needs them, and are dropped with the last. */
export async function unsubscribe(
  engine: Engine,
  input: ParsedInput<'unsubscribe'>,
): Promise<Output<'unsubscribe'>> {
  const entry = engine.feeds.resolve(input.newsletter)
  const { issues } = await (
    await engine.feed(entry)
  )
    .list({ wait: false })
    .catch(() => ({ issues: [] }))
  await leave(engine, entry, 'subscriber')
  const { feedKey, title } = entry
  return title === undefined
    ? { feedKey, issues: issues.length }
    : { feedKey, title, issues: issues.length }
}

/** Takes a role away and, with the last one, the feed off the network. */
export async function leave(engine: Engine, entry: LibraryEntry, role: Role): Promise<void> {
  if ((await engine.library.remove(entry.feedKey, role)) === undefined)
    await discard(engine, entry.feedKey)
}

/** Opens a feed and takes part in it; peers are looked for while it opens. */
export async function startSeeding(
  engine: Engine,
  entry: Pick<LibraryEntry, 'feedKey' | 'encryptionKey'>,
): Promise<Feed> {
  const { feedKey } = entry
  const opening = engine.feeds.get(entry)
  // It is awaited below.
  opening.catch(() => undefined)
  const network = await engine.network()
  network.expect(feedKey)
  try {
    const feed = await opening
    network.start(feed)
    return feed
  } catch (error) {
    if (engine.library.get(feedKey) === undefined) await network.stop(feedKey)
    throw error
  }
}

/** Takes a feed that nobody here wants any more off the network, drops what is here of it, and closes it. */
export async function discard(engine: Engine, feedKey: LibraryEntry['feedKey']): Promise<void> {
  await (await engine.networkIfOnline())?.stop(feedKey)
  // It may rest.
  await engine.feeds.get({ feedKey })
  await engine.keeper.forget(feedKey)
  await engine.feeds.release(feedKey)
}

/** Takes a feed off the network and closes it. */
export async function abandon(engine: Engine, feedKey: LibraryEntry['feedKey']): Promise<void> {
  await (await engine.networkIfOnline())?.stop(feedKey)
  await engine.feeds.release(feedKey)
}

/** Opens a feed anew that was opened without its encryption key, to seed it blindly. */
export async function reopen(
  engine: Engine,
  wanted: Pick<LibraryEntry, 'feedKey' | 'encryptionKey'>,
): Promise<void> {
  await abandon(engine, wanted.feedKey)
  await engine.feeds.get(wanted)
}

/** The profile of a feed, as soon as any peer gives it. @throws NOT_AVAILABLE if nobody does. */
export async function introduction(
  feed: Feed,
  options: { timeoutMs: number; signal: AbortSignal | undefined },
): Promise<Newsletter> {
  const deadline = AbortSignal.timeout(options.timeoutMs)
  const { signal } = options
  try {
    await feed.begun(anySignal(deadline, signal))
  } catch (error) {
    if (!deadline.aborted) throw error
    throw new HyperletterError(
      'NOT_AVAILABLE',
      `Nobody answered for this newsletter in ${options.timeoutMs / 1_000} s.`,
      {
        hint: 'Check the link, and try again when the author or a reader is online; or keep it for the daemon to find: subscribe --no-wait',
      },
    )
  }
  return feed.profile(options)
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, 'NOT_AVAILABLE')) throw error
}

async function subscribed(
  feed: Feed,
  title: string | undefined,
  options: ReadOptions,
): Promise<Output<'subscribe'>> {
  const issues =
    feed.length === 0
      ? 0
      : ((await feed.newest(options).catch(() => undefined))?.record.number ?? 0)
  const { feedKey } = feed
  return { event: 'subscribed', feedKey, issues, ...defined({ title }) }
}

async function* follow(
  engine: Engine,
  feed: Feed,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal | undefined },
): AsyncGenerator<Progress> {
  const network = await engine.network()
  const read = (): Progress => ({
    event: 'progress',
    heldBlocks: feed.heldBlocks,
    length: feed.length,
    peers: network.status(feed.feedKey).peers,
  })
  const isDone = (it: Progress) => it.length > 0 && it.heldBlocks === it.length
  const lastBlock = (look: () => void) => {
    const onBlock = () => {
      if (feed.core.contiguousLength === feed.core.length) look()
    }
    feed.core.on('download', onBlock)
    return () => feed.core.off('download', onBlock)
  }
  let last = read()
  yield last
  let movedAt = Date.now()
  while (!isDone(last)) {
    engine.full.throwIfAborted()
    await waitUntil(() => isDone(read()), { timeoutMs: REPORT_EVERY_MS, signal, watch: lastBlock })
    const now = read()
    if (now.heldBlocks !== last.heldBlocks) movedAt = Date.now()
    else if (Date.now() - movedAt > timeoutMs) throw stalled(now)
    last = now
    yield last
  }
}

function stalled({ heldBlocks, length, peers }: Progress): HyperletterError {
  const who = peers === 0 ? 'no peer is connected' : `none of ${peers} connected peers has the rest`
  return new HyperletterError('TIMEOUT', `Holding ${heldBlocks} of ${length} blocks; ${who}.`, {
    hint: 'You stay subscribed. `hyperletter daemon start` fetches the rest as soon as a peer has it.',
  })
}
