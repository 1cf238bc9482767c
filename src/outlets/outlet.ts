import type { Output } from '../api/contract/contract.ts'
import { defined } from '../defined.ts'

/** An issue that has just arrived, or was amended or retracted. Its author wrote everything in it, and may mean harm. */
export type ArrivedIssue =
  Output<'listIssues'>[number] | Extract<Output<'watchIssues'>, { event: 'corrected' }>

/** What became of a scheduled draft of the user's own; one that was not published is tried again. */
export type ScheduledOutcome = Output<'listScheduled'>[number] & {
  readonly event: 'published' | 'not-published'
}

/** Issues that wait for one outlet; the oldest are given up for newer ones. */
export const MAX_WAITING = 1_000

export type OutletEvent = ArrivedIssue | ScheduledOutcome

export function isOutcome(it: OutletEvent): it is ScheduledOutcome {
  return 'at' in it
}

/** What it is: `corrected` is an issue that its author amended or retracted. */
export function eventOf(it: OutletEvent): 'issue' | 'corrected' | ScheduledOutcome['event'] {
  return 'event' in it ? it.event : 'issue'
}

/** Its issue, and what is said of it. */
export function factsOf(it: OutletEvent): Facts {
  if (!isOutcome(it)) return it
  const { feedKey, newsletter = feedKey, title, publishedAt, published, problem } = it
  const more = defined({ number: published?.number, note: problem?.message })
  return { feedKey, newsletter, title, publishedAt, ...more }
}

type Facts = Pick<ArrivedIssue, 'feedKey' | 'newsletter' | 'title' | 'publishedAt'> &
  Partial<ArrivedIssue>

/**
 * The same for each attempt to deliver it, and for nothing else: key and number of the issue, and of a correction the
 * block that has it, or that it is retracted. Of a scheduled draft its id, and its number or what is wrong.
 */
export function deliveryId(it: OutletEvent): string {
  if (isOutcome(it)) return `${it.id}/${it.published?.number ?? it.problem?.code}`
  const { feedKey, number, editionBlock, retractedAt } = it
  const which = retractedAt === undefined ? editionBlock : 'retracted'
  return eventOf(it) === 'issue' ? `${feedKey}/${number}` : `${feedKey}/${number}/${which}`
}

/**
 * Somewhere that new issues are announced. A new one is one file in this folder and one line in
 * `issue-events.ts`: queue, limits, retries and log are the dispatcher's.
 */
export interface Outlet {
  /** What the log says in front of the reason when it failed. */
  readonly failure: string
  readonly policy: OutletPolicy
  /**
   * Announces issues, or what became of scheduled drafts: one, or with `gatherMs` several.
   * @param signal Ends what is under way, soon.
   * @throws whatever says why it failed
   */
  deliver(issues: readonly [OutletEvent, ...OutletEvent[]], signal: AbortSignal): Promise<void>
}

export interface OutletPolicy {
  /** Deliveries at the same time. */
  readonly concurrency: number
  /** Issues that arrive within this time are delivered together. */
  readonly gatherMs?: number
  /**
   * How long everything waits after the first, second … failure in a row, and as long as the last after
   * that. Without it, what failed is given up at once.
   */
  readonly retryPausesMs?: readonly number[]
  /** How long a delivery that fails is tried again; a day when absent. */
  readonly giveUpMs?: number
  /** When what arrived then is delivered, with all that waits; both in milliseconds since 1970. */
  readonly dueAt?: (arrivedAt: number) => number
  /** Absolute path of the file in which what is undelivered outlives a restart. */
  readonly queueFile?: string
  /** What arrived while nobody watched is delivered, too; some of it may be given twice. It needs `queueFile`. */
  readonly catchesUp?: boolean
}
