import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { MAX_OPML_LENGTH } from '../api/kinds.ts'
import { codeOf, HyperletterError } from '../errors.ts'
import { MAX_BODY_BYTES } from '../format/records/content.ts'
import type { Context, Io } from './context.ts'

/**
 * Reads a draft from standard input, never more than an issue may hold.
 * @throws TOO_LARGE over 2 MiB; INVALID_DRAFT if it is not UTF-8; ABORTED.
 */
export async function readDraft({ io, out }: Context): Promise<string> {
  if (io.stdin.isTTY === true)
    await out.note('Type the issue; end it with Ctrl-D on an empty line.')
  const stop = () => (io.stdin as Partial<{ destroy(): void }>).destroy?.()
  io.signal.throwIfAborted()
  io.signal.addEventListener('abort', stop, { once: true })
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of io.stdin) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      sizeBytes += bytes.byteLength
      if (sizeBytes > MAX_BODY_BYTES) {
        throw new HyperletterError(
          'TOO_LARGE',
          `The draft is longer than ${MAX_BODY_BYTES} bytes, the limit of an issue.`,
          { hint: 'Split it into several issues, or attach images as files.' },
        )
      }
      chunks.push(bytes)
    }
  } finally {
    io.signal.removeEventListener('abort', stop)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new HyperletterError('INVALID_DRAFT', 'The draft is not UTF-8 text.', {
      hint: 'Save it as UTF-8, for example with `iconv -t utf-8`.',
      cause,
    })
  }
}

/** Far more than 24 words with generous white space. */
const MAX_INPUT_BYTES = 4_096

/**
 * Reads a recovery phrase: asked for on a terminal, else all of standard input. Never from an argument,
 * which other users of the machine and the history of the shell would see.
 * @throws INVALID_INPUT if there is none; ABORTED. Whether the words are right is checked elsewhere.
 */
export async function readPhrase(context: Context): Promise<string> {
  const { io } = context
  const phrase = io.stdin.isTTY === true ? await typed(context) : await piped(context)
  if (phrase !== '') return phrase
  throw new HyperletterError('INVALID_INPUT', 'No recovery phrase was given.', {
    hint: 'Type its 24 words when asked, or pipe them in: hyperletter … < words.txt',
  })
}

async function typed({ io, out }: Context): Promise<string> {
  await out.note('Recovery phrase of the newsletter (24 words on one line):')
  return (await ask(io, '  Words: ')) ?? ''
}

async function piped({ io }: Context): Promise<string> {
  const stop = () => (io.stdin as Partial<{ destroy(): void }>).destroy?.()
  io.signal.throwIfAborted()
  io.signal.addEventListener('abort', stop, { once: true })
  let text = ''
  try {
    for await (const chunk of io.stdin) {
      text += chunk.toString()
      if (text.length > MAX_INPUT_BYTES) {
        throw new HyperletterError('INVALID_INPUT', 'That is too long for a recovery phrase.')
      }
    }
  } finally {
    io.signal.removeEventListener('abort', stop)
  }
  return text.trim()
}

/**
 * Reads an OPML list, never more than is accepted.
 * @param file Absolute path; standard input when absent.
 * @throws TOO_LARGE, INVALID_INPUT if it cannot be read or is not UTF-8; ABORTED.
 */
export async function readOpml({ io }: Context, file?: string): Promise<string> {
  const source: AsyncIterable<string | Uint8Array> =
    file === undefined ? io.stdin : createReadStream(file)
  const stop = () => (source as Partial<{ destroy(): void }>).destroy?.()
  io.signal.throwIfAborted()
  io.signal.addEventListener('abort', stop, { once: true })
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of source) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      sizeBytes += bytes.byteLength
      if (sizeBytes > MAX_OPML_LENGTH) throw listTooLarge()
      chunks.push(bytes)
    }
    io.signal.throwIfAborted()
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw translate(cause, file)
  } finally {
    io.signal.removeEventListener('abort', stop)
    stop()
  }
}

function listTooLarge(): HyperletterError {
  return new HyperletterError('TOO_LARGE', `The list is longer than ${MAX_OPML_LENGTH} bytes.`, {
    hint: 'Nothing was changed. Split it into several lists.',
  })
}

function translate(cause: unknown, file: string | undefined): unknown {
  if (cause instanceof TypeError) {
    return new HyperletterError('INVALID_INPUT', 'The list is not UTF-8 text.', {
      hint: 'Save it as UTF-8, for example with `iconv -t utf-8`.',
      cause,
    })
  }
  const code = codeOf(cause)
  if (file === undefined || code === undefined || cause instanceof HyperletterError) return cause
  const why = code === 'ENOENT' ? 'There is no such file' : `The file cannot be read (${code})`
  return new HyperletterError('INVALID_INPUT', `${why}: ${file}`, { cause })
}

/** Whether somebody at a terminal can be asked, and wants to be. */
export function canAsk({ io, options }: Context): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true && options.json !== true
}

/**
 * Asks for one line on the terminal. The question goes to stderr, so that stdout stays the result.
 * @returns The answer without surrounding space; undefined if the input ended.
 * @throws the reason of `io.signal` when it is aborted.
 */
export async function ask(
  { stdin, stderr, signal }: Io,
  question: string,
): Promise<string | undefined> {
  signal.throwIfAborted()
  // No terminal mode: the terminal itself edits the line, and Ctrl-C stays a signal.
  const lines = createInterface({ input: stdin, terminal: false })
  try {
    return await new Promise((resolve, reject) => {
      lines.once('line', (line) => resolve(line.trim()))
      lines.once('close', () => resolve(undefined))
      const interrupted = () => {
        // The cursor stands behind the question.
        stderr.write('\n')
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', interrupted, { once: true })
      stderr.write(question)
    })
  } finally {
    lines.close()
  }
}
