import type { Work } from '../work.ts'
import type { Engine } from '../../engine/engine.ts'
import { feedKeyFor } from '../../engine/publish/author-files.ts'
import { hasCode, HyperletterError, ifCode, invalidInput } from '../../errors.ts'
import { openBundle } from '../../format/bundle/read.ts'
import type { Feed } from '../../format/feed.ts'
import { encryptionKeyOf, type EncryptionKey, type FeedKey } from '../../format/keys/feed-key.ts'
import { formatLink } from '../../format/keys/link.ts'
import { claimsToBeRecord } from '../../format/records/record.ts'
import { deriveKeys, type NewsletterKeys } from '../../format/keys/recovery.ts'
import { anySignal, waitUntil } from '../../async.ts'
import { openFile, TwoReadings, importBundle } from './bundling.ts'
import type { Output, ParsedInput } from '../contract/contract.ts'
import type { ReadingKeys } from '../../engine/feeds.ts'

type Event = Output<'restoreNewsletter'>
type Input = ParsedInput<'restoreNewsletter'>

/** How long a reader is waited for when there is no bundle, and how long a download may stand still. */
const PEER_TIMEOUT_SECONDS = 60

/** A bundle has it all, unless somebody who is online now has more. */
const MORE_TIMEOUT_SECONDS = 10

const REPORT_EVERY_MS = 200

/**
 * Makes this device the author of the newsletter that a phrase stands for. First the whole log comes from
 * peers, from a bundle or both; only then anything may be published.
 * @throws INVALID_INPUT if it is no phrase, or that of another newsletter than the bundle's; FEED_BEHIND if
 * the log cannot be had whole; FEED_CONFLICT if what is held here is another one; INVALID_BUNDLE, DISK_FULL.
 */
export const restoreNewsletter: Work<'restoreNewsletter'> = async function* (
  engine,
  input,
  { signal: stop } = {},
) {
  const keys = await deriveKeys(input.recoveryPhrase)
  const feedKey = feedKeyFor(keys.signing)
  const before = engine.library.get(feedKey)
  // An author holds all of the log, and may append to nothing less.
  engine.retention.keepAll(feedKey)
  const { full } = engine
  const signal = anySignal(full, stop)
  try {
    if (input.bundle !== undefined) await takeBackup(engine, feedKey, input.bundle, signal)
    const defaultSeconds = input.bundle === undefined ? PEER_TIMEOUT_SECONDS : MORE_TIMEOUT_SECONDS
    const timeoutMs = (input.timeoutSeconds ?? defaultSeconds) * 1_000
    const secret = yield* readingKey(engine, feedKey, keys, input, { timeoutMs, signal })
    const wanted = secret === undefined ? { feedKey } : { feedKey, encryptionKey: secret }
    const peers = yield* fetchLog(engine, wanted, input, { timeoutMs, signal })
    const title = await trusted(engine, wanted)
    await engine.feeds.claim(keys.signing)
    const details = secret === undefined ? { title } : { title, encryptionKey: secret }
    let entry = await engine.library.add(feedKey, 'author', details)
    // The bundle made this device one that passes the newsletter on; an author does so anyway.
    if (entry.roles.includes('seeder') && before?.roles.includes('seeder') !== true) {
      entry = (await engine.library.remove(feedKey, 'seeder')) ?? entry
    }
    await engine.flush()
    await using session = await engine.open(entry)
    const { issues } = await session.feed.list({ wait: false })
    yield {
      event: 'finished',
      feedKey,
      link: formatLink(wanted),
      title,
      issues: issues.length,
      peers,
    }
  } catch (error) {
    if (engine.library.get(feedKey) === undefined) await engine.feeds.stop(feedKey)
    throw full.aborted ? full.reason : error
  }
}

/** From here on, the log that is here counts as the one that was published. Gives the title. */
async function trusted(engine: Engine, wanted: ReadingKeys): Promise<string> {
  await using session = await engine.open(wanted, { online: false })
  const { title } = await session.feed.profile({ wait: false })
  await engine.continuity.trust(session.feed)
  return title
}

