import type { Operations } from '../api/contract/contract.ts'
import { HyperletterError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { FailureLog } from '../outlets/dispatcher.ts'
import { RepeatedTask } from './repeated-task.ts'

export interface RepublishingOptions {
  readonly operations: Pick<Operations, 'listRepublished' | 'republishFeed'>
  readonly logger: Logger
  /** Whether there is a list at all; asking what is on it costs a daemon at rest more memory than it needs. */
  readonly hasList: () => boolean
}

type Entry = Awaited<ReturnType<Operations['listRepublished']>>[number]

/** Longest pause; adding a feed ends it earlier. */
const LONGEST_PAUSE_MS = 60 * 60_000
/** After a failure that may be of this machine. */
const RETRY_PAUSE_MS = 60_000

/** Looks at each feed that is republished when its time has come. */
export class Republishing extends RepeatedTask {
  readonly #options: RepublishingOptions
  readonly #failures = new Map<string, FailureLog>()

  constructor(options: RepublishingOptions) {
    super(() => this.#lookAgain())
    this.#options = options
  }

  /** Operations that wake it where they change what there is to do. */
  woken(operations: Operations): Operations {
    const wake = () => this.wake()
    return {
      ...operations,
      async *republishFeed(...call) {
        try {
          yield* operations.republishFeed(...call)
        } finally {
          wake()
        }
      },
      stopRepublishing: (...call) => operations.stopRepublishing(...call).finally(wake),
    }
  }

  async #lookAgain(): Promise<number> {
    try {
      return this.#options.hasList() ? await this.#lookAtAll() : LONGEST_PAUSE_MS
    } catch (error) {
      this.#failureLog('').failed(error)
      return RETRY_PAUSE_MS
    }
  }

  /** Milliseconds until there is something to look at again. */
  async #lookAtAll(): Promise<number> {
    const { operations } = this.#options
    for (const entry of await operations.listRepublished({})) {
      if (dueIn(entry) <= 0 && !this.signal.aborted) await this.#look(entry)
    }
    const entries = await operations.listRepublished({})
    return Math.max(0, Math.min(LONGEST_PAUSE_MS, ...entries.map(dueIn)))
  }

  async #look({ address, feedKey }: Entry): Promise<void> {
    const { operations, logger } = this.#options
    const log = this.#failureLog(address)
    try {
      const input = { address, newsletter: feedKey }
      const events = operations.republishFeed(input, { signal: this.signal })
      for await (const it of events) {
        if (it.event === 'amended')
          logger.info({ address, number: it.number }, 'amended from a feed')
        if (it.event === 'finished' && it.published > 0)
          logger.info({ address, issues: it.published }, 'published from a feed')
      }
      log.succeeded()
    } catch (error) {
      if (HyperletterError.from(error).code !== 'ABORTED') log.failed(error)
    }
  }

  #failureLog(address: string): FailureLog {
    const log =
      this.#failures.get(address) ??
      new FailureLog(this.#options.logger, `a feed cannot be republished: ${address}`)
    this.#failures.set(address, log)
    return log
  }
}

/** Milliseconds until a feed is to be looked at again. */
function dueIn({ checkedAt, everySeconds }: Entry): number {
  const last = checkedAt === undefined ? 0 : Date.parse(checkedAt)
  // A clock that was set back must not silence a feed.
  return last > Date.now() ? 0 : last + everySeconds * 1_000 - Date.now()
}
