import type { SingleBar } from 'cli-progress'
import type { Context } from '../context.ts'
import type { OutputStream } from '../output.ts'

export interface ProgressStep {
  readonly done: number
  /** 0 where the end is not known yet. */
  readonly total: number
  /** A few words after the bar; must be a clean single line. */
  readonly note?: string
  /** What is being done now, where that changes on the way. */
  readonly label?: string
}

type Payload = Required<Omit<ProgressStep, 'done'>>

/** Tasks that end sooner show nothing. */
const DELAY_MS = 1_000

/**
 * A progress bar on the error stream of a terminal, there only while a task takes longer than a
 * second and gone when it ends. Shows nothing with `--json`, `--quiet` or without a terminal.
 */
export class Progress {
  readonly #stream: OutputStream
  readonly #label: string
  readonly #timer: NodeJS.Timeout | undefined
  #step: ProgressStep = { done: 0, total: 0 }
  #bar: SingleBar | undefined
  #isStopped = false

  /** @param label What is being done; must be a clean single line. Whoever makes it stops it. */
  constructor({ io, options }: Context, label: string, delayMs = DELAY_MS) {
    this.#stream = io.stderr
    this.#label = label
    if (io.stderr.isTTY !== true || options.json === true || options.quiet === true) return
    this.#timer = setTimeout(() => void this.#show(), delayMs)
  }

  update(step: ProgressStep): void {
    this.#step = step
    if (this.#bar === undefined) return
    this.#bar.setTotal(Math.max(step.total, 1))
    this.#bar.update(step.done, this.#payload())
  }

  /** Removes the bar from the screen. May be called again. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#bar?.stop()
    this.#bar = undefined
  }

  [Symbol.dispose](): void {
    this.stop()
  }

  async #show(): Promise<void> {
    const [{ default: cliProgress }, { default: stringWidth }, { truncate }] = await Promise.all([
      import('cli-progress'),
      import('string-width'),
      import('./table.ts'),
    ])
    if (this.#isStopped) return
    this.#bar = new cliProgress.SingleBar({
      stream: this.#stream,
      format: (options, params, payload: Payload) => {
        const bar = cliProgress.Format.BarFormat(params.progress, options)
        const known = `${bar}  ${params.value}/${params.total}`
        const parts = [payload.label, payload.total === 0 ? '' : known, payload.note]
        const width = this.#stream.columns ?? 80
        return truncate(parts.filter((part) => part !== '').join('  '), width - 1, stringWidth)
      },
      barsize: 24,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      clearOnComplete: true,
      // A process that is killed must leave the terminal as it was: no modes are changed.
      hideCursor: false,
      linewrap: true,
      gracefulExit: false,
      fps: 10,
    })
    this.#bar.start(Math.max(this.#step.total, 1), this.#step.done, this.#payload())
  }

  #payload(): Payload {
    const { note = '', total, label = this.#label } = this.#step
    return { note, total, label }
  }
}
