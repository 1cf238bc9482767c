import type { Engine } from '../engine/engine.ts'
import { HyperletterError } from '../errors.ts'
import { translateStorageError } from '../storage-errors.ts'
import type { CallOptions, Operations, Via } from './contract/contract.ts'
import { implementations } from './implementations.ts'
import type { parseInput as parse } from './input.ts'
import { OPERATION_KINDS, type OperationName } from './kinds.ts'
import { loadOwn } from './loading.ts'

/**
 * The operations of one engine. Inputs are validated here too: callers in this process are no more
 * trusted than those on the socket. Whatever fails, fails with a HyperletterError.
 * @param via what `status` says of where the work runs.
 */
export function bindOperations(engine: Engine, via: Via): Operations {
  const names = Object.keys(OPERATION_KINDS) as OperationName[]
  const bound = names.map((name) => [name, bind(engine, name, via)])
  // The loop gives every name its own implementation; TypeScript cannot follow it.
  return Object.fromEntries(bound) as Operations
}

type Work = (
  engine: Engine,
  input: unknown,
  options: CallOptions & { readonly via: Via },
) => Promise<unknown> & AsyncIterable<unknown>

function bind(engine: Engine, name: OperationName, via: Via) {
  const load = codeOf(name)
  if (OPERATION_KINDS[name] === 'value') {
    return async (input: unknown, options: CallOptions = {}) => {
      try {
        const { work, parseInput } = await load()
        assertGoesOn(options)
        return await work(engine, parseInput(name, input), { ...options, via })
      } catch (error) {
        throw failure(error, options)
      }
    }
  }
  return async function* stream(input: unknown, options: CallOptions = {}) {
    try {
      const { work, parseInput } = await load()
      assertGoesOn(options)
      yield* work(engine, parseInput(name, input), { ...options, via })
    } catch (error) {
      throw failure(error, options)
    }
  }
}

// Loaded once for each operation; what could not be loaded is tried again.
function codeOf(name: OperationName) {
  let loaded: { readonly work: Work; readonly parseInput: typeof parse } | undefined
  return async () => {
    loaded ??= await loadOwn(async () => {
      const [work, { parseInput }] = await Promise.all([
        implementations[name]() as Promise<unknown>,
        import('./input.ts'),
      ])
      return { work: work as Work, parseInput }
    })
    return loaded
  }
}

// Over the socket such a request is never sent.
function assertGoesOn({ signal }: CallOptions): void {
  if (signal?.aborted === true) throw new HyperletterError('ABORTED', 'Interrupted.')
}

// Whatever an aborted operation fails with, it fails because it was aborted.
function failure(cause: unknown, { signal }: CallOptions): HyperletterError {
  if (signal?.aborted === true) return new HyperletterError('ABORTED', 'Interrupted.', { cause })
  return HyperletterError.from(translateStorageError(cause))
}
