import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { MAX_OPML_LENGTH } from '../api/kinds.ts'
import { codeOf, type ErrorCode, HyperletterError, invalidInput } from '../errors.ts'
import { MAX_BODY_BYTES } from '../format/records/bodies.ts'
import type { Context, Io } from './context.ts'

/**
 * Reads a draft from standard input, never more than an issue may hold.
 * @throws TOO_LARGE over 2 MiB; INVALID_DRAFT if it is not UTF-8; ABORTED.
 */
export async function readDraft({ io, out }: Context): Promise<string> {
  if (io.stdin.isTTY === true)
    await out.note('Type the issue; end it with Ctrl-D on an empty line.')
  const bytes = await readAll(io.stdin, io.signal, MAX_BODY_BYTES, () => {
    const message = `The draft is longer than ${MAX_BODY_BYTES} bytes, the limit of an issue.`
    return new HyperletterError('TOO_LARGE', message, {
      hint: 'Split it into several issues, or attach images as files.',
    })
  })
  return decoded(bytes, 'INVALID_DRAFT', 'draft')
}

/** Far more than 24 words with generous white space. */
const MAX_PHRASE_BYTES = 4_096

/**
 * Reads a recovery phrase: asked for on a terminal, else all of standard input. Never from an argument,
 * which other users of the machine and the history of the shell would see.
 * @throws INVALID_INPUT if there is none; ABORTED. Whether the words are right is checked elsewhere.
 */
export async function readPhrase({ io, out }: Context): Promise<string> {
  let phrase: string | undefined
  if (io.stdin.isTTY === true) {
    await out.note('Recovery phrase of the newsletter (24 words on one line):')
    phrase = await ask(io, '  Words: ')
  } else {
    const bytes = await readAll(io.stdin, io.signal, MAX_PHRASE_BYTES, () => {
      return invalidInput('That is too long for a recovery phrase.')
    })
    phrase = bytes.toString('utf8').trim()
  }
  if (phrase !== undefined && phrase !== '') return phrase
  throw invalidInput('No recovery phrase was given.', {
    hint: 'Type its 24 words when asked, or pipe them in: hyperletter … < words.txt',
  })
}

/**
 * Reads a list of newsletters, of at most as many bytes as an OPML list may have.
 * @param file Absolute path; standard input when absent.
 * @throws TOO_LARGE, INVALID_INPUT if it cannot be read or is not UTF-8; ABORTED.
 */
export async function readList({ io }: Context, file?: string): Promise<string> {
  const source = file === undefined ? io.stdin : createReadStream(file)
  const tooLarge = () =>
    new HyperletterError('TOO_LARGE', `The list is longer than ${MAX_OPML_LENGTH} bytes.`, {
      hint: 'Nothing was changed. Split it into several lists.',
    })
  const bytes = await readAll(source, io.signal, MAX_OPML_LENGTH, tooLarge).catch(
    (cause: unknown) => {
      const code = codeOf(cause)
      if (file === undefined || code === undefined || cause instanceof HyperletterError) throw cause
      const why = code === 'ENOENT' ? 'There is no such file' : `The file cannot be read (${code})`
      throw invalidInput(`${why}: ${file}`, { cause })
    },
  )
  return decoded(bytes, 'INVALID_INPUT', 'list')
}

/** All bytes of a stream, which is ended in any case. Throws `tooLarge` once there are more than `maxBytes`. */
async function readAll(
  source: AsyncIterable<string | Uint8Array>,
  signal: AbortSignal,
  maxBytes: number,
  tooLarge: () => HyperletterError,
): Promise<Buffer> {
  const stop = () => (source as Partial<{ destroy(): void }>).destroy?.()
  signal.throwIfAborted()
  signal.addEventListener('abort', stop, { once: true })
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of source) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      sizeBytes += bytes.byteLength
      if (sizeBytes > maxBytes) throw tooLarge()
      chunks.push(bytes)
    }
    signal.throwIfAborted()
    return Buffer.concat(chunks)
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
}

function decoded(bytes: Buffer, code: ErrorCode, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new HyperletterError(code, `The ${what} is not UTF-8 text.`, {
      hint: 'Save it as UTF-8, for example with `iconv -t utf-8`.',
      cause,
    })
  }
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
export async function ask(io: Io, question: string): Promise<string | undefined> {
  const { stdin, stderr, signal } = io
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

/** Asks a question that is answered with yes or no. */
export async function agrees(io: Io, question: string): Promise<boolean> {
  return /^y(?:es)?$/i.test((await ask(io, `${question} (yes/no) `)) ?? '')
}
