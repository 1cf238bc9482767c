import { setImmediate } from 'node:timers/promises'
import { hasCode } from '../../errors.ts'
import type { Engine } from '../../engine/engine.ts'
import type { AppendOptions } from '../../engine/publish/continuity.ts'
import type { Feed } from '../../format/feed.ts'
import type { IssueEntry, LogPosition } from '../../format/history/entry.ts'
import { skippedFor, type FoundDraft, type SkippedDraft } from '../../sources/source.ts'
import { prepareIssue } from './drafts.ts'

/**
 * Issues that share one journal and one flush, each of which waits for the disk; a batch ends
 * earlier when its contents are large.
 */
const BATCH_ISSUES = 256
const BATCH_BYTES = 8 * 1024 * 1024

/** Issues that are compressed in one turn of the event loop: a millisecond or two. */
const ISSUES_AT_ONCE = 8

/** Drafts that became issues together, and those that none could be made of. */
interface Batch {
  readonly issues: ((at: LogPosition) => IssueEntry)[]
  readonly from: FoundDraft[]
  readonly skipped: SkippedDraft[]
}

/** Appends drafts as issues: while one batch is written, which mostly waits for the disk, the next one is compressed. */
export async function* writeBatches(
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

/** A draft with what it has on the web. */
export async function completed(
  it: FoundDraft,
  signal: AbortSignal | undefined,
): Promise<FoundDraft> {
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
