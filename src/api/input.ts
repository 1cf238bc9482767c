import { HyperletterError } from '../errors.ts'
import { contract, type OperationName, type ParsedInput } from './contract/contract.ts'

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
