import type { Engine } from '../engine/engine.ts'
import { HyperletterError } from '../errors.ts'
import { translateStorageError } from '../storage-errors.ts'
import {
  contract,
  type CallOptions,
  type OperationName,
  type Operations,
  type Output,
  type ParsedInput,
} from './contract.ts'
import { exportBundle, importBundle } from './bundling.ts'
import { amendIssue, retractIssue } from './correcting.ts'
import { diagnose } from './diagnosing/diagnose.ts'
import { explainNewsletter } from './diagnosing/explain.ts'
import { measure } from './diagnosing/measure.ts'
import { importFolder } from './importing.ts'
import { importOpml } from './importing-opml.ts'
import { keepNewsletter } from './keeping.ts'
import { listInbox, listIssues, listNewsletters } from './listing.ts'
import { createNewsletter, publishIssue } from './publishing.ts'
import { markIssue, markIssues } from './marking.ts'
import { readAttachment, readIssue } from './reading.ts'
import { previewNewsletter } from './previewing.ts'
import { search } from './searching.ts'
import { repairNewsletter } from './repairing.ts'
import { restoreNewsletter } from './restoring.ts'
import { seed, unseed } from './seeding.ts'
import { status } from './status.ts'
import { followSync, subscribe, unsubscribe } from './subscribing.ts'
import { acceptSuccession, succeedNewsletter, takeNotices } from './succeeding.ts'
import { watchIssues } from './watching.ts'

type Implementation<N extends OperationName> = (
  engine: Engine,
  input: ParsedInput<N>,
  options: CallOptions,
) => Promise<Output<N>> | AsyncIterable<Output<N>>

type Implementations = { readonly [N in OperationName]: Implementation<N> }

/**
 * The operations of one engine. Inputs are validated here too: callers in this process are no more
 * trusted than those on the socket. Whatever fails, fails with a HyperletterError.
 * @param via what `status` says of where the work runs.
 */
export function bindOperations(engine: Engine, via: 'daemon' | 'engine'): Operations {
  const implementations: Implementations = {
    createNewsletter,
    publishIssue,
    amendIssue,
    retractIssue,
    importFolder,
    restoreNewsletter,
    repairNewsletter,
    exportBundle,
    importBundle,
    previewNewsletter,
    subscribe,
    importOpml,
    unsubscribe,
    seed,
    unseed,
    keepNewsletter,
    followSync,
    listNewsletters,
    listIssues,
    listInbox,
    search,
    readIssue,
    readAttachment,
    markIssue,
    markIssues,
    succeedNewsletter,
    acceptSuccession,
    takeNotices,
    watchIssues,
    status: () => status(engine, via),
    diagnose,
    measure,
    explainNewsletter,
  }
  const names = Object.keys(contract) as OperationName[]
  const bound = names.map((name) => [name, bind(engine, name, implementations[name])])
  // The loop gives every name its own implementation; TypeScript cannot follow it.
  return Object.fromEntries(bound) as Operations
}

/** The input of an operation, validated. @throws INVALID_INPUT naming the field */
export function parseInput<N extends OperationName>(name: N, input: unknown): ParsedInput<N> {
  const parsed = contract[name].input.safeParse(input, { jitless: true })
  if (parsed.success) return parsed.data as ParsedInput<N>
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') || 'input'
  throw new HyperletterError(
    'INVALID_INPUT',
    `${name}: ${field}: ${issue?.message ?? 'not valid'}.`,
  )
}

function bind(engine: Engine, name: OperationName, implementation: unknown) {
  const work = implementation as (
    engine: Engine,
    input: unknown,
    options: CallOptions,
  ) => Promise<unknown> & AsyncIterable<unknown>
  if (contract[name].kind === 'value') {
    return async (input: unknown, options: CallOptions = {}) => {
      const end = engine.use.begin()
      try {
        assertGoesOn(options)
        return await work(engine, parseInput(name, input), options)
      } catch (error) {
        throw failure(error, options)
      } finally {
        end()
      }
    }
  }
  return async function* stream(input: unknown, options: CallOptions = {}) {
    // A watch lasts for months, and gets what it needs each time anew.
    const end = name === 'watchIssues' ? () => undefined : engine.use.begin()
    try {
      assertGoesOn(options)
      yield* work(engine, parseInput(name, input), options)
    } catch (error) {
      throw failure(error, options)
    } finally {
      end()
    }
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
