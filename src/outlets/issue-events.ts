import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import type { Logger } from '../logger.ts'
import { SerialQueue } from '../async.ts'
import type { Operations } from '../api/contract/contract.ts'
import { FailureLog, OutletDispatcher } from './dispatcher.ts'
import { forgetNewest } from './queue-file.ts'
import type { Transport } from './mail/transports.ts'
import type { Outlet, ScheduledOutcome } from './outlet.ts'
import { invalidInput } from '../errors.ts'
import { DEFAULT_PORT, loadState } from '../web/state.ts'

type EventOperations = Pick<
  Operations,
  'watchIssues' | 'readIssue' | 'readAttachment' | 'listIssues' | 'listNewsletters'
>

export interface IssueEventsOptions {
  readonly operations: EventOperations
  readonly logger: Logger
}

/** The settings that say where new issues are announced. */
export const EVENT_SETTINGS = [
  'onIssue',
  'webhook',
  'webhookSecret',
  'notify',
  'mailTo',
  'mailDir',
  'mailServer',
  'mailDigest',
] as const

type EventConfig = Pick<Config, (typeof EVENT_SETTINGS)[number] | 'dataDir'>

const QUEUE_FILE = 'webhook-queue.json'

/** The pause before a watch that ended is begun again; it doubles up to the longest. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 60_000

/** The pause before what was missed is looked for again; it doubles up to the longest. */
const AGAIN_MS = 5_000
const LONGEST_AGAIN_MS = 60 * 60_000

/** Every outlet there is; undefined where its setting is absent. Each is loaded only when it is set. */
type MakeOutlet = (config: EventConfig, operations: EventOperations) => Promise<Outlet | undefined>

const OUTLETS: readonly MakeOutlet[] = [
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
  async (config, operations) => {
    const { mailDir } = config
    if (mailDir === undefined) return forgetNewest(mailQueue(config, 'maildir'))
    const { maildir } = await import('./mail/transports.ts')
    return mailTo(config, operations, 'maildir', () => maildir(mailDir))
  },
  async (config, operations) => {
    const { mailServer: address } = config
    if (address === undefined) return forgetNewest(mailQueue(config, 'mail'))
    const { mailServer } = await import('./mail/transports.ts')
    return mailTo(config, operations, 'mail', (mailbox) => mailServer(address, mailbox))
  },
]

/** Where nobody else can be meant. */
const LOCAL_MAILBOX = 'reader@localhost'

function mailQueue({ dataDir }: Pick<EventConfig, 'dataDir'>, name: string): string {
  return join(dataDir, `${name}-queue.json`)
}

/** @param name of its files. @throws INVALID_INPUT without an address that a mail server could take it to. */
async function mailTo(
  { mailTo: to, mailServer, mailDigest, dataDir }: EventConfig,
  operations: EventOperations,
  name: string,
  transportTo: (mailbox: string) => Transport,
): Promise<Outlet> {
  if (to === undefined && mailServer !== undefined) {
    throw invalidInput('The setting mailServer needs mailTo.', {
      hint: 'Set mailTo to your own address.',
    })
  }
  const { mailOutlet } = await import('./mail/mail.ts')
  const mailbox = to ?? LOCAL_MAILBOX
  return mailOutlet({
    operations,
    to: mailbox,
    origin: `http://127.0.0.1:${(await loadState(dataDir, DEFAULT_PORT)).port}`,
    transport: transportTo(mailbox),
    digest: mailDigest,
    queueFile: mailQueue({ dataDir }, name),
    sentFile: join(dataDir, `${name}-sent.json`),
  })
}

/** Announces issues as they arrive to every outlet that is set. */
export class IssueEvents {
  readonly #options: IssueEventsOptions
  readonly #failures: FailureLog
  #outlets: readonly OutletDispatcher[] = []
  #closed = new AbortController()
  #watch: Promise<void> = Promise.resolve()
  readonly #queue = new SerialQueue()
  readonly #looks = new SerialQueue()

  constructor(options: IssueEventsOptions) {
    this.#options = options
    this.#failures = new FailureLog(options.logger, 'new issues cannot be announced')
  }

  /** Announces from now on where a configuration says. @throws INVALID_INPUT for a command that cannot be split */
  apply(config: EventConfig): Promise<void> {
    return this.#queue.run(async () => {
      await this.#stop()
      this.#outlets = await openOutlets(config, this.#options)
      this.#closed = new AbortController()
      if (this.#outlets.length > 0) this.#watch = this.#run(this.#closed.signal)
    })
  }

  /** Operations after which it looks which newsletters are followed. */
  watched(operations: Operations): Operations {
    const look = () => void this.#catchUp(this.#closed.signal)
    return {
      ...operations,
      async *subscribe(...call) {
        try {
          yield* operations.subscribe(...call)
        } finally {
          look()
        }
      },
      unsubscribe: (...call) => operations.unsubscribe(...call).finally(look),
    }
  }

  announce(outcome: ScheduledOutcome): void {
    for (const outlet of this.#outlets) outlet.add(outcome)
  }

  async close(): Promise<void> {
    await this.#queue.idle()
    await this.#stop()
  }

  async #stop(): Promise<void> {
    this.#closed.abort()
    const outlets = this.#outlets
    this.#outlets = []
    await this.#looks.idle()
    await Promise.all([this.#watch, ...outlets.map((it) => it.close())])
  }

  /** Never rejects. */
  #catchUp(signal: AbortSignal): Promise<void> {
    return this.#looks.run(async () => {
      for (const outlet of signal.aborted ? [] : this.#outlets) {
        await outlet.catchUp(this.#options.operations, signal).catch((error: unknown) => {
          if (!signal.aborted) this.#failures.failed(error)
        })
      }
    })
  }

  /** Records of a log that had grown before the watch began may arrive later, and are no news to it. Never rejects. */
  async #catchUpAgain(signal: AbortSignal): Promise<void> {
    for (
      let pauseMs = AGAIN_MS;
      !signal.aborted;
      pauseMs = Math.min(2 * pauseMs, LONGEST_AGAIN_MS)
    ) {
      await wait(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
      await this.#catchUp(signal)
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted;) {
      const caughtUp = this.#catchUp(signal)
      const ended = new AbortController()
      void this.#catchUpAgain(AbortSignal.any([signal, ended.signal]))
      try {
        for await (const event of this.#options.operations.watchIssues({}, { signal })) {
          pauseMs = FIRST_PAUSE_MS
          // What is newer must not pass what was missed.
          await caughtUp
          this.#failures.succeeded()
          if ('event' in event && event.event !== 'corrected') continue
          for (const outlet of this.#outlets) outlet.add(event)
        }
      } catch (error) {
        // The engine may be about to reopen its store.
        if (!signal.aborted) this.#failures.failed(error)
      }
      ended.abort()
      await wait(pauseMs, undefined, { signal }).catch(() => undefined)
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    }
  }
}

async function openOutlets(
  config: EventConfig,
  { operations, logger }: IssueEventsOptions,
): Promise<OutletDispatcher[]> {
  const outlets = await Promise.all(OUTLETS.map((make) => make(config, operations)))
  const set = outlets.filter((it) => it !== undefined)
  return Promise.all(set.map((it) => OutletDispatcher.open(it, logger)))
}
