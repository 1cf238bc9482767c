import type { Engine } from '../engine/engine.ts'
import type {
  CallOptions,
  Contract,
  OperationName,
  Output,
  ParsedInput,
} from './contract/contract.ts'

/** The work of an operation on an engine, as the contract describes it. */
export type Work<N extends OperationName> = (
  engine: Engine,
  input: ParsedInput<N>,
  options?: CallOptions,
) => Contract[N]['kind'] extends 'value' ? Promise<Output<N>> : AsyncGenerator<Output<N>>
