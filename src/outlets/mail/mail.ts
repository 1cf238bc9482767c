import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { replaceSynced } from '../../atomic-file.ts'
import type { MailDigest } from '../../config/values.ts'
import { deliveryId, isOutcome, type Outlet } from '../outlet.ts'
import { compose, type Mailing } from './message.ts'
import type { Transport } from './transports.ts'

export interface MailOutletOptions extends Mailing {
  readonly transport: Transport
  /** Every issue by itself where it is `off`. */
  readonly digest: MailDigest
  readonly queueFile: string
  /** What was delivered, so that nothing is a second time. */
  readonly sentFile: string
  readonly retryPausesMs?: readonly number[]
  /** When a digest is due. */
  readonly dueAt?: (arrivedAt: number) => number
}

const RETRY_PAUSES_MS = [10_000, 60_000, 300_000, 900_000, 3_600_000]

/** As long as mail servers try, by RFC 5321, section 4.5.4.1. */
const GIVE_UP_MS = 5 * 24 * 60 * 60_000

/** Deliveries that are remembered: more than can wait. */
const MAX_SENT = 2_000

/** Digests are due at this hour, by the clock of this machine; weekly ones on Mondays. */
const DIGEST_HOUR = 7
const MONDAY = 1

/** Sends each issue and each correction as a message to the reader, or all of a day or week as one. */
export function mailOutlet(options: MailOutletOptions): Outlet {
  const { transport, digest, queueFile, sentFile, retryPausesMs = RETRY_PAUSES_MS } = options
  const { dueAt = (arrivedAt) => digestAfter(arrivedAt, digest) } = options
  const sent = new SentFile(sentFile)
  return {
    failure: 'an issue could not be mailed',
    policy: {
      concurrency: 1,
      retryPausesMs,
      queueFile,
      catchesUp: true,
      giveUpMs: GIVE_UP_MS,
      ...(digest !== 'off' && { dueAt }),
    },
    async deliver(issues, signal) {
      const known = await sent.load()
      const arrived = issues.flatMap((it) => (isOutcome(it) ? [] : it))
      const once = new Map(arrived.map((it) => [deliveryId(it), it]))
      const [first, ...others] = [...once].flatMap(([id, it]) => (known.has(id) ? [] : it))
      if (first === undefined) return
      const ids = [first, ...others].map(deliveryId)
      const message = await compose(options, [first, ...others], digest !== 'off')
      if (message === undefined) return
      try {
        await transport.send(message, () => sent.add(ids), signal)
      } catch (error) {
        // Closing, nobody knows whether it arrived: it must not come twice.
        if (!signal.aborted) await sent.remove(ids)
        throw error
      }
    },
  }
}

/** When what arrived then is in a digest, in milliseconds since 1970. */
export function digestAfter(arrivedAt: number, digest: MailDigest): number {
  const due = new Date(arrivedAt)
  due.setHours(DIGEST_HOUR, 0, 0, 0)
  if (due.getTime() <= arrivedAt) due.setDate(due.getDate() + 1)
  if (digest === 'weekly') due.setDate(due.getDate() + ((MONDAY + 7 - due.getDay()) % 7))
  return due.getTime()
}

const content = z.object({ sent: z.array(z.string()) })

/** The newest deliveries, in a file that a power loss does not take back. */
class SentFile {
  readonly #path: string
  #sent: Set<string> | undefined

  constructor(path: string) {
    this.#path = path
  }

  async load(): Promise<ReadonlySet<string>> {
    this.#sent ??= await readFile(this.#path, 'utf8').then(
      (text) => new Set(content.parse(JSON.parse(text)).sent),
      () => new Set(),
    )
    return this.#sent
  }

  async add(ids: readonly string[]): Promise<void> {
    await this.#write([...(await this.load()), ...ids])
  }

  async remove(ids: readonly string[]): Promise<void> {
    const known = await this.load()
    if (ids.some((it) => known.has(it)))
      await this.#write([...known].filter((it) => !ids.includes(it)))
  }

  async #write(all: readonly string[]): Promise<void> {
    const sent = new Set(all.slice(-MAX_SENT))
    await replaceSynced(this.#path, [Buffer.from(JSON.stringify({ sent: [...sent] }))])
    this.#sent = sent
  }
}
