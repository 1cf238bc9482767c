import type { Engine } from '../engine/engine.ts'
import { HyperletterError } from '../errors.ts'
import { translateStorageError } from '../storage-errors.ts'
import type { CallOptions, Operations, Via } from './contract/contract.ts'
import { implementations } from './implementations.ts'
import type { parseInput as parse } from './input.ts'
import type { OperationName } from './kinds.ts'
import { loadOwn } from './loading.ts'
import { mapOperations } from './map-operations.ts'

/**
 * The operations of one engine. Inputs are validated here too: callers in this process are no more
 * trusted than those on the socket. Whatever fails, fails with a HyperletterError.
 * @param via what `status` says of where the work runs.
 */
export function bindOperations(engine: Engine, via: Via): Operations {
  const loaded = new Map<OperationName, Code>()
  return mapOperations(async (name, input, options) => {
    const fails = (error: unknown) => failure(error, options)
    try {
      const code = loaded.get(name) ?? (await loadCode(name))
      loaded.set(name, code)
      assertGoesOn(options)
      const run = () => code.work(engine, code.parseInput(name, input), { ...options, via })
      return { run, failure: fails }
    } catch (error) {
      throw fails(error)
    }
  })
}

/** What an operation needs. Loaded once; what could not be loaded is tried again. */
interface Code {
  readonly work: (
    engine: Engine,
    input: unknown,
    options: CallOptions & { readonly via: Via },
  ) => Promise<unknown> & AsyncIterable<unknown>
  readonly parseInput: typeof parse
}

function loadCode(name: OperationName): Promise<Code> {
  return loadOwn(async () => {
    const [work, { parseInput }] = await Promise.all([
      implementations[name]() as Promise<unknown>,
      import('./input.ts'),
    ])
    return { work: work as Code['work'], parseInput }
  })
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
