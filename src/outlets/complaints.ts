import { codeOf } from '../errors.ts'
import type { Logger } from '../logger.ts'

/** Says what is wrong once, however often it happens, until it has worked again. */
export class Complaints {
  readonly #logger: Logger
  readonly #what: string
  #last: string | undefined

  /** @param what is told, in front of every reason. */
  constructor(logger: Logger, what: string) {
    this.#logger = logger
    this.#what = what
  }

  /** Logs a reason that differs from the last one. */
  complain(reason: unknown, details: Readonly<Record<string, unknown>> = {}): void {
    const text = textOf(reason)
    if (text === this.#last) return
    this.#last = text
    this.#logger.warn({ ...details, err: text }, this.#what)
  }

  /** It worked: the next failure is news. */
  settle(): void {
    if (this.#last !== undefined) this.#logger.info({}, `${this.#what}: it works again`)
    this.#last = undefined
  }
}

function textOf(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason)
  // What fetch says of itself is "fetch failed".
  const cause = reason.cause instanceof Error ? reason.cause : reason
  return codeOf(cause) ?? cause.message
}
