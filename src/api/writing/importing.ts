import { setImmediate } from 'node:timers/promises'
import { hasCode, HyperletterError } from '../../errors.ts'
import type { Work } from '../work.ts'
import type { AppendOptions } from '../../engine/publish/continuity.ts'
import type { Engine } from '../../engine/engine.ts'
import { markdownFolder } from '../../sources/markdown-folder.ts'
import { linkAddresses, linkPosts } from '../../sources/post-links.ts'
import { Spool } from '../../sources/spool.ts'
import {
  inPublishingOrder,
  skippedFor,
  type DraftSource,
  type FoundDraft,
  type SkippedDraft,
} from '../../sources/source.ts'
import type { IssueEntry, LogPosition } from '../../format/history/entry.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import type { CallOptions, Output, ParsedInput } from '../contract/contract.ts'
import { tooLargeToList } from '../reading/listing.ts'
import { amendWith } from './correcting.ts'
import { prepareIssue } from './drafts.ts'
import { PublishedIssues } from './published-issues.ts'
import { authoredBy, plannedIssue } from './publishing.ts'

type Event = Output<'importFolder'>

/**
 * Issues that share one journal and one flush, each of which waits for the disk; a batch ends
 * earlier when its contents are large.
 */
const BATCH_ISSUES = 256
const BATCH_BYTES = 8 * 1024 * 1024

/** Issues that are compressed in one turn of the event loop: a millisecond or two. */
const ISSUES_AT_ONCE = 8

/** Publishes the Markdown files of a folder, or what another service exported, as `importDrafts` does. */
export const importFolder: Work<'importFolder'> = async function* (engine, input, options = {}) {
  const { folder, include, siteUrl, fetchPictures = false, allowPrivateAddresses } = input
  const kinds = new Set(include)
  const { serviceExport } = await import('../../sources/services/exports.ts')
  const source =
    (await serviceExport(folder, {
      include: kinds,
      siteUrl,
      fetchPictures,
      allowPrivateAddresses,
    })) ?? markdownFolder(folder, { ...input, include: kinds })
  yield* importDrafts(engine, source, input, options)
}

/**
 * Publishes every draft of a source in its order. A draft that cannot be published is skipped with
 * its reason, and one that was imported before is not published again: an import that was
 * interrupted is finished by running it once more.
 * @throws TOO_LARGE if it cannot be known what was imported before
 */
