import type { Work } from '../work.ts'
import { defined } from '../../defined.ts'
import type { AppendOptions } from '../../engine/publish/continuity.ts'
import type { Engine } from '../../engine/engine.ts'
import { invalidInput } from '../../errors.ts'
import {
  composeAmendment,
  composeRetraction,
  type Entry,
  type LogPosition,
} from '../../format/history/entry.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import { newestEdition } from '../../format/history/corrections.ts'
import { short } from '../../logger.ts'
import type { Draft } from '../../sources/source.ts'
import { encodeDraft, loadDraft } from './drafts.ts'
import { authoredBy } from './publishing.ts'

/** @throws ISSUE_NOT_FOUND; INVALID_INPUT if the issue was taken back. */
export const amendIssue: Work<'amendIssue'> = async (
  engine,
  { newsletter, number, draft: source, note, force },
  { signal } = {},
) => {
  const entry = authoredBy(engine, newsletter)
  await using session = await engine.open(entry)
  const { feed } = session
  const appending = { force, signal }
  await engine.author.makeCurrent(feed, appending)
  await correctable(feed, number)
  const draft = await loadDraft(source)
  const { amendedAt, editions } = await amendWith(engine, feed, number, draft, { note, appending })
  const { title, warnings } = draft
  return { feedKey: feed.feedKey, number, title, amendedAt, editions, warnings: [...warnings] }
}

/** Publishes a draft as a newer edition of an issue. @throws as `amendIssue` does */
export async function amendWith(
  engine: Engine,
  feed: Feed,
  number: number,
  draft: Draft,
  { note, appending }: { readonly note?: string | undefined; readonly appending: AppendOptions },
): Promise<{ readonly amendedAt: string; readonly editions: number }> {
  const { body, attached } = await encodeDraft(draft)
  appending.signal?.throwIfAborted()
  const { title, summary, authors, tags, language } = draft
  const amendedAt = new Date().toISOString()
  const head = { title, amendedAt, ...defined({ summary, authors, tags, language, note }) }
  const issue = await correct(engine, feed, { number, appending }, (at) =>
    composeAmendment(at, number, head, body, attached),
  )
  return { amendedAt, editions: issue.amendments.length + 2 }
}

/** @throws ISSUE_NOT_FOUND; INVALID_INPUT if it was taken back already. */
export const retractIssue: Work<'retractIssue'> = async (
  engine,
  { newsletter, number, reason, force },
  { signal } = {},
) => {
  await using session = await engine.open(authoredBy(engine, newsletter))
  const { feed } = session
  const appending = { force, signal }
  await engine.author.makeCurrent(feed, appending)
  const retractedAt = new Date().toISOString()
  const issue = await correct(engine, feed, { number, appending }, (at) =>
    composeRetraction(at, { number, retractedAt, ...defined({ reason }) }),
  )
  await takeOffDisk(engine, feed).catch((err: unknown) => {
    // It is retracted, whatever this store can still do; the bytes lie on the disk a while longer.
    engine.logger.warn({ feed: short(feed.feedKey), err }, 'could not rewrite the store')
  })
  const { title } = newestEdition(issue).record
  return { feedKey: feed.feedKey, number, title, retractedAt }
}

async function takeOffDisk(engine: Engine, feed: Feed): Promise<void> {
  await feed.dropUnwanted()
  await engine.erase()
}

/** The log grew between the look at an issue and the append that corrects it. */
class LogGrew extends Error {}

// Readers ignore a correction of an issue that was taken back, so the two must not cross.
async function correct(
  engine: Engine,
  feed: Feed,
  { number, appending }: { readonly number: number; readonly appending: AppendOptions },
  compose: (at: LogPosition) => Entry,
): Promise<LocatedIssue> {
  for (;;) {
    const { length } = feed
    const issue = await correctable(feed, number)
    try {
      const composeHere = (at: LogPosition) => {
        if (at.length !== length) throw new LogGrew()
        return compose(at)
      }
      await engine.author.append(feed, [composeHere], appending)
      return issue
    } catch (error) {
      if (!(error instanceof LogGrew)) throw error
    }
  }
}

async function correctable(feed: Feed, number: number): Promise<LocatedIssue> {
  const issue = await feed.issue(number, { wait: false })
  if (issue.retraction === undefined) return issue
  throw invalidInput(`Issue ${number} was retracted.`, {
    hint: 'Publish it anew, as the next issue.',
  })
}
