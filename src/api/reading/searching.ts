import type { Engine } from '../../engine/engine.ts'
import type { Output, ParsedInput, CallOptions } from '../contract/contract.ts'
import type { Searcher } from './search/searcher.ts'

// An engine that is never asked pays nothing: neither code nor index is loaded before.
const searchers = new WeakMap<Engine, Promise<Searcher>>()

/**
 * Issues on this machine that a query finds, best first. What arrived since the last search is taken
 * into the index first.
 * @throws INVALID_INPUT if there is no word in the query.
 */
export async function search(
  engine: Engine,
  input: ParsedInput<'search'>,
  options: CallOptions,
): Promise<Output<'search'>> {
  let searcher = searchers.get(engine)
  if (searcher === undefined) {
    searcher = import('./search/searcher.ts').then((it) => it.Searcher.open(engine))
    searchers.set(engine, searcher)
    searcher.catch(() => searchers.delete(engine))
  }
  return (await searcher).search(input, options)
}
