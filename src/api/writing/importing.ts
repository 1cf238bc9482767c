import { setImmediate } from 'node:timers/promises'
import type { AppendOptions } from '../../engine/publish/continuity.ts'
import type { Engine } from '../../engine/engine.ts'
import { markdownFolder } from '../../sources/markdown-folder.ts'
import {
  inPublishingOrder,
  skippedFor,
  type DraftSource,
  type FoundDraft,
  type SkippedDraft,
} from '../../sources/source.ts'
import type { IssueEntry, LogPosition } from '../../format/history/entry.ts'
import type { Feed } from '../../format/feed.ts'
import type { IssueRecord } from '../../format/records/record.ts'
import type { CallOptions, Output, ParsedInput } from '../contract/contract.ts'
import { authoredBy, prepareIssue } from './publishing.ts'

type Event = Output<'importFolder'>

/**
 * Issues that share one journal and one flush, each of which waits for the disk; a batch ends
 * earlier when its contents are large.
 */
const BATCH_ISSUES = 128
const BATCH_BYTES = 16 * 1024 * 1024

/** Issues compressed in one go. */
const ISSUES_A_TURN = 8

/** Publishes the Markdown files of a folder, as `importDrafts` does. */
export function importFolder(
  engine: Engine,
  { folder, match, exclude, include, keepLocation, ...input }: ParsedInput<'importFolder'>,
  options: CallOptions,
): AsyncGenerator<Event> {
  return importDrafts(
    engine,
    markdownFolder(folder, { match, exclude, include: new Set(include), keepLocation }),
    input,
    options,
  )
}

/**
 * Publishes every draft of a source in its order. A draft that cannot be published is skipped with
 * its reason, and one that was imported before is not published again: an import that was
 * interrupted is finished by running it once more.
 */
export async function* importDrafts(
  engine: Engine,
  source: DraftSource,
  input: Pick<ParsedInput<'importFolder'>, 'newsletter' | 'force' | 'dryRun'>,
  { signal }: CallOptions,
): AsyncGenerator<Event> {
  const entry = authoredBy(engine, input.newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const appending = { force: input.force, signal }
  // What was imported before must be here, or it would be published twice.
  if (input.dryRun !== true) await engine.author.makeCurrent(feed, appending)
  const published = await publishedBefore(feed)
  const found: FoundDraft[] = []
  for await (const it of source.drafts({ signal })) {
    const before = 'draft' in it ? publishedAs(published, it) : undefined
    if (!('draft' in it)) yield skipped(it)
    else if (before === undefined) found.push(it)
    else {
      const { number, body } = before
      const isChanged = body.bytes !== Buffer.byteLength(it.draft.markdown)
      const message = isChanged
        ? `already published as issue ${number}, and changed since; \`hyperletter amend\` publishes the change`
        : `already published as issue ${number}`
      yield skipped({ origin: it.origin, code: 'INVALID_INPUT', message })
    }
  }

  if (input.dryRun === true) {
    for (const [index, it] of inPublishingOrder(found).entries())
      yield* planned(it, published.last + 1 + index)
    yield { event: 'finished', feedKey: feed.feedKey, title: entry.title ?? '', published: 0 }
    return
  }
  let done = 0
  const total = found.length
  yield { event: 'progress', done, total, file: '' }
  for await (const batch of writeBatches(engine, feed, inPublishingOrder(found), appending)) {
    for (const it of batch.skipped) yield skipped(it)
    done += batch.issues.length
    for (const { origin, draft } of batch.from) {
      for (const warning of draft.warnings) yield { event: 'warning', file: origin, warning }
    }
    yield { event: 'progress', done, total, file: batch.from.at(-1)?.origin ?? '' }
  }
  yield { event: 'finished', feedKey: feed.feedKey, title: entry.title ?? '', published: done }
}

interface PublishedBefore {
  readonly byOrigin: ReadonlyMap<string, IssueRecord>
  /** By title and date. */
  readonly byIdentity: ReadonlyMap<string, IssueRecord>
  /** The number of the newest issue; 0 if there is none. */
  readonly last: number
}

async function publishedBefore(feed: Feed): Promise<PublishedBefore> {
  const { issues } = await feed.list({ wait: false })
  const records = issues.map((it) => it.record)
  const imported = records.filter((it) => it.importedFrom !== undefined)
  return {
    byOrigin: new Map(imported.map((it) => [it.importedFrom ?? '', it])),
    byIdentity: new Map(records.map((it) => [identityOf(it), it])),
    last: records[0]?.number ?? 0,
  }
}

/**
 * What a draft was published as before: the issue of its title and date, wherever its file lay then, else that of its
 * file, unless both title and date are others: another folder may have a file of the same name.
 */
function publishedAs(
  { byOrigin, byIdentity }: PublishedBefore,
  { origin, draft }: FoundDraft,
): IssueRecord | undefined {
  const isDated = draft.dateFrom === 'head' || draft.dateFrom === 'name'
  const same = isDated ? byIdentity.get(identityOf(draft)) : undefined
  const ofFile = byOrigin.get(origin)
  if (same !== undefined || ofFile === undefined) return same
  const isOther =
    isDated && ofFile.title !== draft.title && ofFile.publishedAt !== draft.publishedAt
  return isOther ? undefined : ofFile
}

function identityOf({ title, publishedAt }: { title: string; publishedAt: string }): string {
  return JSON.stringify([title, Date.parse(publishedAt)])
}

function* planned({ origin, draft }: FoundDraft, number: number): Generator<Event> {
  const attachments = draft.attachments.map(({ name, sizeBytes }) => ({ name, sizeBytes }))
  const textBytes = Buffer.byteLength(draft.markdown)
  const sizeBytes = attachments.reduce((sum, it) => sum + it.sizeBytes, textBytes)
  const { title, publishedAt, dateFrom } = draft
  yield {
    event: 'planned',
    file: origin,
    number,
    title,
    publishedAt,
    dateFrom,
    attachments,
    sizeBytes,
  }
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
    const batch = await prepareBatch(found, next)
    if (writing !== undefined) yield await writing
    signal?.throwIfAborted()
    writing = engine.author.append(feed, batch.issues, appending).then(() => batch)
    // Its failure is reported where it is awaited, after the next batch is prepared.
    writing.catch(() => undefined)
    next += batch.from.length + batch.skipped.length
  }
  if (writing !== undefined) yield await writing
}

async function prepareBatch(found: readonly FoundDraft[], start: number): Promise<Batch> {
  const batch: Batch = { issues: [], from: [], skipped: [] }
  let sizeBytes = 0
  for (const it of found.slice(start, start + BATCH_ISSUES)) {
    try {
      batch.issues.push(await prepareIssue(it.draft, it.origin))
      batch.from.push(it)
    } catch (error) {
      batch.skipped.push(skippedFor(it.origin, error))
    }
    sizeBytes += it.draft.markdown.length
    for (const attachment of it.draft.attachments) sizeBytes += attachment.sizeBytes
    if (sizeBytes >= BATCH_BYTES) break
    // Compressing keeps this thread: now and then the disk, and whoever else waits, gets a turn.
    if (batch.from.length % ISSUES_A_TURN === 0) await setImmediate()
  }
  return batch
}

function skipped({ origin, ...reason }: SkippedDraft): Event {
  return { event: 'skipped', file: origin, ...reason }
}
