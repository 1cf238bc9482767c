import { emitKeypressEvents, type Interface, type Key as NodeKey } from 'node:readline'
import ansi from 'ansi-escapes'
import type { InputStream, Io } from '../context.ts'
import { Bell } from '../../async.ts'

/** A key that was pressed: `return`, `up`, `a`, `G`, `?`, `ctrl-c`. */
export interface Key {
  readonly name: string
  /** What it adds to a line that is typed; empty where it adds nothing. */
  readonly text: string
}

/** What a reader waits for; `end` is the last. */
export type ScreenEvent<T> =
  | { readonly type: 'key'; readonly key: Key }
  | { readonly type: 'resize' }
  | { readonly type: 'end' }
  | { readonly type: 'news'; readonly news: T }

type Terminal = InputStream & { setRawMode?(isRaw: boolean): unknown }

/** A terminal that has no size, or none that it tells, is taken for this one. */
const USUAL = { columns: 80, rows: 24 }

/** How long an escape character may wait for the rest of a sequence before it is the key. */
const ESCAPE_MS = 50

/** Lines are cut to the width; should a terminal count differently, it must not wrap them. */
const WRAP_OFF = '\u001b[?7l'
const WRAP_ON = '\u001b[?7h'

/** Whether a terminal can be drawn on and read key by key. */
export function canDraw({ stdin, stdout, env }: Io): boolean {
  const isTerminal = stdin.isTTY === true && stdout.isTTY === true
  return isTerminal && 'setRawMode' in stdin && env['TERM'] !== 'dumb'
}

/** The whole of a terminal, on its second screen; `close` gives the first one back as it was. */
export class Screen<T = never> {
  readonly #io: Io
  readonly #events: ScreenEvent<T>[] = []
  readonly #dispose: (() => void)[] = []
  #lines: readonly string[] = []
  readonly #bell = new Bell()
  #interrupt: (() => void) | undefined

  constructor(io: Io) {
    this.#io = io
  }

  get columns(): number {
    return this.#io.stdout.columns || USUAL.columns
  }

  get rows(): number {
    return this.#io.stdout.rows || USUAL.rows
  }

