import { HyperletterError } from '../../errors.ts'
import type { Work } from '../work.ts'
import type { Engine } from '../../engine/engine.ts'
import { markdownFolder } from '../../sources/markdown-folder.ts'
import { linkAddresses, linkPosts } from '../../sources/post-links.ts'
import { Spool } from '../../sources/spool.ts'
import {
  inPublishingOrder,
  type DraftSource,
  type FoundDraft,
  type SkippedDraft,
} from '../../sources/source.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import type { CallOptions, Output, ParsedInput } from '../contract/contract.ts'
import { tooLargeToList } from '../reading/listing.ts'
import { amendWith } from './correcting.ts'
import { completed, writeBatches } from './import-batches.ts'
import { PublishedIssues } from './published-issues.ts'
import { authoredBy, plannedIssue } from './publishing.ts'

type Event = Output<'importFolder'>

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
  // A text of each draft is more than the memory holds. Every issue has two blocks, or more.
  using spool = new Spool(engine.config.dataDir, feed.length / 2)
  // What was imported before must be here, or it would be published twice.
  if (input.dryRun !== true) await engine.author.makeCurrent(feed, appending)
  await assertListed(feed)
  const published = await PublishedIssues.of(feed)
  await using _source = { [Symbol.asyncDispose]: async () => source.close?.() }
  const { found, unchanged } = yield* readAll(source, spool, published, input.siteUrl, signal)
  const { fresh, known, copies } = await sortOut(published, found, unchanged)
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
    yield alreadyPublished(it, number, `${was}${change}`)
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

/** The drafts of a source, with links to each other; what is none of them, or an issue already as it is, is told. */
async function* readAll(
  source: DraftSource,
  spool: Spool,
  published: PublishedIssues,
  siteUrl: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Event, { found: FoundDraft[]; unchanged: LocatedIssue[] }> {
  const read: FoundDraft[] = []
  // Of a large archive that is imported again, nearly all are: nothing else of them is kept.
  const unchanged: LocatedIssue[] = []
  for await (const it of source.drafts({ signal })) {
    if (!('draft' in it)) {
      yield skipped(it)
      continue
    }
    const issue = await published.ofUnchanged(it, siteUrl)
    if (issue === undefined) read.push(spool.keep(it))
    else {
      unchanged.push(issue)
      yield alreadyPublished(it, issue.record.number)
    }
  }
  const keep = (changed: FoundDraft) => spool.keep(changed)
  const others = unchanged.map(({ record: { importedFrom = '' } }) => importedFrom)
  const found =
    source.linkedBy === 'paths'
      ? linkPosts(read, siteUrl, { keep, others })
      : source.linkedBy === 'addresses'
        ? linkAddresses(read, { keep, others })
        : read
  return { found, unchanged }
}

function alreadyPublished({ origin }: FoundDraft, number: number, more = ''): Event {
  const message = `already published as issue ${number}${more}`
  return skipped({ origin, code: 'INVALID_INPUT', message })
}

interface Known<T> {
  readonly it: FoundDraft
  /** What it is, too. */
  readonly of: T
}

/**
 * Parts drafts that are new from those that are issues already, and those that two files have.
 * @param unchanged Issues that other drafts are.
 */
async function sortOut(
  published: PublishedIssues,
  found: readonly FoundDraft[],
  unchanged: readonly LocatedIssue[],
) {
  const known: Known<LocatedIssue>[] = []
  const others: FoundDraft[] = []
  for (const it of found) {
    const of = await published.ofSameFile(it)
    if (of === undefined) others.push(it)
    else known.push({ it, of })
  }
  const taken = new Set(others.length === 0 ? [] : [...unchanged, ...known.map(({ of }) => of)])
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

function skipped({ origin, ...reason }: SkippedDraft): Event {
  return { event: 'skipped', file: origin, ...reason }
}
