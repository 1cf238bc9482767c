import type { Operations, Output } from '../api/contract/contract.ts'
import { hasCode } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { FailureLog } from '../outlets/dispatcher.ts'
import type { ScheduledOutcome } from '../outlets/outlet.ts'
import { RepeatedTask } from './repeated-task.ts'

export interface SchedulingOptions {
  readonly operations: Pick<Operations, 'publishScheduled'>
  readonly logger: Logger
  /** Called for each draft that was published, and once where one cannot be. */
  readonly announce?: (outcome: ScheduledOutcome) => void
  /** Whether a draft was ever scheduled; asking what waits costs a daemon at rest more memory than it needs. */
  readonly hasQueue: () => boolean
}

/** Clocks are set, and machines sleep: no timer is trusted for longer. */
const LONGEST_PAUSE_MS = 20_000
/** A draft that could not be published is tried again. */
const RETRY_PAUSE_MS = 60_000
/** Above this, what is published late is said to be. */
const LATE_MS = 2 * LONGEST_PAUSE_MS

/** Publishes scheduled drafts when their time has come, and those whose time has passed at once. */
export class Scheduling extends RepeatedTask {
  readonly #options: SchedulingOptions
  readonly #failures: FailureLog
  #retryAt = 0
  /** Why drafts could not be published, by their ids: what stays the same is announced once. */
  readonly #unpublished = new Map<string, string>()

  constructor(options: SchedulingOptions) {
    super(async () => (options.hasQueue() ? this.#publish() : LONGEST_PAUSE_MS))
    this.#options = options
    this.#failures = new FailureLog(options.logger, 'a scheduled draft cannot be published')
  }

  /** Operations that wake it where they change what there is to do. */
  woken(operations: Operations): Operations {
    return {
      ...operations,
      publishIssue: (...call) => this.#waking(operations.publishIssue(...call)),
    }
  }

  async *#waking(
    events: AsyncIterable<Output<'publishIssue'>>,
  ): AsyncGenerator<Output<'publishIssue'>> {
    for await (const it of events) {
      if (it.event === 'scheduled') this.wake()
      yield it
    }
  }

  /** Milliseconds until something may be due. */
  async #publish(): Promise<number> {
    const { operations } = this.#options
    const now = Date.now()
    // What failed is not tried again with each look; a clock that was set back must not silence it.
    if (this.#retryAt - now > RETRY_PAUSE_MS) this.#retryAt = 0
    try {
      const retry = now >= this.#retryAt
      const { done, next } = await operations.publishScheduled({ retry }, { signal: this.signal })
      for (const it of done) this.#tell(it)
      if (done.some((it) => it.problem !== undefined)) this.#retryAt = now + RETRY_PAUSE_MS
      else if (done.length > 0) this.#failures.succeeded()
      const untilNext = next === undefined ? Infinity : Date.parse(next) - Date.now()
      return Math.max(0, Math.min(LONGEST_PAUSE_MS, untilNext))
    } catch (error) {
      if (!hasCode(error, 'ABORTED')) this.#failures.failed(error)
      return LONGEST_PAUSE_MS
    }
  }

  #tell(entry: Output<'listScheduled'>[number]): void {
    const { id, title, at, published, problem } = entry
    const isAgain = problem !== undefined && this.#unpublished.get(id) === problem.message
    if (problem === undefined) this.#unpublished.delete(id)
    else this.#unpublished.set(id, problem.message)
    const event = problem === undefined ? 'published' : 'not-published'
    if (!isAgain) this.#options.announce?.({ ...entry, event })
    if (problem !== undefined) return this.#failures.failed(`${title}: ${problem.message}`)
    const lateMs = Date.parse(published?.at ?? at) - Date.parse(at)
    const facts = { draft: id, issue: published?.number, title }
    const { logger } = this.#options
    if (lateMs <= LATE_MS) logger.info(facts, 'published a scheduled draft')
    else {
      const late = { ...facts, lateSeconds: Math.round(lateMs / 1_000) }
      logger.warn(late, 'published a scheduled draft late: nothing ran at its time')
    }
  }
}
