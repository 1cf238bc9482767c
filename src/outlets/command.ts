import { splitCommand } from '../config/command-line.ts'
import { HyperletterError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { singleLine } from '../render/plain.ts'
import { Complaints } from './complaints.ts'
import type { ArrivedIssue, IssueOutlet } from './outlet.ts'
import { runProgram } from './program.ts'

export interface CommandOutletOptions {
  /** Program and fixed arguments. */
  readonly command: string
  /** Where a program that runs `hyperletter` again finds the newsletters. */
  readonly dataDir: string
  readonly logger: Logger
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 60_000

/** Programs at a time. */
const MAX_RUNNING = 4

/** Issues that wait for a program to end. */
const MAX_WAITING = 1_000

/** Runs a program for each issue: what it is about is in its environment, and as JSON on its input. */
export class CommandOutlet implements IssueOutlet {
  readonly #options: CommandOutletOptions
  readonly #program: readonly [string, ...string[]]
  readonly #complaints: Complaints
  readonly #closed = new AbortController()
  readonly #running = new Set<Promise<void>>()
  #waiting: ArrivedIssue[] = []

  /** @throws INVALID_INPUT for a command that cannot be split. */
  constructor(options: CommandOutletOptions) {
    this.#options = options
    this.#program = splitCommand(options.command)
    this.#complaints = new Complaints(options.logger, 'the command for new issues failed')
  }

  deliver(issue: ArrivedIssue): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#complaints.complain(`more than ${MAX_WAITING} issues wait for it`)
      return
    }
    this.#waiting.push(issue)
    this.#startNext()
  }

  async close(): Promise<void> {
    this.#waiting = []
    this.#closed.abort()
    await Promise.all(this.#running)
  }

  #startNext(): void {
    if (this.#closed.signal.aborted || this.#running.size >= MAX_RUNNING) return
    const issue = this.#waiting.shift()
    if (issue === undefined) return
    const run = this.#run(issue).finally(() => {
      this.#running.delete(run)
      this.#startNext()
    })
    this.#running.add(run)
  }

  async #run(issue: ArrivedIssue): Promise<void> {
    const { dataDir, timeoutMs = TIMEOUT_MS } = this.#options
    const [program, ...args] = this.#program
    const { signal } = this.#closed
    const env = { ...variablesOf(issue), HYPERLETTER_HOME: dataDir }
    try {
      await runProgram(program, args, {
        env,
        stdin: `${JSON.stringify(issue)}\n`,
        timeoutMs,
        signal,
      })
      this.#complaints.settle()
    } catch (error) {
      if (!signal.aborted) this.#complaints.complain(HyperletterError.from(error).message)
    }
  }
}

function variablesOf(issue: ArrivedIssue): Record<string, string> {
  const { feedKey, newsletter, number, title, publishedAt, summary = '' } = issue
  return {
    HYPERLETTER_EVENT: 'issue',
    HYPERLETTER_FEED_KEY: feedKey,
    HYPERLETTER_NEWSLETTER: singleLine(newsletter),
    HYPERLETTER_NUMBER: String(number),
    HYPERLETTER_TITLE: singleLine(title),
    HYPERLETTER_PUBLISHED_AT: publishedAt,
    HYPERLETTER_SUMMARY: singleLine(summary),
  }
}
