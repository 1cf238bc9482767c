import { expect } from 'vitest'
import { HyperletterError, type ErrorCode } from '../../src/errors.ts'
import { contract, type OperationName, type Operations } from '../../src/api/contract/contract.ts'
import { callByName, mapOperations } from '../../src/api/map-operations.ts'

/** The same operations, with every result held against the contract: a field too many fails too. */
export function checked(operations: Operations): Operations {
  return mapOperations((name, input, options) => ({
    run: () => check(name, callByName(operations, name, input, options)),
    failure: (error) => error,
  }))
}

function check(name: OperationName, results: Promise<unknown> | AsyncIterable<unknown>) {
  const { kind, output } = contract[name]
  const assertShape = (result: unknown) => {
    const parsed = output.safeParse(result)
    expect(parsed.error, `${name} gives what the contract says`).toBeUndefined()
    if (kind !== 'bytes') expect(parsed.data).toStrictEqual(result)
    return result
  }
  if (results instanceof Promise) return results.then(assertShape)
  return (async function* parts() {
    for await (const part of results) yield assertShape(part)
  })()
}

/** Everything that an operation of kind `events` or `bytes` gives. */
export async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const it of results) found.push(it)
  return found
}

/** The events of one sort among `events`. */
export function only<E extends { event: string }, K extends E['event']>(
  events: readonly E[],
  event: K,
): Extract<E, { event: K }>[] {
  return events.filter((it): it is Extract<E, { event: K }> => it.event === event)
}

/** The one and only element. */
export function single<T>(found: readonly T[]): T {
  expect(found).toHaveLength(1)
  return found[0] as T
}

/** Waits for an operation, or runs it to its end, and gives the error that it must fail with. */
export async function failureOf(
  result: Promise<unknown> | AsyncIterable<unknown>,
): Promise<HyperletterError> {
  try {
    await (Symbol.asyncIterator in result ? all(result) : result)
  } catch (error) {
    if (error instanceof HyperletterError) return error
    throw error
  }
  throw new Error('It did not fail.')
}

/** An error as people meet it: its code, words to act on, and nothing of how the program is made. */
export async function expectFailure(
  code: ErrorCode,
  result: Promise<unknown> | AsyncIterable<unknown>,
): Promise<HyperletterError> {
  const error = await failureOf(result)
  const { message } = error
  expect({ code: error.code, message }).toStrictEqual({ code, message })
  expect(error.message).not.toBe('')
  expect(JSON.stringify(error)).not.toMatch(/node_modules|\.[jt]s:\d|\n\s+at /)
  return error
}
