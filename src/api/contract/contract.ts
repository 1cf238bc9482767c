import type { z } from 'zod'
import { defined } from '../../defined.ts'
import { invalidInput } from '../../errors.ts'
import { diagnosingContract } from './diagnosing.ts'
import { followingContract } from './following.ts'
import { lettersContract } from './letters.ts'
import { preservingContract } from './preserving.ts'
import { importingContract } from './importing.ts'
import type { OperationSpec } from './parts.ts'
import { readingContract } from './reading.ts'
import { writingContract } from './writing.ts'
import type { OperationKinds, OperationName } from '../kinds.ts'

export { PROTOCOL_VERSION, type OperationName } from '../kinds.ts'

/**
 * Everything the product can do. The type `Operations` is inferred from this table; the socket server
 * validates with it, and the socket client is made from it by a loop.
 */
export const contract = {
  ...writingContract,
  ...importingContract,
  ...followingContract,
  ...lettersContract,
  ...readingContract,
  ...preservingContract,
  ...diagnosingContract,
} as const satisfies { readonly [N in OperationName]: OperationSpec & { kind: OperationKinds[N] } }

// ── Types inferred from the table ────────────────────────────────────────────────────────────────

export type Contract = typeof contract
export type Input<N extends OperationName> = z.input<Contract[N]['input']>
export type ParsedInput<N extends OperationName> = z.output<Contract[N]['input']>
export type Output<N extends OperationName> = z.output<Contract[N]['output']>

/** Where the work runs. */
export type Via = Output<'status'>['via']

export interface CallOptions {
  /** Aborting it ends the operation with `ABORTED`. */
  readonly signal?: AbortSignal | undefined
}

export type Result<N extends OperationName> = Contract[N]['kind'] extends 'value'
  ? Promise<Output<N>>
  : AsyncIterable<Output<N>>

/** What callers hold, whether the work runs in this process or in the daemon. */
export type Operations = {
  readonly [N in OperationName]: (input: Input<N>, options?: CallOptions) => Result<N>
}

/** The input of an operation, validated; a field of undefined counts as absent. @throws INVALID_INPUT naming the field */
export function parseInput<N extends OperationName>(name: N, input: unknown): ParsedInput<N> {
  const given =
    typeof input === 'object' && input !== null && !Array.isArray(input) ? defined(input) : input
  const parsed = contract[name].input.safeParse(given, { jitless: true })
  if (parsed.success) return parsed.data as ParsedInput<N>
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') || 'input'
  const why = issue?.message ?? 'not valid'
  throw invalidInput(`${name}: ${field}: ${why}.`)
}
