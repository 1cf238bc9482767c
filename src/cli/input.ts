import { MAX_BODY_BYTES } from '../format/records/content.ts'
import { HyperletterError } from '../errors.ts'
import type { Context } from './context.ts'

/**
 * Reads a draft from standard input, never more than an issue may hold.
 * @throws TOO_LARGE over 2 MiB; INVALID_DRAFT if it is not UTF-8; ABORTED.
 */
export async function readDraft({ io, out }: Context): Promise<string> {
  if (io.stdin.isTTY === true) await out.note('Type the issue; Ctrl-D on an empty line ends it.')
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
          { hint: 'Split it into several issues, or attach its pictures as files.' },
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
