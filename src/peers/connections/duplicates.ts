import { Socket } from 'node:net'
import type { Connection } from 'hyperswarm'

/** One of two connections to the same peer, as far as it matters which of them stays. */
export interface Rival {
  readonly isTcp: boolean
  /** Whether this device called. */
  readonly isInitiator: boolean
}

/**
 * What becomes of a connection to a peer to whom there is one already: it takes its place, goes away, waits
 * whether the other one is still alive, or the stack decides.
 */
export type Verdict = 'replace' | 'refuse' | 'wait' | 'stack'

/** Two who call each other at the same moment are through by then. */
const SAME_MOMENT_MS = 3_000

/** Whether a connection runs over TCP, in the local network. */
export function isOverTcp({ rawStream }: Pick<Connection, 'rawStream'>): boolean {
  return rawStream instanceof Socket
}

/**
 * Decides between two connections to one peer so that both sides keep the same one. TCP goes before UDX. Nobody
 * calls over a way that leads to the peer already, so who calls all the same has lost what there was, unless
 * both called at the same moment: then the call of the greater key counts.
 * @param ageMs how long the present one is there.
 */
export function resolveDuplicate(
  present: Rival & { readonly ageMs: number },
  coming: Rival,
  hasGreaterKey: boolean,
): Verdict {
  if (!present.isTcp && !coming.isTcp) return 'stack'
  if (!present.isTcp) return 'replace'
  if (!coming.isTcp) return 'wait'
  const isLost = present.isInitiator === coming.isInitiator || present.ageMs > SAME_MOMENT_MS
  if (isLost) return coming.isInitiator ? 'refuse' : 'replace'
  return coming.isInitiator === hasGreaterKey ? 'replace' : 'refuse'
}
