import type { Work } from '../work.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { defined } from '../../defined.ts'
import type { Unread } from '../../config/values.ts'
import type { LibraryEntry } from '../../engine/library/library.ts'
import type { Engine } from '../../engine/engine.ts'
import { hasCode, HyperletterError, ifCode } from '../../errors.ts'
import { firstBlock, type ReadOptions } from '../../format/log.ts'
import type { Feed } from '../../format/feed.ts'
import type { Newsletter } from '../../format/records/bodies.ts'
import type { IssueRecord } from '../../format/records/record.ts'
import { anySignal, orAborted, timeoutSignal, waitUntil, type WaitOptions } from '../../async.ts'
import type { Output } from '../contract/contract.ts'
import { followLink, withMirror, type Followed } from './followed-links.ts'
import { assertNames, domainIn, lookAlikes, newsletterOf, verifiedNow } from './naming.ts'

type Progress = Output<'followSync'>

/** How long a first answer from any peer is waited for, and how long a download may stand still. */
const PEER_TIMEOUT_SECONDS = 30

/** How long writing down who is followed waits for whoever reads the newest issue now, on the same processor. */
const READ_FIRST_MS = 25

/** Once one peer has answered, others get as long: they may hold more. */
const OTHERS_MS = 1_000

const REPORT_EVERY_MS = 200

/**
 * Follows a newsletter, and stays until all of it is here. A key that nobody serves changes nothing,
 * unless `wait: false` says to remember it for a daemon to find.
 * @throws NOT_AVAILABLE if nobody answers, NEEDS_KEY, DISK_FULL, TIMEOUT if the download stops.
 */
export const subscribe: Work<'subscribe'> = async function* (engine, input, { signal } = {}) {
  const { feedKey, encryptionKey, mirror, name } = await followNamed(engine, input.link, signal)
  const { timeoutSeconds = PEER_TIMEOUT_SECONDS } = input
  // What a domain names counts only with the profile of the newsletter.
  const wait = name !== undefined || input.wait !== false
  const before = engine.library.get(feedKey)
  const secret = encryptionKey ?? before?.encryptionKey
  const wanted = secret === undefined ? { feedKey } : { feedKey, encryptionKey: secret }
  const timeoutMs = timeoutSeconds * 1_000
  const { full } = engine
  try {
    await using session = await engine.open(wanted, { online: true, temporary: true })
    const { feed } = session
    const options = { timeoutMs, signal: anySignal(full, signal) }
    // A wrong key must not take the place of the right one. Before anything has arrived none can be told from the other.
    if (!wait && feed.length > 0)
      await feed.newest({ wait: false }).catch(ifCode(undefined, 'NOT_AVAILABLE'))
    using _hurry = { [Symbol.dispose]: engine.mirrors.hurry(feedKey) }
    const fetching =
      mirror === undefined ? undefined : engine.mirrors.fetch(feed, mirror, true, signal)
    // What a mirror has, a peer may have sooner; what fails is tried again, and shown by `status`.
    fetching?.catch(() => undefined)
    const profile = wait ? await introduction(feed, options) : undefined
    if (profile !== undefined && name !== undefined) assertNames(profile, name)
    const title = profile?.title ?? before?.title
    const nameChecks = name === undefined ? undefined : verifiedNow(name)
    const mirrors = withMirror(before?.mirrors, mirror)
    const details = {
      ...wanted,
      ...defined({ title, mirrors, nameChecks }),
      ...unreadAtFirst(engine, before, input.unread),
    }
    const read = wait ? sleep(READ_FIRST_MS) : undefined
    const added = engine.library.add(feedKey, 'subscriber', details, read)
    const flushed = added.then(() => engine.flush())
    // Awaited below; whoever waits for the newest issue need not wait for this device to remember it.
    flushed.catch(() => undefined)
    const event = await subscribed(feed, title, wait ? options : { wait: false })
    const isAlike = title !== undefined && lookAlikes(engine.library.list())({ feedKey, title })
    yield { ...event, ...defined({ name }), ...(isAlike && { lookAlike: true as const }) }
    await flushed
    if (wait) yield* follow(engine, feed, options)
  } catch (error) {
    throw full.aborted ? full.reason : error
  }
}

/** As `followLink`, and also of a domain. */
async function followNamed(
  engine: Engine,
  text: string,
  signal: AbortSignal | undefined,
): Promise<Followed & { readonly name?: string }> {
  const name = domainIn(text)
  if (name === undefined) return followLink(text, signal)
  return { feedKey: await newsletterOf(engine, name, signal), name }
}

/** What a library remembers of a newsletter that somebody begins to follow, so that its archive is not news. */
export function unreadAtFirst(
  { config }: Engine,
  before: LibraryEntry | undefined,
  unread: Unread = config.unread,
): Pick<LibraryEntry, 'unreadAtFirst'> {
  if (before?.roles.includes('subscriber') === true || unread === 'all') return {}
  return { unreadAtFirst: unread }
}