  open(): void {
    const { stdin, stdout, signal } = this.#io
    const onKey = (text: string | undefined, key: NodeKey) => this.#onKey(keyOf(text, key))
    const onResize = () => this.push({ type: 'resize' })
    const onEnd = () => this.push({ type: 'end' })
    const onContinue = () => {
      this.#enter()
      onResize()
    }
    emitKeypressEvents(stdin, { escapeCodeTimeout: ESCAPE_MS } as unknown as Interface)
    stdin.on('keypress', onKey).on('end', onEnd)
    stdout.on('resize', onResize)
    signal.addEventListener('abort', onEnd)
    process.on('SIGCONT', onContinue)
    // Whatever ends this process: the shell must find its terminal as it was.
    const leave = () => this.#leave()
    process.on('exit', leave)
    this.#dispose.push(
      () => stdin.off('keypress', onKey).off('end', onEnd),
      () => stdout.off('resize', onResize),
      () => signal.removeEventListener('abort', onEnd),
      () => process.off('SIGCONT', onContinue).off('exit', leave),
    )
    this.#enter()
    stdin.resume()
  }

  close(): void {
    for (const it of this.#dispose.splice(0)) it()
    this.#leave()
    this.#io.stdin.pause()
  }

  /** The next thing that happens. */
  async next(): Promise<ScreenEvent<T>> {
    for (;;) {
      const event = this.#events.shift()
      if (event !== undefined) return event
      await this.#bell.wait()
    }
  }

  /** Whether something happened already: then what is drawn now would be seen by nobody. */
  get isBehind(): boolean {
    return this.#events.length > 0
  }

  push(event: ScreenEvent<T>): void {
    this.#events.push(event)
    this.#bell.ring()
  }

  /** Runs work that Escape and Ctrl-C abort. @returns undefined if they did. */
  async during<R>(work: (signal: AbortSignal) => Promise<R>): Promise<R | undefined> {
    const abort = new AbortController()
    this.#interrupt = () => abort.abort()
    try {
      return await work(AbortSignal.any([abort.signal, this.#io.signal]))
    } catch (error) {
      if (abort.signal.aborted) return undefined
      throw error
    } finally {
      this.#interrupt = undefined
    }
  }

  /** Draws these lines from the top, each of which fits the width; only those that changed are written. */
  draw(lines: readonly string[]): void {
    const shown = lines.slice(0, this.rows)
    let text = ''
    for (let row = 0; row < Math.max(shown.length, this.#lines.length); row++) {
      const line = shown[row] ?? ''
      if (line !== this.#lines[row]) text += ansi.cursorTo(0, row) + line + ansi.eraseEndLine
    }
    this.#lines = shown
    if (text !== '') this.#io.stdout.write(ansi.synchronizedOutput(text))
  }

  /** Writes what is not made of lines, such as a picture, on an empty screen. The next `draw` draws everything. */
  show(text: string): void {
    this.#io.stdout.write(ansi.eraseScreen + ansi.cursorTo(0, 0) + text.replaceAll('\n', '\r\n'))
    this.clear()
  }

  /** Shows such a text until a key is pressed; other events stay. @returns whether that key leaves, or all ends */
  async pause(text: string): Promise<boolean> {
    this.show(`${text}Any key goes on.`)
    for (;;) {
      const index = this.#events.findIndex(({ type }) => type === 'key' || type === 'end')
      const event = this.#events[index]
      if (event?.type === 'end') return true
      if (event?.type === 'key') {
        this.#events.splice(index, 1)
        return ['q', 'escape', 'ctrl-c'].includes(event.key.name)
      }
      await this.#bell.wait()
    }
  }

  /** Has the next `draw` draw everything. */
  clear(): void {
    this.#lines = Array.from({ length: this.rows }, () => '\u0000')
  }

  /** Stops the process as Ctrl-Z does, until the shell continues it. */
  suspend(): void {
    this.#leave()
    process.kill(process.pid, 'SIGTSTP')
    // It goes on here: at once where nobody controls jobs, else when the shell says so.
    this.#enter()
    this.push({ type: 'resize' })
  }

  #enter(): void {
    const { stdin, stdout } = this.#io
    ;(stdin as Terminal).setRawMode?.(true)
    stdout.write(ansi.enterAlternativeScreen + ansi.cursorHide + WRAP_OFF + ansi.eraseScreen)
    this.clear()
  }

  #leave(): void {
    const { stdin, stdout } = this.#io
    stdout.write(WRAP_ON + ansi.cursorShow + ansi.exitAlternativeScreen)
    ;(stdin as Terminal).setRawMode?.(false)
  }

  #onKey(key: Key): void {
    if (this.#interrupt !== undefined && ['escape', 'ctrl-c'].includes(key.name)) {
      this.#events.length = 0
      this.#interrupt()
    } else this.push({ type: 'key', key })
  }
}

function keyOf(text: string | undefined, { name, ctrl, meta, sequence }: NodeKey): Key {
  const typed = text !== undefined && ctrl !== true && meta !== true && /^[^\p{Cc}]+$/u.test(text)
  if (ctrl === true) return { name: `ctrl-${name ?? ''}`, text: '' }
  // Of letters and signs what is typed counts: `G` is not `g`.
  if (typed && text !== ' ') return { name: text, text }
  return { name: name ?? sequence ?? '', text: typed ? text : '' }
}

/** A line that is typed, after one more key. @returns undefined where the key leaves it */
export function typedAfter({ name, text }: Key, typed: string): string | undefined {
  if (name === 'escape' || (name === 'backspace' && typed === '')) return undefined
  if (name === 'backspace') return typed.replace(/.$/u, '')
  return name === 'ctrl-u' ? '' : typed + text
}
