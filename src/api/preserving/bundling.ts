import type { Work } from '../work.ts'
import type { Engine } from '../../engine/engine.ts'
import { codeOf, hasCode, HyperletterError, invalidInput } from '../../errors.ts'
import { unreadAtFirst } from '../following/subscribing.ts'
import { rangesToCarry, writeBundle } from '../../format/bundle/write.ts'
import { takeBundle } from '../../format/bundle/take.ts'
import { verifyBundle } from '../../format/bundle/verify.ts'
import type { BlockRange } from '../../format/block-ranges.ts'
import type { Feed } from '../../format/feed.ts'
import { parseEncryptionKey, type EncryptionKey, type FeedKey } from '../../format/keys/feed-key.ts'
import { parseLink } from '../../format/keys/link.ts'
import { nativeCrypto } from '../../log/keys.ts'
import type { Output } from '../contract/contract.ts'
import { open, type FileHandle } from 'node:fs/promises'

const LOCAL = { wait: false }

/** The store keeps what was not forced to disk in memory: without this, a large import takes 200 MB. */
const FLUSH_EVERY_BYTES = 16 * 1024 * 1024

/**
 * One file that carries the log of a newsletter with its proofs, or the issues from `since` on with
 * what introduces them.
 * @throws NOT_AVAILABLE if blocks are not on this machine, ISSUE_NOT_FOUND; NEEDS_KEY with `since`.
 */
export const exportBundle: Work<'exportBundle'> = async function* (
  engine,
  { newsletter, since },
  { signal } = {},
) {
  await using session = await engine.open(engine.library.resolve(newsletter))
  const { feed } = session
  const start = since === undefined ? 0 : feed.entryRange(await feed.issue(since, LOCAL)).start
  for await (const piece of writeBundle(feed.log, await rangesOf(feed, start), nativeCrypto)) {
    signal?.throwIfAborted()
    yield piece
  }
}

async function rangesOf(feed: Feed, start: number): Promise<BlockRange[]> {
  try {
    const listing = await feed.list(LOCAL)
    // Where the log ends in something else than a record, the first profile has to do.
    const position = await feed.position().catch(() => undefined)
    return rangesToCarry(listing, { start, profile: position?.profile })
  } catch (error) {
    // A seeder without the key cannot list issues, and exports all blocks.
    if (!hasCode(error, 'NEEDS_KEY', 'NOT_AVAILABLE')) throw error
    return rangesToCarry({ issues: [] }, { start })
  }
}

/**
 * Takes a bundle without any network: first all of it is verified, and only then is what is missing
 * here stored. A bundle that is not sound changes nothing.
 * @throws INVALID_BUNDLE; INVALID_INPUT if there is no such file; FEED_CONFLICT, DISK_FULL, TOO_LARGE; NEEDS_KEY when
 * a private newsletter cannot be followed without its key: then it is seeded.
 */
export const importBundle: Work<'importBundle'> = async function* (engine, input, { signal } = {}) {
  const expected = input.link === undefined ? undefined : parseLink(input.link)
  const key =
    input.encryptionKey === undefined ? undefined : parseEncryptionKey(input.encryptionKey)
  const file = await openFile(input.file)
  try {
    const bytes = (await file.stat()).size
    const progress = new TwoReadings(file, bytes, signal)
    const bundle = yield* progress.of('verifying', verifyBundle(progress.read(), nativeCrypto))
    const { feedKey, blocks } = bundle.header
    if (expected !== undefined && expected.feedKey !== feedKey) throw otherNewsletter(feedKey)

    const before = engine.library.get(feedKey)
    try {
      await using session = await engine.open(before ?? { feedKey }, { online: false })
      const { feed } = session
      // Nothing may be appended to an own log while a bundle goes into it.
      const unlock = feed.writable ? await engine.author.lock(feedKey) : undefined
      let added: number
      let flushedBytes = progress.readBytes
      const flush = async () => {
        if (progress.readBytes - flushedBytes < FLUSH_EVERY_BYTES) return
        await engine.flush()
        flushedBytes = progress.readBytes
      }
      let giveBack: (() => void) | undefined
      try {
        giveBack = await engine.retention.reserve(feed, bytes)
        const taking = takeBundle(feed.log, bundle, progress.read())
        added = yield* progress.of('storing', taking, flush)
      } finally {
        unlock?.()
        giveBack?.()
      }
      await adopt(engine, feedKey, { follow: input.subscribe, key: key ?? expected?.encryptionKey })
      yield {
        event: 'finished',
        feedKey,
        ...(await introduce(engine, feedKey)),
        blocks,
        added,
        bytes,
      }
    } catch (error) {
      if (engine.library.get(feedKey) === undefined) await engine.feeds.stop(feedKey)
      else if (hasCode(error, 'FEED_CONFLICT')) await markForked(engine, feedKey, blocks)
      throw error
    }
  } finally {
    await file.close()
  }
}

// Both histories are signed by the author: wherever the other one came from, it exists.
async function markForked(engine: Engine, feedKey: FeedKey, length: number): Promise<void> {
  await engine.library.noteFork(feedKey, length, 'A bundle')
  await engine.flush()
}

