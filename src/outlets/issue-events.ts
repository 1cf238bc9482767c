import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { Logger } from '../logger.ts'
import type { Operations } from '../api/contract/contract.ts'
import { Complaints } from './complaints.ts'
import type { IssueOutlet } from './outlet.ts'
import { SerialQueue } from '../serial-queue.ts'

export interface IssueEventsOptions {
  readonly operations: Pick<Operations, 'watchIssues'>
  readonly logger: Logger
}

/** The settings that say where arrivals are told. */
export const EVENT_SETTINGS = ['onIssue', 'webhook', 'webhookSecret', 'notify'] as const

type EventConfig = Pick<Config, (typeof EVENT_SETTINGS)[number] | 'dataDir'>

/** Below the data directory. */
const QUEUE_FILE = 'webhook-queue.json'

/** How soon a watch that ended is begun again; longer from time to time. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000

/** Tells of issues as they arrive: to a program, to a webhook, on the desktop. Of those only that are set. */
export class IssueEvents {
  readonly #options: IssueEventsOptions
  readonly #complaints: Complaints
  #outlets: readonly IssueOutlet[] = []
  #closed = new AbortController()
  #watch: Promise<void> = Promise.resolve()
  readonly #queue = new SerialQueue()

  constructor(options: IssueEventsOptions) {
    this.#options = options
    this.#complaints = new Complaints(options.logger, 'new issues cannot be told of')
  }

  /** Tells from now on where a configuration says. @throws INVALID_INPUT for a command that cannot be split */
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
          this.#complaints.settle()
          if ('event' in event) continue
          for (const outlet of this.#outlets) outlet.deliver(event)
        }
      } catch (error) {
        // The store may be opened anew just now.
        if (!signal.aborted) this.#complaints.complain(error)
      }
      await pause(pauseMs, signal)
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    }
  }
}

async function openOutlets(config: EventConfig, logger: Logger): Promise<IssueOutlet[]> {
  const { dataDir, onIssue, webhook, webhookSecret, notify } = config
  const outlets: IssueOutlet[] = []
  if (onIssue !== undefined) {
    const { CommandOutlet } = await import('./command.ts')
    outlets.push(new CommandOutlet({ command: onIssue, dataDir, logger }))
  }
  if (webhook !== undefined) {
    const { WebhookOutlet } = await import('./webhook.ts')
    const queueFile = join(dataDir, QUEUE_FILE)
    outlets.push(
      await WebhookOutlet.open({ address: webhook, secret: webhookSecret, queueFile, logger }),
    )
  }
  if (notify) {
    const { NotificationOutlet } = await import('./notification.ts')
    outlets.push(new NotificationOutlet({ logger }))
  }
  return outlets
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}
