import { createReadStream } from 'node:fs'
import { codeOf, HyperletterError } from '../errors.ts'
import { MAX_OPML_LENGTH } from '../api/contract/limits.ts'
import type { Context } from './context.ts'

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
      if (sizeBytes > MAX_OPML_LENGTH) throw tooLarge()
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

function tooLarge(): HyperletterError {
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
