import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** How long a link with a one-time token works. */
const ONE_TIME_MS = 10 * 60_000

/** One-time tokens that may wait at the same moment; the oldest falls away. */
const MAX_WAITING = 32

/** The tokens of one reader, derived from its secret; one-time ones live in memory only. */
export class Secrets {
  readonly #secret: string
  readonly #oneTime = new Map<string, number>()
  /** Value of the session cookie. */
  readonly session: string
  /** Hidden field of every form. */
  readonly form: string

  constructor(secret: string) {
    this.#secret = secret
    this.session = this.#derive('session')
    this.form = this.#derive('form')
  }

  /** Part of the feed addresses of a private newsletter. */
  feed(feedKey: string): string {
    return this.#derive(`feed/${feedKey}`).slice(0, 32)
  }

  /** Part of the picture addresses in a feed: apps show them in pages of their own. */
  pictures(feedKey: string): string {
    return this.#derive(`pictures/${feedKey}`).slice(0, 32)
  }

  /** A token that opens a session once. */
  issue(): string {
    const token = randomBytes(24).toString('hex')
    this.#oneTime.set(token, Date.now() + ONE_TIME_MS)
    const [oldest] = this.#oneTime.keys()
    if (this.#oneTime.size > MAX_WAITING && oldest !== undefined) this.#oneTime.delete(oldest)
    return token
  }

  /** Uses a one-time token up. */
  spend(token: string): boolean {
    const until = this.#oneTime.get(token)
    this.#oneTime.delete(token)
    return until !== undefined && Date.now() <= until
  }

  #derive(purpose: string): string {
    return createHmac('sha256', this.#secret).update(purpose).digest('hex')
  }
}

/** Compares a token that somebody sent without telling by the time taken how much of it is right. */
export function isSame(given: unknown, expected: string): boolean {
  if (typeof given !== 'string') return false
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.byteLength === b.byteLength && timingSafeEqual(a, b)
}