export async function* importDrafts(
  engine: Engine,
  source: DraftSource,
  input: Pick<ParsedInput<'importFolder'>, 'newsletter' | 'force' | 'dryRun' | 'amend' | 'siteUrl'>,
  { signal }: CallOptions,
): AsyncGenerator<Event> {
  const entry = authoredBy(engine, input.newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const appending = { force: input.force, signal }
  // What was imported before must be here, or it would be published twice.
  if (input.dryRun !== true) await engine.author.makeCurrent(feed, appending)
  // A text of each draft is more than the memory holds. Every issue has two blocks, or more.
  using spool = new Spool(engine.config.dataDir, feed.length / 2)
  await assertListed(feed)
  const published = await PublishedIssues.of(feed)
  await using _source = { [Symbol.asyncDispose]: async () => source.close?.() }
  const found = yield* readAll(source, spool, input.siteUrl, signal)
  const { fresh, known, copies } = await sortOut(published, found)
  let amended = 0
  for (const { of, it: before } of known) {
    const { record, retraction } = of
    const { number } = record
    // What it would fetch from the web is not fetched only to compare it.
    const isWhole = before.finish === undefined || (input.amend === true && input.dryRun !== true)
    const it = isWhole ? await completed(before, signal) : before
    const isChanged =
      retraction === undefined && isWhole && (await published.isChanged(of, it.draft))
    if (isChanged && input.amend === true) {
      if (input.dryRun === true) yield* planned(it, number, true)
      else {
        await amendWith(engine, feed, number, it.draft, { appending })
        amended++
        yield { event: 'amended', file: it.origin, number, title: it.draft.title }
        yield* warningsOf(it)
      }
      continue
    }
    const was = retraction === undefined ? '' : ', which was retracted'
    const change = isChanged ? ', and changed since; --amend publishes the change' : ''
    const message = `already published as issue ${number}${was}${change}`
    yield skipped({ origin: it.origin, code: 'INVALID_INPUT', message })
  }
  for (const { of, it } of copies)
    yield skipped({
      origin: it.origin,
      code: 'INVALID_INPUT',
      message: `the same text as ${of.origin}`,
    })

  const finished = { event: 'finished' as const, feedKey: feed.feedKey, title: entry.title ?? '' }
  if (input.dryRun === true) {
    for (const [index, it] of inPublishingOrder(fresh).entries())
      yield* planned(it, published.last + 1 + index)
    yield { ...finished, published: 0 }
    return
  }
  let done = 0
  const total = fresh.length
  yield { event: 'progress', done, total, file: '' }
  for await (const batch of writeBatches(engine, feed, inPublishingOrder(fresh), appending)) {
    for (const it of batch.skipped) yield skipped(it)
    done += batch.issues.length
    for (const it of batch.from) yield* warningsOf(it)
    yield { event: 'progress', done, total, file: batch.from.at(-1)?.origin ?? '' }
  }
  yield { ...finished, published: done, ...(amended > 0 ? { amended } : {}) }
}

/** @throws TOO_LARGE where issues are left out of the list: they would be published twice. */
async function assertListed(feed: Feed): Promise<void> {
  const problem = tooLargeToList(feed, await feed.list({ wait: false }))
  if (problem === undefined) return
  const message = `Nothing was imported, for older issues could be published twice. ${problem.message}`
  throw new HyperletterError('TOO_LARGE', message, { hint: problem.next })
}

/** The drafts of a source, with links to each other; what is none of them is told. */
async function* readAll(
  source: DraftSource,
  spool: Spool,
  siteUrl: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Event, FoundDraft[]> {
  const read: FoundDraft[] = []
  for await (const it of source.drafts({ signal })) {
    if ('draft' in it) read.push(spool.keep(it))
    else yield skipped(it)
  }
  const keep = (changed: FoundDraft) => spool.keep(changed)
  if (source.linkedBy === 'paths') return linkPosts(read, siteUrl, keep)
  return source.linkedBy === 'addresses' ? linkAddresses(read, keep) : read
}

interface Known<T> {
  readonly it: FoundDraft
  /** What it is, too. */
  readonly of: T
}

/** Parts drafts that are new from those that are issues already, and those that two files have. */
async function sortOut(published: PublishedIssues, found: readonly FoundDraft[]) {
  const known: Known<LocatedIssue>[] = []
  const others: FoundDraft[] = []
  for (const it of found) {
    const of = await published.ofSameFile(it)
    if (of === undefined) others.push(it)
    else known.push({ it, of })
  }
  const taken = new Set(known.map(({ of }) => of))
  const fresh: FoundDraft[] = []
  const first = new Map<string, FoundDraft>()
  const copies: Known<FoundDraft>[] = []
  for (const it of others) {
    const of = await published.ofSamePost(it, taken)
    const { draft } = it
    const same = JSON.stringify([draft.title, draft.publishedAt])
    const before = first.get(same)
    if (of !== undefined) known.push({ it, of })
    else if (before !== undefined && before.draft.markdown === draft.markdown)
      copies.push({ it, of: before })
    else {
      first.set(same, it)
      fresh.push(it)
    }
  }
  return { fresh, known, copies }
}

function* planned(it: FoundDraft, number: number, amends = false): Generator<Event> {
  const amendment = amends ? { amends } : {}
  yield { event: 'planned', file: it.origin, ...plannedIssue(it.draft, number), ...amendment }
  yield* warningsOf(it)
}

function* warningsOf({ origin, draft }: FoundDraft): Generator<Event> {
  for (const warning of draft.warnings) yield { event: 'warning', file: origin, warning }
}

interface Batch {
  readonly issues: ((at: LogPosition) => IssueEntry)[]
  readonly from: FoundDraft[]
  readonly skipped: SkippedDraft[]
}

// While one batch is written, which mostly waits for the disk, the next one is compressed.
async function* writeBatches(
  engine: Engine,
  feed: Feed,
  found: readonly FoundDraft[],
  appending: AppendOptions,
): AsyncGenerator<Batch> {
  const { signal } = appending
  let writing: Promise<Batch> | undefined
  for (let next = 0; next < found.length;) {
    signal?.throwIfAborted()
    const batch = await prepareBatch(found, next, signal)
    if (writing !== undefined) yield await writing
    signal?.throwIfAborted()
    writing = append(engine, feed, batch, appending)
    // Its failure is reported where it is awaited, after the next batch is prepared.
    writing.catch(() => undefined)
    next += batch.from.length + batch.skipped.length
  }
  if (writing !== undefined) yield await writing
}

// One draft that no record can be made of does not keep the others out.
async function append(
  engine: Engine,
  feed: Feed,
  batch: Batch,
  appending: AppendOptions,
): Promise<Batch> {
  try {
    await engine.author.append(feed, batch.issues, appending)
    return batch
  } catch (error) {
    if (!hasCode(error, 'INVALID_RECORD', 'TOO_LARGE')) throw error
    const at = await feed.position()
    const kept: Batch = { issues: [], from: [], skipped: [...batch.skipped] }
    for (const [index, issue] of batch.issues.entries()) {
      const it = batch.from[index]
      if (it === undefined) continue
      try {
        issue(at)
        kept.issues.push(issue)
        kept.from.push(it)
      } catch (reason) {
        kept.skipped.push(skippedFor(it.origin, reason))
      }
    }
    if (kept.issues.length === batch.issues.length) throw error
    if (kept.issues.length > 0) await engine.author.append(feed, kept.issues, appending)
    return kept
  }
}

async function completed(it: FoundDraft, signal: AbortSignal | undefined): Promise<FoundDraft> {
  if (it.finish === undefined) return it
  return { origin: it.origin, draft: await it.finish(it.draft, { signal }) }
}

async function prepareBatch(
  found: readonly FoundDraft[],
  start: number,
  signal: AbortSignal | undefined,
): Promise<Batch> {
  const batch: Batch = { issues: [], from: [], skipped: [] }
  let sizeBytes = 0
  for (const [at, before] of found.slice(start, start + BATCH_ISSUES).entries()) {
    // The batch before is being written.
    if (at % ISSUES_AT_ONCE === 0) await setImmediate()
    // Its text is read once.
    let it: FoundDraft = { ...before, draft: { ...before.draft } }
    try {
      it = await completed(it, signal)
      batch.issues.push(await prepareIssue(it.draft, it.origin))
      batch.from.push(it)
    } catch (error) {
      signal?.throwIfAborted()
      batch.skipped.push(skippedFor(it.origin, error))
    }
    sizeBytes += it.draft.markdown.length
    for (const attachment of it.draft.attachments) sizeBytes += attachment.sizeBytes
    if (sizeBytes >= BATCH_BYTES) break
  }
  return batch
}

function skipped({ origin, ...reason }: SkippedDraft): Event {
  return { event: 'skipped', file: origin, ...reason }
}