async function takeBackup(
  engine: Engine,
  feedKey: FeedKey,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await openFile(path)
  try {
    const { header } = await openBundle(new TwoReadings(file, 0, signal).read())
    if (header.feedKey !== feedKey) {
      const message = `The phrase stands for the newsletter ${feedKey}, and the bundle is of ${header.feedKey}.`
      throw invalidInput(message, {
        hint: 'Look for the words that were written down for this newsletter.',
      })
    }
  } finally {
    await file.close()
  }
  const taking = importBundle(engine, { file: path, link: feedKey }, { signal })
  for await (const _ of taking);
}

interface Waiting {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

// A phrase stands for a public or a private newsletter; block 0 says which.
async function* readingKey(
  engine: Engine,
  feedKey: FeedKey,
  keys: NewsletterKeys,
  input: Input,
  { timeoutMs, signal }: Waiting,
): AsyncGenerator<Event, EncryptionKey | undefined> {
  const key = encryptionKeyOf(keys.encryptionKey)
  const candidates = [
    ...(input.private === true ? [] : [undefined]),
    ...(input.private === false ? [] : [key]),
  ]
  for (const encryptionKey of candidates) {
    await engine.feeds.stop(feedKey)
    await using session = await engine.open({ feedKey, encryptionKey }, { online: true })
    const { feed } = session
    yield progressOf(feed)
    const hasBegun = await waitUntil(() => feed.length > 0, { timeoutMs, signal })
    const first = hasBegun
      ? await feed.log.read(0, { timeoutMs, signal }).catch(ifCode(undefined, 'NOT_AVAILABLE'))
      : undefined
    if (first === undefined) throw nobody(timeoutMs)
    if (claimsToBeRecord(first)) return encryptionKey
  }
  const message = 'The newsletter of this phrase cannot be read with the key that the phrase gives.'
  throw new HyperletterError('NEEDS_KEY', message)
}

/** @returns how many peers were asked. */
async function* fetchLog(
  engine: Engine,
  wanted: ReadingKeys,
  { bundle, force = false }: Input,
  { timeoutMs, signal }: Waiting,
): AsyncGenerator<Event, number> {
  await using session = await engine.open(wanted, { online: false })
  const { feed } = session
  const atLeast = await engine.continuity.knownLength(wanted.feedKey)
  const state = { isDone: false }
  const fetching = engine
    .catchUp(feed, { timeoutMs, signal, atLeast })
    .finally(() => (state.isDone = true))
  fetching.catch(() => undefined)
  while (!state.isDone) {
    yield progressOf(feed)
    await waitUntil(() => state.isDone, { timeoutMs: REPORT_EVERY_MS, signal })
  }
  try {
    return await fetching
  } catch (error) {
    if (!hasCode(error, 'FEED_BEHIND')) throw error
    const isBackup = bundle !== undefined && feed.length >= atLeast && (await feed.isComplete())
    const isAlone = progressOf(feed).peers === 0
    if ((isBackup && isAlone) || force) return 0
    throw new HyperletterError('FEED_BEHIND', error.message, { hint: HOW_TO_GO_ON, cause: error })
  }
}

const HOW_TO_GO_ON =
  'Try again while a reader is online, or give a backup with --bundle. Only if nobody ever got more than what is on this device: --force.'

function nobody(timeoutMs: number): HyperletterError {
  const message = `The keys are right here in the phrase, but the issues are not: nobody sent them in ${timeoutMs / 1_000} s.`
  return new HyperletterError('FEED_BEHIND', message, {
    hint: 'Try again while a reader is online, or give a backup with --bundle. To publish without them would give readers two histories under one key.',
  })
}

function progressOf(feed: Feed): Extract<Event, { event: 'progress' }> {
  const { heldBlocks, length } = feed
  return { event: 'progress', heldBlocks, length, peers: feed.log.peers.length }
}
