import { spawn, type ChildProcess } from 'node:child_process'
import { fstatSync, writeSync } from 'node:fs'
import { Writable } from 'node:stream'
import { codeOf, HyperletterError } from '../errors.ts'
import { singleLine, stripControls } from '../render/plain.ts'
import type { Settings } from '../config/settings.ts'
import { createStyle, wantsColor, type Style } from './terminal/format.ts'

/** A stream to write to; a terminal if `isTTY`. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  /** Width and height of the terminal in characters. */
  readonly columns?: number
  readonly rows?: number
}

/** The options that every command takes, and the settings that some take. */
export type GlobalOptions = Settings & OutputOptions

/** How a command says what it does. */
interface OutputOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly color: boolean
  readonly verbose?: boolean
}

/** Of a terminal that does not tell its width. */
const USUAL_WIDTH = 80

/** Thrown by writes to a stream whose reader has gone, as in `hyperletter list | head -1`. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed'
}

/** Results on stdout, everything else on stderr, for people or as JSON. */
export class Printer {
  readonly style: Style
  readonly hasColor: boolean
  readonly #errorStyle: Style
  readonly #stdout: OutputStream
  readonly #stderr: OutputStream
  readonly #options: OutputOptions

  constructor(
    streams: { stdout: OutputStream; stderr: OutputStream; env: NodeJS.ProcessEnv },
    options: OutputOptions,
  ) {
    const { stdout, stderr, env } = streams
    this.#stdout = stdout
    this.#stderr = stderr
    this.#options = options
    this.hasColor = wantsColor(stdout, env, options.color)
    this.style = createStyle(this.hasColor)
    this.#errorStyle = createStyle(wantsColor(stderr, env, options.color))
  }

  get isTerminal(): boolean {
    return this.#stdout.isTTY === true
  }

  /** Characters that a line of the result may take; unlimited where no terminal cuts it. */
  get width(): number {
    return this.isTerminal ? this.#stdout.columns || USUAL_WIDTH : Infinity
  }

  /**
   * Prints the result of a command: with `--json` the one document, else what `human` returns. Text
   * of a feed must have been cleaned there. @throws OutputClosed
   */
  async result(json: unknown, human: () => string | Promise<string>): Promise<void> {
    if (this.#options.json === true) await this.json(json, this.isTerminal ? 2 : 0)
    else await this.text(await human())
  }

  async json(value: unknown, indent = 0): Promise<void> {
    for (const part of jsonParts(value, indent)) await write(this.#stdout, escapeControls(part))
  }

  async text(text: string): Promise<void> {
    if (text !== '') await write(this.#stdout, text)
  }

  /** A QR code, light on dark as cameras want it; empty where the terminal has no room for it. */
  async qrCode(text: string): Promise<string> {
    const { renderUnicodeCompact } = await import('uqr')
    const lines = renderUnicodeCompact(text, { border: 2 }).split('\n')
    if ((lines[0]?.length ?? 0) > this.width) return ''
    // Its blocks are the light parts: whatever the colours of the terminal are, white on black.
    const shown = this.hasColor ? lines.map((it) => `\u001b[97;40m${it}\u001b[0m`) : lines
    return `${shown.join('\n')}\n\n`
  }

  /** Prints bytes to stdout. @throws OutputClosed */
  async bytes(bytes: Uint8Array): Promise<void> {
    await write(this.#stdout, bytes)
  }

  /** Notices when nobody reads the result any more, until it is disposed of. */
  watchReader(): ReaderWatch {
    return new ReaderWatch(this.#stdout)
  }

  /** Tells what happens or what to do next, on stderr. Silent with `--json` and `--quiet`. */
  async note(text: string): Promise<void> {
    if (this.#isSilent) return
    await this.#tellWrapped(this.#errorStyle.dim(singleLine(text)))
  }

  /** The next step, on stderr. Silent with `--json` and `--quiet`. */
  async next(hint: string): Promise<void> {
    if (this.#isSilent) return
    await this.#tellWrapped(`${this.#errorStyle.cyan('next:')} ${singleLine(hint)}`)
  }

  /** Something that went well enough but should be known, on stderr. Silent with `--json` and `--quiet`. */
  async warn(text: string): Promise<void> {
    if (this.#isSilent) return
    await this.#tellWrapped(`${this.#errorStyle.yellow('warning:')} ${singleLine(text)}`)
  }

  /** Reports a failure on stderr: words and a next step, or with `--json` the error as JSON. */
  async error(error: HyperletterError): Promise<void> {
    if (this.#options.json === true) {
      await this.#tell(`${escapeControls(JSON.stringify({ error }))}\n`)
      return
    }
    // An interruption is no error.
    if (error.code === 'ABORTED') return this.#tell('Interrupted.\n')
    const { red, cyan } = this.#errorStyle
    await this.#tellWrapped(`${red('error:')} ${singleLine(error.message)}`)
    if (error.hint !== undefined)
      await this.#tellWrapped(`${cyan('next:')} ${singleLine(error.hint)}`)
    if (this.#options.verbose === true) await this.#tell(`${stackOf(error)}\n`)
  }

  /** Prints help that belongs to a mistake, on stderr. */
  async help(text: string): Promise<void> {
    await this.#tell(text)
  }

  get #isSilent(): boolean {
    return this.#options.json === true || this.#options.quiet === true
  }

  /** A line, broken between words where the terminal would break it anywhere. */
  async #tellWrapped(line: string): Promise<void> {
    const { isTTY = false, columns } = this.#stderr
    const width = columns || USUAL_WIDTH
    if (!isTTY || line.length <= width) return this.#tell(`${line}\n`)
    const { default: wrapAnsi } = await import('wrap-ansi')
    await this.#tell(`${wrapAnsi(line, width)}\n`)
  }

  // Nobody reading the complaints is no reason to stop the work.
  async #tell(text: string): Promise<void> {
    await write(this.#stderr, text).catch(() => {})
  }
}

function write(stream: OutputStream, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => {
      if (error) reject(failure(error))
      else resolve()
    })
  })
}

function failure(cause: Error): Error {
  switch (codeOf(cause)) {
    case 'EPIPE':
      return new OutputClosed(cause.message, { cause })
    case 'ENOSPC':
    case 'EDQUOT':
      return new HyperletterError('DISK_FULL', 'No space is left to write the output.', {
        hint: MAYBE_DONE,
        cause,
      })
    default:
      return new HyperletterError('OUTPUT_FAILED', `Cannot write the output: ${cause.message}.`, {
        hint: MAYBE_DONE,
        cause,
      })
  }
}

const MAYBE_DONE = 'The command itself may have succeeded: check before you run it again.'

/**
 * A file or device as a stream that writes everything or fails: the stream of Node.js ignores a write that
 * the last free bytes of a disk cut short. Other streams are given back.
 */
export function wholeWrites(stream: typeof process.stdout): OutputStream {
  const { fd } = stream
  if (stream.isTTY || !(fstatSync(fd).isFile() || fstatSync(fd).isCharacterDevice())) return stream
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      try {
        for (let at = 0; at < chunk.byteLength;) at += writeSync(fd, chunk, at)
        done()
      } catch (error) {
        done(error as Error)
      }
    },
  })
}

/**
 * A writer learns only from its next write that the reader of a pipe has gone, and Node.js cannot poll a pipe for it.
 * GNU tail can, and dies of it (coreutils 8.28, `tail -f /dev/null | true`). Where there is none, and for other
 * streams, `gone` is never aborted.
 */
class ReaderWatch {
  readonly #gone = new AbortController()
  readonly #tail: ChildProcess | undefined

