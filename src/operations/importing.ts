import { join, relative, sep } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import { HyperletterError } from '../errors.ts'
import { readDraft, type Draft } from '../drafts/draft.ts'
import { inPublishingOrder, listDraftFolder } from '../drafts/folder.ts'
import type { IssueEntry, LogPosition } from '../feed/entry.ts'
import type { Feed } from '../feed/feed.ts'
import type { CallOptions, Output, ParsedInput } from './contract.ts'
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
const BATCH_ISSUES = 256
const BATCH_BYTES = 16 * 1024 * 1024

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
  for await (const batch of batches(inPublishingOrder(found), signal)) {
    for (const it of batch.skipped) yield it
    await engine.author.append(feed, batch.issues)
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

async function* batches(
  found: readonly FoundDraft[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch> {
  let ready = found.length === 0 ? undefined : prepareBatch(found, 0)
  while (ready !== undefined) {
    signal?.throwIfAborted()
    const { batch, next } = await ready
    // The next batch is compressed while this one is written.
    ready = next < found.length ? prepareBatch(found, next) : undefined
    ready?.catch(() => undefined)
    yield batch
  }
}

async function prepareBatch(found: readonly FoundDraft[], start: number) {
  const batch: Batch = { issues: [], from: [], skipped: [] }
  let next = start
  let sizeBytes = 0
  const preparing = []
  while (next < found.length && preparing.length < BATCH_ISSUES && sizeBytes < BATCH_BYTES) {
    const it = found[next++] as FoundDraft
    sizeBytes +=
      it.draft.markdown.length + it.draft.attachments.reduce((sum, a) => sum + a.sizeBytes, 0)
    preparing.push(
      prepareIssue(it.draft).then(
        (issue) => ({ it, issue }),
        (error: unknown) => skipFor(it.file, error),
      ),
    )
  }
  for (const result of await Promise.all(preparing)) {
    if ('event' in result) batch.skipped.push(result)
    else {
      batch.issues.push(result.issue)
      batch.from.push(result.it)
    }
  }
  return { batch, next }
}

function skip(file: string, message: string): Skipped {
  return { event: 'skipped', file, code: 'INVALID_INPUT', message }
}

function skipFor(file: string, error: unknown): Skipped {
  const { code, message } = HyperletterError.from(error)
  return { event: 'skipped', file, code, message }
}
