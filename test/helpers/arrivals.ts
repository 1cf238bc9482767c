import { pino, type Logger } from 'pino'
import type { ArrivedIssue, ScheduledOutcome } from '../../src/outlets/outlet.ts'

/** An issue as `watchIssues` tells of it. */
export function arrived(fields: Partial<ArrivedIssue> = {}): ArrivedIssue {
  return {
    feedKey: 'y'.repeat(52),
    newsletter: 'Tide tables',
    number: 7,
    title: 'High water',
    publishedAt: '2026-03-01T09:30:00Z',
    read: false,
    starred: false,
    held: true,
    ...fields,
  }
}

/** The same, amended or retracted since. */
export function corrected(fields: Partial<ArrivedIssue> = {}): ArrivedIssue {
  return { ...arrived({ editionBlock: 12, ...fields }), event: 'corrected' }
}

/** What became of a scheduled draft. */
export function outcome(fields: Partial<ScheduledOutcome> = {}): ScheduledOutcome {
  return {
    event: 'published',
    id: 'a1',
    feedKey: 'y'.repeat(52),
    newsletter: 'Tide tables',
    title: 'High water',
    at: '2026-03-01T09:30:00.000Z',
    publishedAt: '2026-03-01T09:30:00Z',
    attachments: 0,
    sizeBytes: 1,
    published: { number: 7, at: '2026-03-01T09:30:01.000Z' },
    ...fields,
  }
}

/** The same, which could not be published. */
export function unpublished(message: string): ScheduledOutcome {
  const { published: _, ...draft } = outcome({ event: 'not-published' })
  return { ...draft, problem: { code: 'INVALID_INPUT', message } }
}

export interface LogLine {
  readonly level: number
  readonly msg: string
  readonly err?: string
}

/** A logger that keeps what it is told. */
export function keptLog(): { readonly logger: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  const logger = pino(
    { level: 'debug' },
    { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) },
  )
  return { logger, lines }
}

/** Arrivals that a test sends one by one, for who calls `watchIssues`. */
export class Arrivals {
  readonly #waiting: ArrivedIssue[] = []
  #wake: () => void = () => undefined
  #failure: Error | undefined
  /** How many watch now. */
  watching = 0

  send(issue: ArrivedIssue): void {
    this.#waiting.push(issue)
    this.#wake()
  }

  /** Ends the watch that goes on now. */
  fail(error: Error): void {
    this.#failure = error
    this.#wake()
  }

  readonly watchIssues = async function* (
    this: Arrivals,
    _input: unknown,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<ArrivedIssue> {
    this.watching++
    try {
      for (;;) {
        yield* this.#waiting.splice(0)
        signal?.throwIfAborted()
        const failure = this.#failure
        this.#failure = undefined
        if (failure !== undefined) throw failure
        await new Promise<void>((resolve) => {
          this.#wake = resolve
          signal?.addEventListener('abort', () => resolve(), { once: true })
        })
      }
    } finally {
      this.watching--
    }
  }.bind(this)
}
