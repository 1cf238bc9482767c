import type { Operations } from '../api/contract/contract.ts'
import { codeOf, HyperletterError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { type OutletEvent, eventOf, isOutcome, MAX_WAITING, type Outlet } from './outlet.ts'
import {
  type Delivery,
  missedSince,
  type Newest,
  newestOf,
  NOTHING,
  QueueFile,
} from './queue-file.ts'

const MAX_LISTED = 10_000

/** An issue that could not be delivered for this long is given up, unless its outlet says otherwise. */
const GIVE_UP_MS = 24 * 60 * 60_000

/** A timer stands still while a machine sleeps, so a long one looks at the clock now and then. */
const LOOK_EVERY_MS = 60_000

/** Brings issues to one outlet, as its policy says, until closed. */
export class OutletDispatcher {
  readonly #outlet: Outlet
  readonly #failures: FailureLog
  readonly #file: QueueFile | undefined
  readonly #closed = new AbortController()
  readonly #working = new Set<Promise<void>>()
  readonly #underWay = new Set<Delivery>()
  #waiting: Delivery[] = []
  /** What was queued last, by feed key; undefined where the outlet does not catch up. */
  #newest: Map<string, Newest> | undefined
  #failuresInARow = 0
  /** Nothing is begun while it runs. */
  #timer: NodeJS.Timeout | undefined

  private constructor(outlet: Outlet, logger: Logger, file: QueueFile | undefined) {
    this.#outlet = outlet
    this.#failures = new FailureLog(logger, outlet.failure)
    this.#file = file
  }

  /** Goes on with what is in the outlet's queue file. */
  static async open(outlet: Outlet, logger: Logger): Promise<OutletDispatcher> {
    const { queueFile } = outlet.policy
    const unkept = new FailureLog(logger, 'undelivered issues are not kept on disk')
    const file =
      queueFile === undefined ? undefined : new QueueFile(queueFile, (it) => unkept.failed(it))
    const dispatcher = new OutletDispatcher(outlet, logger, file)
    const { deliveries, newest } = (await file?.load()) ?? NOTHING
    dispatcher.#waiting = [...deliveries]
    if (outlet.policy.catchesUp === true) dispatcher.#newest = new Map(newest)
    dispatcher.#startIn(outlet.policy.dueAt === undefined ? 0 : dispatcher.#gatherMs())
    return dispatcher
  }

  /** Takes an issue, or what became of a draft, at once and delivers it when it can; failures are logged. */
  add(issue: OutletEvent): void {
    const newest = this.#newest?.get(issue.feedKey)
    // Of a correction, nobody knows which issues came before.
    const isKnown = !isOutcome(issue) && (newest !== undefined || eventOf(issue) === 'issue')
    if (isKnown) this.#newest?.set(issue.feedKey, newestOf([issue], newest))
    this.#waiting.push({ issue, arrivedAt: Date.now() })
    if (this.#waiting.length + this.#underWay.size > MAX_WAITING) {
      this.#waiting.shift()
      this.#failures.failed('too many issues wait; the oldest are given up')
    }
    this.#save()
    this.#startIn(this.#gatherMs())
  }

  /**
   * Takes what arrived or was corrected while nobody watched, if its policy says so. Of a newsletter that was not
   * followed before, it is what arrives from now on. Watching may give the same again.
   */
  async catchUp(
    { listNewsletters, listIssues }: Pick<Operations, 'listNewsletters' | 'listIssues'>,
    signal: AbortSignal,
  ): Promise<void> {
    const newest = this.#newest
    if (newest === undefined) return
    const all = await listNewsletters({}, { signal })
    const followed = all.filter((it) => it.roles.includes('subscriber')).map((it) => it.feedKey)
    for (const it of newest.keys()) if (!followed.includes(it)) newest.delete(it)
    for (const newsletter of followed) {
      const before = newest.get(newsletter)
      // One that cannot be read must not hide the others.
      const issues = await listIssues({ newsletter, limit: MAX_LISTED }, { signal }).catch(() => [])
      signal.throwIfAborted()
      const missed = before === undefined ? [] : issues.flatMap((it) => missedSince(before, it))
      for (const it of missed.slice(0, MAX_WAITING).toReversed()) this.add(it)
      if (issues.length > 0) newest.set(newsletter, newestOf(issues, newest.get(newsletter)))
    }
    this.#save()
  }

  async close(): Promise<void> {
    this.#closed.abort()
    clearTimeout(this.#timer)
    await Promise.all(this.#working)
    await this.#file?.saved()
  }

  /** How long what waits is waited with for more. */
  #gatherMs(): number {
    const { gatherMs = 0, dueAt } = this.#outlet.policy
    const [first] = this.#waiting
    if (dueAt === undefined || first === undefined) return gatherMs
    return Math.max(0, dueAt(first.arrivedAt) - Date.now())
  }

  #startIn(ms: number): void {
    if (this.#timer !== undefined) return
    if (ms === 0) return this.#start()
    const at = Date.now() + ms
    const wait = Math.min(ms, LOOK_EVERY_MS)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (wait === ms) this.#start()
      else this.#startIn(Math.max(0, at - Date.now()))
    }, wait)
  }

  #start(): void {
    const { concurrency, gatherMs, dueAt } = this.#outlet.policy
    const most = gatherMs === undefined && dueAt === undefined ? 1 : MAX_WAITING
    while (!this.#closed.signal.aborted && this.#timer === undefined) {
      if (this.#working.size >= concurrency) return
      const [first, ...others] = this.#waiting.splice(0, most)
      if (first === undefined) return
      const work = this.#deliver([first, ...others]).finally(() => {
        this.#working.delete(work)
        this.#start()
      })
      this.#working.add(work)
    }
  }

  async #deliver(deliveries: readonly [Delivery, ...Delivery[]]): Promise<void> {
    const { signal } = this.#closed
    const { retryPausesMs: pauses = [], giveUpMs = GIVE_UP_MS, dueAt } = this.#outlet.policy
    const [{ issue }, ...others] = deliveries
    const ended = () => deliveries.forEach((it) => this.#underWay.delete(it))
    for (const it of deliveries) this.#underWay.add(it)
    try {
      await this.#outlet.deliver([issue, ...others.map((it) => it.issue)], signal)
      ended()
      this.#failuresInARow = 0
      this.#failures.succeeded()
    } catch (error) {
      // They stay in the queue file.
      if (signal.aborted) return
      ended()
      this.#failures.failed(error)
      const pauseMs = pauses[Math.min(this.#failuresInARow, pauses.length - 1)]
      this.#failuresInARow++
      if (pauseMs !== undefined) {
        // At the end: one issue that is refused must not keep the others.
        const since = ({ arrivedAt }: Delivery) => dueAt?.(arrivedAt) ?? arrivedAt
        const recent = deliveries.filter((it) => Date.now() - since(it) <= giveUpMs)
        this.#waiting.push(...recent)
        this.#startIn(pauseMs * (1 + Math.random() / 4))
      }
    }
    this.#save()
  }

  #save(): void {
    this.#file?.save(() => ({
      deliveries: [...this.#underWay, ...this.#waiting],
      newest: new Map(this.#newest),
    }))
  }
}

/** Logs a failure once, however often it happens, until it has worked again. */
export class FailureLog {
  readonly #logger: Logger
  readonly #what: string
  #last: string | undefined

  /** @param what is logged in front of every reason. */
  constructor(logger: Logger, what: string) {
    this.#logger = logger
    this.#what = what
  }

  /** Logs a reason that differs from the last one. */
  failed(reason: unknown): void {
    const text = textOf(reason)
    if (text === this.#last) return
    this.#last = text
    this.#logger.warn({ err: text }, this.#what)
  }

  /** It worked: the next failure is news. */
  succeeded(): void {
    if (this.#last !== undefined) this.#logger.info({}, `${this.#what}: it works again`)
    this.#last = undefined
  }
}

function textOf(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason)
  // What fetch says of itself is "fetch failed".
  if (reason instanceof HyperletterError || !(reason.cause instanceof Error)) return reason.message
  return codeOf(reason.cause) ?? reason.cause.message
}