/** @throws TIMEOUT if it stands still, DISK_FULL. */
export const followSync: Work<'followSync'> = async function* (engine, input, { signal } = {}) {
  const entry = engine.library.resolve(input.newsletter)
  await using session = await engine.open(entry, { online: true })
  const { timeoutSeconds = PEER_TIMEOUT_SECONDS } = input
  const options = { timeoutMs: timeoutSeconds * 1_000, signal }
  if (input.refresh === true) {
    await refresh(session.feed, options).catch(async (error: unknown) => {
      if (!hasCode(error, 'NOT_AVAILABLE')) throw error
      if (!(await engine.mirrors.fetchFromAny(entry, session.feed))) throw error
    })
  }
  using _hurry = { [Symbol.dispose]: engine.mirrors.hurry(entry.feedKey) }
  yield* follow(engine, session.feed, options)
}

/** Waits until peers have said and proved how long the log is. @throws NOT_AVAILABLE if none answers in time */
async function refresh({ log }: Feed, options: WaitOptions): Promise<void> {
  const isAnswered = () => log.peers.some((it) => it.isSynced)
  if (!(await waitUntil(isAnswered, options))) throw nobodyAnswered(options, {})
  // A peer that claims more than it proves keeps nobody waiting for longer than that.
  const deadline = timeoutSignal(options.timeoutMs, options.signal)
  await waitUntil(() => false, { ...options, timeoutMs: Math.min(OTHERS_MS, options.timeoutMs) })
  await orAborted(log.update(), deadline).catch((error: unknown) => {
    if (!deadline.aborted || options.signal?.aborted === true) throw error
  })
}

/** Stops following. Issues stay on disk as long as another role needs them, and are dropped with the last. */
export const unsubscribe: Work<'unsubscribe'> = async (engine, input) => {
  const entry = engine.library.resolve(input.newsletter)
  await using session = await engine.open(entry)
  const { issues } = await session.feed.list({ wait: false }).catch(() => ({ issues: [] }))
  await engine.feeds.leave(entry, 'subscriber')
  const { feedKey, title } = entry
  return { feedKey, ...defined({ title }), issues: issues.length }
}

/** The profile of a feed, as soon as any peer gives it. @throws NOT_AVAILABLE if nobody does. */
export async function introduction(
  feed: Feed,
  options: { timeoutMs: number; signal: AbortSignal | undefined },
): Promise<Newsletter> {
  const { timeoutMs, signal } = options
  const deadline = timeoutSignal(timeoutMs, signal)
  try {
    await firstBlock(feed.log, deadline)
  } catch (error) {
    if (!deadline.aborted || signal?.aborted === true) throw error
    throw nobodyAnswered(options, {
      hint: 'Check the link first: one wrong character names another newsletter. If it is right, the author or a reader has to be online: try again then, or keep it for the daemon to find (subscribe --no-wait).',
    })
  }
  return feed.profile(options)
}

function nobodyAnswered({ timeoutMs }: WaitOptions, options: { hint?: string }): HyperletterError {
  const message = `Nobody answered for this newsletter in ${timeoutMs / 1_000} s.`
  return new HyperletterError('NOT_AVAILABLE', message, options)
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
    const { log } = feed
    return log.events.on('watchers', 'download', () => {
      if (log.contiguousLength === log.length) look()
    })
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

const PREVIEW_TIMEOUT_SECONDS = 20

/** How long the newest issue's record may take beyond that. The profile alone is worth showing. */
const NEWEST_TIMEOUT_MS = 3_000

/** @throws NOT_AVAILABLE if nobody answers, NEEDS_KEY */
export const previewNewsletter: Work<'previewNewsletter'> = async (
  engine,
  input,
  { signal } = {},
) => {
  const { mirror, name, ...link } = await followNamed(engine, input.link, signal)
  const known = engine.library.get(link.feedKey)
  const { timeoutSeconds = PREVIEW_TIMEOUT_SECONDS } = input
  // A key that was found later may open what is only carried so far; that is for `subscribe` to keep.
  const wanted = known?.encryptionKey === undefined ? link : known
  await using session = await engine.open(wanted, { online: true, temporary: true })
  const { feed } = session
  if (mirror !== undefined) engine.mirrors.fetch(feed, mirror, true, signal).catch(() => undefined)
  const profile = await introduction(feed, { timeoutMs: timeoutSeconds * 1_000, signal })
  if (name !== undefined) assertNames(profile, name)
  const newest = await feed.newest({ timeoutMs: NEWEST_TIMEOUT_MS, signal }).catch(() => undefined)
  const { title, description, language, authors } = profile
  return {
    feedKey: feed.feedKey,
    title,
    ...defined({ description, language, authors, name }),
    ...(lookAlikes(engine.library.list())({ feedKey: feed.feedKey, title }) && {
      lookAlike: true as const,
    }),
    private: wanted.encryptionKey !== undefined,
    issues: newest?.record.number ?? 0,
    subscribed: known?.roles.includes('subscriber') === true,
    ...(newest && { newest: headOf(newest.record) }),
  }
}

function headOf({ number, title, publishedAt }: IssueRecord) {
  return { number, title, publishedAt }
}