interface Adoption {
  readonly follow: boolean | undefined
  readonly key: EncryptionKey | undefined
}

// Only once the blocks are on disk the library learns of them.
async function adopt(engine: Engine, feedKey: FeedKey, { follow, key }: Adoption): Promise<void> {
  await engine.flush()
  const before = engine.library.get(feedKey)
  if (follow === true) await followFeed(engine, feedKey, key ?? before?.encryptionKey)
  else if (before === undefined) await engine.library.add(feedKey, 'seeder')
  await engine.flush()
}

async function followFeed(
  engine: Engine,
  feedKey: FeedKey,
  encryptionKey: EncryptionKey | undefined,
): Promise<void> {
  const before = engine.library.get(feedKey)
  const secret = encryptionKey === undefined ? {} : { encryptionKey }
  if (encryptionKey !== before?.encryptionKey) await engine.feeds.stop(feedKey)
  try {
    await using session = await engine.open({ feedKey, ...secret }, { online: false })
    await session.feed.profile(LOCAL)
  } catch (error) {
    if (!hasCode(error, 'NEEDS_KEY')) throw error
    const entry = before ?? (await engine.library.add(feedKey, 'seeder'))
    await engine.feeds.stop(feedKey)
    await engine.feeds.start(entry)
    await engine.flush()
    throw new HyperletterError('NEEDS_KEY', error.message, {
      hint: 'What the bundle carries is kept and passed on. To read it, `hyperletter subscribe` the full link: the part after # is the key.',
      cause: error,
    })
  }
  const details = { ...secret, ...unreadAtFirst(engine, before) }
  await engine.library.add(feedKey, 'subscriber', details)
}

async function introduce(
  engine: Engine,
  feedKey: FeedKey,
): Promise<{ title?: string; issues: number }> {
  const entry = engine.library.get(feedKey)
  if (entry === undefined) return { issues: 0 }
  // While online, it is announced and served from here on.
  await using session = await engine.open(entry)
  const { feed } = session
  try {
    const { title } = await feed.profile(LOCAL)
    const { issues } = await feed.list(LOCAL)
    // Without the key of the newsletter, retracted blocks cannot be told from others and stay.
    await feed.dropUnwanted()
    if (title !== entry.title) await engine.library.update(feedKey, { title })
    return { title, issues: issues.length }
  } catch (error) {
    if (!hasCode(error, 'NEEDS_KEY', 'NOT_AVAILABLE')) throw error
    return { issues: 0 }
  }
}

function otherNewsletter(feedKey: FeedKey): HyperletterError {
  return new HyperletterError('INVALID_BUNDLE', `The bundle is of another newsletter, ${feedKey}.`)
}

type Progress = Extract<Output<'importBundle'>, { event: 'progress' }>

const REPORT_EVERY_MS = 100

const READ_BYTES = 256 * 1024

/** Opens a plain file to read; the caller closes it. @throws INVALID_INPUT */
export async function openFile(path: string): Promise<FileHandle> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw unreadable(path, codeOf(cause) ?? String(cause), cause)
  })
  // It is read twice, so a pipe cannot be taken.
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw unreadable(path, 'it is no plain file')
}

function unreadable(path: string, why: string, cause?: unknown): HyperletterError {
  return invalidInput(`Cannot read ${path}: ${why}.`, { cause })
}

/** A file that is read twice, and how far that has come. */
export class TwoReadings {
  readonly #file: FileHandle
  readonly #sizeBytes: number
  readonly #signal: AbortSignal | undefined
  /** Of both readings together. */
  readBytes = 0
  #reportedAt = 0

  constructor(file: FileHandle, sizeBytes: number, signal: AbortSignal | undefined) {
    this.#file = file
    this.#sizeBytes = sizeBytes
    this.#signal = signal
  }

  /** The bytes from the beginning. Throws the reason of an aborted signal. */
  async *read(): AsyncGenerator<Uint8Array> {
    for (let position = 0; ;) {
      this.#signal?.throwIfAborted()
      // A new buffer each time: blocks of the one before may still be on their way to disk.
      const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
      const { bytesRead } = await this.#file.read(buffer, 0, READ_BYTES, position)
      if (bytesRead === 0) return
      position += bytesRead
      this.readBytes += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }

  /** Runs work that reads the file, and reports progress from time to time. @param onPiece called after each piece of it */
  async *of<T>(
    step: Progress['step'],
    work: AsyncGenerator<unknown, T>,
    onPiece = () => Promise.resolve(),
  ): AsyncGenerator<Progress, T> {
    try {
      for (;;) {
        const next = await work.next()
        if (next.done === true) return next.value
        await onPiece()
        const now = Date.now()
        if (now - this.#reportedAt < REPORT_EVERY_MS) continue
        this.#reportedAt = now
        const total = 2 * this.#sizeBytes
        yield { event: 'progress', step, done: Math.min(this.readBytes, total), total }
      }
    } finally {
      await work.return(undefined as T)
    }
  }
}
