import { join, relative, sep } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { AppendOptions } from '../../engine/publish/continuity.ts'
import type { Engine } from '../../engine/engine.ts'
import { HyperletterError } from '../../errors.ts'
import { readDraft, type Draft } from '../../sources/draft.ts'
import { inPublishingOrder, listDraftFolder } from '../../sources/folder.ts'
import type { IssueEntry, LogPosition } from '../../format/history/entry.ts'
import type { Feed } from '../../format/feed.ts'
import type { CallOptions, Output, ParsedInput } from '../contract/contract.ts'
import { authoredBy, prepareIssue } from './publishing.ts'

type Event = Output<'importFolder'>
type Skipped = Extract<Event, { event: 'skipped' }>

interface FoundDraft {
  readonly file: string
  readonly path: string
  readonly draft: Draft
}

/**
 * Issues that share one journal and one flush, each of which waits for the disk; a batch ends
 * earlier when its contents are large.
 */
const BATCH_ISSUES = 128
const BATCH_BYTES = 16 * 1024 * 1024

/** Issues compressed in one go. */
const ISSUES_A_TURN = 8

/** Files that are read at a time. */
const READ_AT_ONCE = 16

/**
 * Publishes every draft of a folder in its order. A file that cannot be published is skipped with
 * its reason, and one that was imported before is not published again: an import that was
 * interrupted is finished by running it once more.
 */
export async function* importFolder(
  engine: Engine,
  input: ParsedInput<'importFolder'>,
  { signal }: CallOptions,
): AsyncGenerator<Event> {
  const entry = authoredBy(engine, input.newsletter)
  const feed = await engine.feed(entry)
  const appending = { force: input.force, signal }
  // What was imported before must be here, or it would be published twice.
  await engine.author.makeCurrent(feed, appending)
  const listing = await listDraftFolder(
    input.folder,
    input.match === undefined ? {} : { match: input.match },
  )
  for (const it of listing.skipped) yield { event: 'skipped', ...it }

  const published = await publishedBefore(feed)
  const found: FoundDraft[] = []
  for await (const it of readDrafts(input.folder, listing.drafts, signal)) {
    const number = published.get(it.file)
    if ('event' in it) yield it
    else if (number !== undefined) yield skip(it.file, `already published as issue ${number}`)
    else found.push(it)
  }

  let done = 0
  const total = found.length
  yield { event: 'progress', done, total, file: '' }
  for await (const batch of writeBatches(engine, feed, inPublishingOrder(found), appending)) {
    for (const it of batch.skipped) yield it
    done += batch.issues.length
    for (const { file, draft } of batch.from) {
      for (const warning of draft.warnings) yield { event: 'warning', file, warning }
    }
    yield { event: 'progress', done, total, file: batch.from.at(-1)?.file ?? '' }
  }
  yield { event: 'finished', feedKey: feed.feedKey, title: entry.title ?? '', published: done }
}

async function publishedBefore(feed: Feed): Promise<Map<string, number>> {
  const { issues } = await feed.list({ wait: false })
  return new Map(
    issues.flatMap(({ record }) =>
      record.importedFrom === undefined ? [] : [[record.importedFrom, record.number] as const],
    ),
  )
}

async function* readDrafts(
  folder: string,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundDraft | Skipped> {
  for (let start = 0; start < paths.length; start += READ_AT_ONCE) {
    signal?.throwIfAborted()
    const some = paths.slice(start, start + READ_AT_ONCE)
    yield* await Promise.all(some.map((path) => readOne(folder, path)))
  }
}

async function readOne(folder: string, path: string): Promise<FoundDraft | Skipped> {
  const file = relative(folder, path).split(sep).join('/')
  try {
    const draft = await readDraft(join(folder, file))
    return { file, path, draft: { ...draft, importedFrom: file } }
  } catch (error) {
    return skipFor(file, error)
  }
}

interface Batch {
  readonly issues: ((at: LogPosition) => IssueEntry)[]
  readonly from: FoundDraft[]
  readonly skipped: Skipped[]
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
      batch.issues.push(await prepareIssue(it.draft))
      batch.from.push(it)
    } catch (error) {
      batch.skipped.push(skipFor(it.file, error))
    }
    sizeBytes += it.draft.markdown.length
    for (const attachment of it.draft.attachments) sizeBytes += attachment.sizeBytes
    if (sizeBytes >= BATCH_BYTES) break
    // Compressing keeps this thread: now and then the disk, and whoever else waits, gets a turn.
    if (batch.from.length % ISSUES_A_TURN === 0) await setImmediate()
  }
  return batch
}

function skip(file: string, message: string): Skipped {
  return { event: 'skipped', file, code: 'INVALID_INPUT', message }
}

function skipFor(file: string, error: unknown): Skipped {
  const { code, message } = HyperletterError.from(error)
  return { event: 'skipped', file, code, message }
}
