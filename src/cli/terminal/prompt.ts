import { createInterface } from 'node:readline'
import type { Io } from '../context.ts'

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
