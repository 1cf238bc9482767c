import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import type { Logger } from '../logger.ts'
import { SerialQueue } from '../async.ts'
import type { Operations } from '../api/contract/contract.ts'
import { FailureLog, OutletDispatcher } from './dispatcher.ts'
import type { Outlet } from './outlet.ts'

export interface IssueEventsOptions {
  readonly operations: Pick<Operations, 'watchIssues'>
  readonly logger: Logger
}

/** The settings that say where new issues are announced. */
export const EVENT_SETTINGS = ['onIssue', 'webhook', 'webhookSecret', 'notify'] as const

type EventConfig = Pick<Config, (typeof EVENT_SETTINGS)[number] | 'dataDir'>

/** Below the data directory. */
const QUEUE_FILE = 'webhook-queue.json'

/** The pause before a watch that ended is begun again; it doubles up to the longest. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000

/** Every outlet there is; undefined where its setting is absent. Each is loaded only when it is set. */
const OUTLETS: readonly ((config: EventConfig) => Promise<Outlet | undefined>)[] = [
  async ({ onIssue: command, dataDir }) =>
    command === undefined
      ? undefined
      : (await import('./program.ts')).programOutlet({ command, dataDir }),
  async ({ webhook: address, webhookSecret: secret, dataDir }) => {
    if (address === undefined) return undefined
    const { webhookOutlet } = await import('./webhook.ts')
    return webhookOutlet({ address, secret, queueFile: join(dataDir, QUEUE_FILE) })
  },
  async ({ notify }) =>
    notify ? (await import('./notification.ts')).notificationOutlet() : undefined,
]

/** Announces issues as they arrive to every outlet that is set. */
export class IssueEvents {
  readonly #options: IssueEventsOptions
  readonly #failures: FailureLog
  #outlets: readonly OutletDispatcher[] = []
  #closed = new AbortController()
  #watch: Promise<void> = Promise.resolve()
  readonly #queue = new SerialQueue()

  constructor(options: IssueEventsOptions) {
    this.#options = options
    this.#failures = new FailureLog(options.logger, 'new issues cannot be announced')
  }

  /** Announces from now on where a configuration says. @throws INVALID_INPUT for a command that cannot be split */
  apply(config: EventConfig): Promise<void> {
    return this.#queue.run(async () => {
      await this.#stop()
      this.#outlets = await openOutlets(config, this.#options.logger)
      this.#closed = new AbortController()
      if (this.#outlets.length > 0) this.#watch = this.#run(this.#closed.signal)
    })
  }

  async close(): Promise<void> {
    await this.#queue.idle()
    await this.#stop()
  }

  async #stop(): Promise<void> {
    this.#closed.abort()
    const outlets = this.#outlets
    this.#outlets = []
    await Promise.all([this.#watch, ...outlets.map((it) => it.close())])
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted;) {
      try {
        for await (const event of this.#options.operations.watchIssues({}, { signal })) {
          pauseMs = FIRST_PAUSE_MS
          this.#failures.succeeded()
          if ('event' in event && event.event !== 'corrected') continue
          for (const outlet of this.#outlets) outlet.add(event)
        }
      } catch (error) {
        // The engine may be about to reopen its store.
        if (!signal.aborted) this.#failures.failed(error)
      }
      await wait(pauseMs, undefined, { signal }).catch(() => undefined)
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    }
  }
}

async function openOutlets(config: EventConfig, logger: Logger): Promise<OutletDispatcher[]> {
  const outlets = await Promise.all(OUTLETS.map((make) => make(config)))
  const set = outlets.filter((it) => it !== undefined)
  return Promise.all(set.map((it) => OutletDispatcher.open(it, logger)))
}