  constructor(stream: OutputStream & { readonly fd?: number }) {
    const { fd } = stream
    if (process.platform !== 'linux' || fd === undefined || !fstatSync(fd).isFIFO()) return
    const args = ['-f', '/dev/null', `--pid=${process.pid}`]
    this.#tail = spawn('tail', args, { stdio: ['ignore', fd, 'ignore'] })
    this.#tail.once('error', () => undefined)
    this.#tail.once('exit', (_code, signal) => {
      if (signal === 'SIGPIPE') this.#gone.abort(new OutputClosed('The reader has gone.'))
    })
    this.#tail.unref()
  }

  get gone(): AbortSignal {
    return this.#gone.signal
  }

  [Symbol.dispose](): void {
    this.#tail?.kill()
  }
}

/** Items of a list that are written at once. */
const PART_ITEMS = 512

/** A JSON document and a line end: lists of an object in parts, for those of an import have 100,000 items. */
function* jsonParts(value: unknown, indent: number): Generator<string> {
  const isLong = (it: unknown): it is readonly unknown[] =>
    Array.isArray(it) && it.length > PART_ITEMS
  const isPlain = typeof value === 'object' && !Array.isArray(value)
  if (indent > 0 || !isPlain || !Object.values(value ?? {}).some(isLong)) {
    yield `${JSON.stringify(value, null, indent)}\n`
    return
  }
  let mark = '{'
  for (const [name, it] of Object.entries(value ?? {})) {
    if (it === undefined) continue
    yield `${mark}${JSON.stringify(name)}:`
    mark = ','
    if (!isLong(it)) yield JSON.stringify(it)
    else
      for (let at = 0; at < it.length; at += PART_ITEMS) {
        const part = JSON.stringify(it.slice(at, at + PART_ITEMS))
        const isLast = at + PART_ITEMS >= it.length
        yield `${at === 0 ? '[' : ','}${part.slice(1, -1)}${isLast ? ']' : ''}`
      }
  }
  yield '}\n'
}

// JSON escapes C0 itself. DEL, C1 and the marks that turn the direction of writing would still reach
// a terminal; as escapes they are the same JSON.
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

function escapeControls(json: string): string {
  return json.replace(UNSAFE, (it) => `\\u${it.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function stackOf(error: Error): string {
  const lines = [stripControls(error.stack ?? error.message)]
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    lines.push(`caused by: ${stripControls(cause.stack ?? cause.message)}`)
  }
  return lines.join('\n')
}
