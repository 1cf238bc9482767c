import { HyperletterError } from '../errors.ts'
import type { Context } from './context.ts'

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
  const { ask } = await import('./terminal/prompt.ts')
  await out.note('The recovery phrase of the newsletter: 24 words with spaces, on one line.')
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
