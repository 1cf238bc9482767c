import { expect } from 'vitest'
import type { ErrorCode, HyperletterError } from '../../src/errors.ts'

/** Asserts that `work` fails with a HyperletterError of this code, and gives the error. */
export async function expectCode(
  work: Promise<unknown>,
  code: ErrorCode,
): Promise<HyperletterError> {
  const error = await work.then(
    (value) => new Error(`nothing failed; the result is ${String(value)}`),
    (reason: unknown) => reason,
  )
  // Rethrown, for its stack says more than a comparison.
  if (!isOurs(error)) throw error
  expect(error.code).toBe(code)
  return error
}

// By its name: a test that loads modules anew has the class twice.
function isOurs(error: unknown): error is HyperletterError {
  return error instanceof Error && error.name === 'HyperletterError'
}
