import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Longest wait for one line of a child. */
const LINE_DEADLINE_MS = 300_000

const STOP_DEADLINE_MS = 5_000

/** A child process that is told what to do line by line, and answers so. */
export class LineProcess {
  readonly #child: ChildProcess
  readonly #name: string
  readonly #said: { readonly line: string; readonly atMs: number }[] = []
  readonly #waiting: (() => void)[] = []
  #hasEnded = false

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    const [file = '', ...args] = argv
    this.#name = argv.join(' ').slice(0, 160)
    this.#child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
    // Who has ended is noticed by who waits for a line.
    this.#child.stdin?.on('error', () => undefined)
    this.#child.on('error', () => this.#wake(true))
    this.#child.on('exit', () => this.#wake(true))
    if (this.#child.stdout === null) throw new Error('The child has no output.')
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#said.push({ line, atMs: performance.now() })
      this.#wake(false)
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** The next line that it has not been asked for yet, and when it came. @throws if it ends or says nothing */
  async next(): Promise<{ readonly line: string; readonly atMs: number }> {
    const deadlineMs = performance.now() + LINE_DEADLINE_MS
    for (;;) {
      const said = this.#said.shift()
      if (said !== undefined) return said
      if (this.#hasEnded) throw new Error(`${this.#name} ended.`)
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) throw new Error(`${this.#name} says nothing.`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.#waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE_MS)
    this.#child.kill('SIGTERM')
    await once(this.#child, 'exit')
    clearTimeout(timer)
  }

  #wake(hasEnded: boolean): void {
    this.#hasEnded ||= hasEnded
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
