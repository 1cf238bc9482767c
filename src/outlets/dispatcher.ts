import { readFile, rm } from 'node:fs/promises'
import { z } from 'zod'
import type { Operations } from '../api/contract/contract.ts'
import { correctedIssue, issueSummary } from '../api/contract/parts.ts'
import { replaceWhole } from '../atomic-file.ts'
import { codeOf, HyperletterError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { SerialQueue } from '../async.ts'
import { eventOf, type ArrivedIssue, type Outlet } from './outlet.ts'

/** Issues that wait for one outlet; the oldest are given up for newer ones. */
const MAX_WAITING = 1_000

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
  /** Number of the newest issue that was queued, by feed key; undefined where the outlet does not catch up. */
  #newest: Map<string, number> | undefined
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
    if (outlet.policy.catchesUp === true) dispatcher.#newest = new Map(Object.entries(newest))
    dispatcher.#startIn(outlet.policy.dueAt === undefined ? 0 : dispatcher.#gatherMs())
    return dispatcher
  }

  /** Takes an issue at once and delivers it when it can; failures are logged. */
  add(issue: ArrivedIssue): void {
    const { feedKey, number } = issue
    if (eventOf(issue) === 'issue') {
      this.#newest?.set(feedKey, Math.max(number, this.#newest.get(feedKey) ?? 0))
    }
    this.#waiting.push({ issue, arrivedAt: Date.now() })
    if (this.#waiting.length + this.#underWay.size > MAX_WAITING) {
      this.#waiting.shift()
      this.#failures.failed('too many issues wait; the oldest are given up')
    }
    this.#save()
    this.#startIn(this.#gatherMs())
  }

  /**
   * Takes what arrived while nobody watched, if its policy says so. Of a newsletter that was not followed before, it
   * is what arrives from now on. Watching may give the same again.
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
      // One that cannot be read must not hide the others.
      const list = (limit: number) => listIssues({ newsletter, limit }, { signal }).catch(() => [])
      const before = newest.get(newsletter)
      const [last] = await list(1)
      const isGrown = last !== undefined && last.number > (before ?? 0)
      const missed = isGrown && before !== undefined ? await list(MAX_WAITING) : []
      signal.throwIfAborted()
      if (isGrown && before === undefined) newest.set(newsletter, last.number)
      for (const it of missed.toReversed()) {
        if (it.number > (newest.get(newsletter) ?? 0)) this.add(it)
      }
    }
    this.#save()
  }

  /** Ends what is under way. What has a queue file is delivered after the next start. */
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
      newest: Object.fromEntries(this.#newest ?? []),
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

/** An issue that is still to be delivered. */
interface Delivery {
  readonly issue: ArrivedIssue
  /** When it arrived, in milliseconds since 1970. */
  readonly arrivedAt: number
}

/** A thousand issues with the longest titles and summaries take less. */
const MAX_FILE_BYTES = 16 * 1024 * 1024

// What was queued by an earlier version has no event.
const content = z.object({
  deliveries: z
    .array(z.object({ issue: z.union([correctedIssue, issueSummary]), arrivedAt: z.number() }))
    .max(MAX_WAITING),
  newest: z.record(z.string(), z.int().nonnegative()).default({}),
})
type Queue = z.output<typeof content>

const NOTHING: Queue = { deliveries: [], newest: {} }

/** An outlet that is off catches up with nothing once it is on again; what waits in its queue file stays. */
export async function forgetNewest(queueFile: string): Promise<undefined> {
  const file = new QueueFile(queueFile, () => undefined)
  const { deliveries, newest } = await file.load()
  if (Object.keys(newest).length > 0) file.save(() => ({ deliveries, newest: {} }))
  await file.saved()
}

/** Undelivered issues in a file for this user alone, so that they outlive a restart. */
class QueueFile {
  readonly #path: string
  readonly #onProblem: (error: unknown) => void
  readonly #writes = new SerialQueue()
  #mustWrite = false
  #isOnDisk = false

  /** @param onProblem called where the file cannot be read or written; the outlet goes on without it. */
  constructor(path: string, onProblem: (error: unknown) => void) {
    this.#path = path
    this.#onProblem = onProblem
  }

  /** Empty where there is no file, or a damaged one. */
  async load(): Promise<Queue> {
    try {
      const bytes = await readFile(this.#path)
      this.#isOnDisk = true
      if (bytes.byteLength > MAX_FILE_BYTES) throw new Error('The file is too large.')
      return content.parse(JSON.parse(bytes.toString('utf8')))
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#onProblem(error)
      return NOTHING
    }
  }

  /** @param current is read when its turn has come: what was asked for in between is one write. */
  save(current: () => Queue): void {
    if (this.#mustWrite) return
    this.#mustWrite = true
    void this.#writes.run(async () => {
      this.#mustWrite = false
      await this.#write(current()).catch(this.#onProblem)
    })
  }

  /** Resolves when everything is on disk, as far as it can be. */
  saved(): Promise<void> {
    return this.#writes.idle()
  }

  async #write(queue: Queue): Promise<void> {
    if (queue.deliveries.length > 0 || Object.keys(queue.newest).length > 0) {
      await replaceWhole(this.#path, [Buffer.from(JSON.stringify(queue))])
      this.#isOnDisk = true
    } else if (this.#isOnDisk) {
      await rm(this.#path, { force: true })
      this.#isOnDisk = false
    }
  }
}
