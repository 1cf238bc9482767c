import type { CallOptions, OperationName, Operations } from './contract/contract.ts'
import { OPERATION_KINDS } from './kinds.ts'

/** What an operation gives: a promise for kind `value`, else what is to be iterated. */
type Answer = Promise<unknown> | AsyncIterable<unknown>

export interface PreparedCall {
  readonly run: () => Answer
  /** What is thrown in place of an error. */
  readonly failure: (error: unknown) => unknown
  readonly done?: () => void
}

type Prepare = (
  name: OperationName,
  input: unknown,
  options: CallOptions,
) => PreparedCall | Promise<PreparedCall>

/** All operations, each call of which is prepared by `prepare`, whatever kind of result it has. */
export function mapOperations(prepare: Prepare): Operations {
  const names = Object.keys(OPERATION_KINDS) as OperationName[]
  // The loop gives every name its own operation; TypeScript cannot follow it.
  return Object.fromEntries(
    names.map((name) => [name, map(name, prepare)]),
  ) as unknown as Operations
}

/** Calls an operation whose name is known only while running. The input is not checked before. */
export function callByName(
  operations: Operations,
  name: OperationName,
  input: unknown,
  options: CallOptions,
): Answer {
  const operation = operations[name] as (given: unknown, options: CallOptions) => Answer
  return operation(input, options)
}

function map(name: OperationName, prepare: Prepare) {
  if (OPERATION_KINDS[name] === 'value') {
    return async (input: unknown, options: CallOptions = {}) => {
      const { run, failure, done } = await prepare(name, input, options)
      try {
        return await (run() as Promise<unknown>)
      } catch (error) {
        throw await failure(error)
      } finally {
        done?.()
      }
    }
  }
  return async function* stream(input: unknown, options: CallOptions = {}) {
    const { run, failure, done } = await prepare(name, input, options)
    try {
      yield* run() as AsyncIterable<unknown>
    } catch (error) {
      throw await failure(error)
    } finally {
      done?.()
    }
  }
}
