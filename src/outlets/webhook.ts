import { createHmac } from 'node:crypto'
import type { Logger } from '../logger.ts'
import { packageVersion } from '../version.ts'
import { Complaints } from './complaints.ts'
import { DeliveryQueue, type Delivery } from './delivery-queue.ts'
import type { ArrivedIssue, IssueOutlet } from './outlet.ts'

export interface WebhookOutletOptions {
  readonly address: string
  readonly secret: string | undefined
  /** Where what is not posted yet outlives a restart. */
  readonly queueFile: string
  readonly logger: Logger
  readonly timeoutMs?: number
  /** How long to wait after the first, second … failure in a row; after that as long as the last. */
  readonly pausesMs?: readonly number[]
}

const TIMEOUT_MS = 10_000

const PAUSES_MS = [2_000, 10_000, 60_000, 300_000, 1_800_000, 3_600_000]

/** An issue that could not be posted for so long is given up. */
const GIVE_UP_MS = 24 * 60 * 60_000

/** Posts each issue as JSON to an address, signed, one after the other, again and again until it is taken. */
export class WebhookOutlet implements IssueOutlet {
  readonly #options: WebhookOutletOptions
  readonly #complaints: Complaints
  readonly #closed = new AbortController()
  readonly #queue: DeliveryQueue
  readonly #work: Promise<void>
  #failures = 0
  #wake: () => void = () => undefined

  private constructor(options: WebhookOutletOptions, queue: DeliveryQueue) {
    this.#options = options
    this.#complaints = new Complaints(options.logger, 'the webhook did not take an issue')
    this.#queue = queue
    this.#work = this.#run()
  }

  static async open(options: WebhookOutletOptions): Promise<WebhookOutlet> {
    const complaints = new Complaints(options.logger, 'what is to be posted is not kept on disk')
    const onProblem = (error: unknown) => complaints.complain(error)
    return new WebhookOutlet(options, await DeliveryQueue.open(options.queueFile, onProblem))
  }

  deliver(issue: ArrivedIssue): void {
    if (!this.#queue.push({ issue, arrivedAt: Date.now() })) {
      this.#complaints.complain('too many issues wait; the oldest are given up')
    }
    this.#wake()
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.#work
    await this.#queue.saved()
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed
    while (!signal.aborted) {
      const delivery = this.#queue.first
      if (delivery === undefined) {
        await this.#pause(undefined)
        continue
      }
      const isDone = await this.#deliver(delivery)
      if (!isDone && !signal.aborted) await this.#pause(this.#pauseMs)
    }
  }

  async #deliver(delivery: Delivery): Promise<boolean> {
    try {
      await this.#post(delivery)
    } catch (error) {
      if (this.#closed.signal.aborted) return false
      this.#failures++
      this.#complaints.complain(error)
      if (Date.now() - delivery.arrivedAt > GIVE_UP_MS) this.#queue.drop(delivery)
      // One issue that is refused must not keep the others.
      else this.#queue.postpone(delivery)
      return false
    }
    this.#failures = 0
    this.#complaints.settle()
    this.#queue.drop(delivery)
    return true
  }

  async #post({ issue }: Delivery): Promise<void> {
    const { address, secret, timeoutMs = TIMEOUT_MS } = this.#options
    const body = JSON.stringify({ event: 'issue', issue })
    const response = await fetch(address, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'user-agent': `hyperletter/${packageVersion()}`,
        'hyperletter-event': 'issue',
        'hyperletter-delivery': `${issue.feedKey}/${issue.number}`,
        ...(secret === undefined ? {} : { 'hyperletter-signature': signature(secret, body) }),
      },
      // Where it leads is not what the user wrote.
      redirect: 'manual',
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#closed.signal]),
    })
    // Whatever it says is not of interest, however long it is.
    response.body?.cancel().catch(() => undefined)
    if (!response.ok) throw new Error(`It answered with ${response.status}.`)
  }

  get #pauseMs(): number {
    const { pausesMs = PAUSES_MS } = this.#options
    const pauseMs = pausesMs[Math.min(this.#failures, pausesMs.length) - 1] ?? 0
    return pauseMs * (1 + Math.random() / 4)
  }

  #pause(ms: number | undefined): Promise<void> {
    const { signal } = this.#closed
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#wake = () => undefined
        resolve()
      }
      const timer = ms === undefined ? undefined : setTimeout(done, ms)
      signal.addEventListener('abort', done, { once: true })
      if (ms === undefined) this.#wake = done
      if (signal.aborted) done()
    })
  }
}

/**
 * `t=<seconds since 1970>,sha256=<hex>`: the HMAC-SHA-256 of the seconds, a full stop and the body, under
 * the secret. The time is signed too, so that nobody can post an old one again.
 */
export function signature(secret: string, body: string, now = Date.now()): string {
  const seconds = Math.floor(now / 1_000)
  const hmac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')
  return `t=${seconds},sha256=${hmac}`
}
