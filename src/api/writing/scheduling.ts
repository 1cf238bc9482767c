import type { Work } from '../work.ts'
import { join } from 'node:path'
import { SerialQueue } from '../../async.ts'
import { SCHEDULED_FOLDER } from '../../config/config.ts'
import { defined } from '../../defined.ts'
import type { Engine } from '../../engine/engine.ts'
import { ScheduledDrafts, type ScheduledEntry } from '../../engine/publish/scheduled-drafts.ts'
import { HyperletterError, invalidInput } from '../../errors.ts'
import type { Feed } from '../../format/feed.ts'
import { isDated, type Draft } from '../../sources/source.ts'
import type { Output } from '../contract/contract.ts'
import { issueOf, prepareIssue } from './drafts.ts'
import { PublishedIssues } from './published-issues.ts'

type Scheduled = Output<'listScheduled'>[number]

/** One at a time: to be published and to be cancelled must not cross. */
const turns = new WeakMap<Engine, SerialQueue>()

function inTurn<T>(engine: Engine, work: (drafts: ScheduledDrafts) => Promise<T>): Promise<T> {
  const queue = turns.get(engine) ?? new SerialQueue()
  turns.set(engine, queue)
  const drafts = new ScheduledDrafts(join(engine.config.dataDir, SCHEDULED_FOLDER))
  return queue.run(() => work(drafts))
}

/** A draft with the date that it will have: its own, or the time at which it is published. */
export function datedFor(draft: Draft, at: string): Draft {
  return isDated(draft) ? draft : { ...draft, publishedAt: at, dateFrom: 'now' }
}

/** Keeps a draft until its time. Whatever speaks against publishing it was said before. */
export async function schedule(
  engine: Engine,
  draft: Draft,
  where: { readonly feedKey: string; readonly at: string; readonly again: boolean | undefined },
): Promise<Scheduled> {
  const entry = await inTurn(engine, (drafts) =>
    drafts.add(draft, { feedKey: where.feedKey, at: where.at, ...defined({ again: where.again }) }),
  )
  return shown(engine, entry)
}

export const listScheduled: Work<'listScheduled'> = (engine) => {
  return inTurn(engine, async (drafts) =>
    (await drafts.list()).map((entry) => shown(engine, entry)),
  )
}

/** @throws INVALID_INPUT if none is meant, or more than one */
export const cancelScheduled: Work<'cancelScheduled'> = (engine, { draft: name }) => {
  return inTurn(engine, async (drafts) => {
    const waiting = (await drafts.list()).filter((it) => it.published === undefined)
    const meant = waiting.filter(
      ({ id, title }) =>
        name === undefined || id === name || title.toLowerCase().includes(name.toLowerCase()),
    )
    const [entry, ...others] = meant.some((it) => it.id === name)
      ? meant.filter((it) => it.id === name)
      : meant
    if (entry === undefined || others.length > 0) {
      const listed = waiting.map((it) => `${it.id} (${it.title})`).join(', ')
      throw invalidInput(entry === undefined ? 'No such draft waits.' : 'Several drafts wait.', {
        hint:
          waiting.length === 0 ? '`hyperletter scheduled` lists them.' : `Name one of: ${listed}.`,
      })
    }
    await drafts.remove(entry.id)
    return shown(engine, entry)
  })
}

export const publishScheduled: Work<'publishScheduled'> = async (
  engine,
  { retry = true },
  { signal } = {},
) => {
  return inTurn(engine, async (drafts) => {
    const done: Scheduled[] = []
    for (const entry of await drafts.list()) {
      const { published: before, problem, at } = entry
      if (before !== undefined || Date.parse(at) > Date.now()) continue
      if (problem !== undefined && !retry) continue
      signal?.throwIfAborted()
      let after: ScheduledEntry
      try {
        const number = await publish(engine, drafts, entry, signal)
        const published = { number, at: new Date().toISOString() }
        after = { ...entry, published, problem: undefined }
      } catch (cause) {
        signal?.throwIfAborted()
        const { code, message } = HyperletterError.from(cause)
        after = { ...((await find(drafts, entry.id)) ?? entry), problem: { code, message } }
      }
      await drafts.update(after)
      done.push(shown(engine, after))
    }
    const waiting = (await drafts.list()).filter((it) => it.published === undefined)
    const next = waiting.find((it) => it.problem === undefined)?.at
    return { done, waiting: waiting.length, ...defined({ next }) }
  })
}

async function find(drafts: ScheduledDrafts, id: string): Promise<ScheduledEntry | undefined> {
  return (await drafts.list()).find((it) => it.id === id)
}

/** The number of the issue that a draft has become, now or before a crash. */
async function publish(
  engine: Engine,
  drafts: ScheduledDrafts,
  entry: ScheduledEntry,
  signal: AbortSignal | undefined,
): Promise<number> {
  const newsletter = engine.library.resolve(entry.feedKey)
  await using session = await engine.open(newsletter)
  const { feed } = session
  // Finishes what a crash interrupted, too.
  await engine.author.makeCurrent(feed, { signal })
  const draft = await drafts.draft(entry)
  const before = await becomeBefore(feed, draft, entry)
  if (before !== undefined) return before
  const issue = await issueOf(draft, await PublishedIssues.of(feed))
  if (issue !== undefined && entry.again !== true) {
    const { number } = issue.record
    throw invalidInput(`Its text is issue ${number} already.`)
  }
  const compose = await prepareIssue(draft)
  signal?.throwIfAborted()
  await drafts.update({ ...entry, begunAt: feed.length })
  const [published] = await engine.author.append(feed, [compose], { signal })
  if (published === undefined) throw new HyperletterError('INTERNAL', 'Nothing was appended.')
  return published.number
}

/** Its issue, if it was appended before the process was killed: the same text, behind where it was begun. */
async function becomeBefore(
  feed: Feed,
  draft: Draft,
  { begunAt }: ScheduledEntry,
): Promise<number | undefined> {
  if (begunAt === undefined || feed.length === begunAt) return undefined
  const { issues } = await feed.list({ wait: false })
  const after = issues.filter(({ index }) => index >= begunAt)
  return (await issueOf(draft, PublishedIssues.among(feed, after)))?.record.number
}

function shown(engine: Engine, entry: ScheduledEntry): Scheduled {
  const { id, feedKey, at, title, publishedAt, attachments, sizeBytes, problem, published } = entry
  const newsletter = engine.library.list().find((it) => it.feedKey === feedKey)?.title
  const facts = { id, feedKey, at, title, publishedAt, attachments, sizeBytes }
  return { ...facts, ...defined({ newsletter, problem, published }) }
}
