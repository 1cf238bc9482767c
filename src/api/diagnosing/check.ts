import { orAborted } from '../../async.ts'
import { defined } from '../../defined.ts'
import type { Output } from '../contract/contract.ts'

export type Check = Output<'diagnose'>['checks'][number]

export function ok(name: string, message: string): Check {
  return { name, state: 'ok', message }
}

export function warning(name: string, message: string, next?: string): Check {
  return { name, state: 'warning', message, ...defined({ next }) }
}

export function failed(name: string, message: string, next?: string): Check {
  return { name, state: 'failed', message, ...defined({ next }) }
}

/** The result of a check, or that it could not be made: in time, or at all. */
export async function within(
  name: string,
  timeoutMs: number,
  make: (signal: AbortSignal) => Promise<Check | readonly Check[]>,
): Promise<readonly Check[]> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    return [await orAborted(make(signal), signal)].flat()
  } catch (error) {
    if (error === signal.reason) return [warning(name, `No answer within ${timeoutMs / 1_000} s.`)]
    return [failed(name, `This could not be looked at: ${(error as Error).message}`)]
  }
}
