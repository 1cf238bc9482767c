import { HyperletterError } from '../errors.ts'

/**
 * `INVALID_DRAFT` with words for the author.
 * @param line Line of the file, from 1, where the mistake is.
 */
export function invalidDraft(
  message: string,
  details: { line?: number | undefined; hint?: string; cause?: unknown } = {},
): HyperletterError {
  const { line, hint, cause } = details
  const text = line === undefined ? message : `Line ${line}: ${message}`
  return new HyperletterError(
    'INVALID_DRAFT',
    text,
    hint === undefined ? { cause } : { hint, cause },
  )
}
