import type Hypercore from 'hypercore'
import type { Peer } from 'hypercore'
import { internalsOf, USES_INTERNALS, type PeerInternals } from './internals.ts'

/** The signed end of a log, as it is stored. */
export interface Head {
  readonly length: number
  readonly byteLength: number
  readonly signature: Uint8Array
}

/** Undefined for a log without blocks. */
export function headOf(core: Hypercore): Head | undefined {
  const { length, byteLength, signature } = internalsOf(core).state
  return signature === null ? undefined : { length, byteLength, signature }
}

/** All blocks of a log from `from` on, as they are stored, and the signature over the log that ends with them. */
export interface Continuation {
  readonly from: number
  readonly blocks: readonly Uint8Array[]
  readonly signature: Uint8Array
}

/**
 * What a continuation is to the log that is here. `signed`: it goes on where the log ends, and the key of the log
 * signed it. `forged`: it would, but its key did not. `elsewhere`: that cannot be told.
 */
export function judge(
  core: Hypercore,
  { from, blocks, signature }: Continuation,
): 'signed' | 'forged' | 'elsewhere' {
  const inner = internalsOf(core)
  const { state, header } = inner
  if (!USES_INTERNALS || from === 0 || state.length !== from) return 'elsewhere'
  if (header.manifest === null || header.frozen || inner._repairMode) return 'elsewhere'
  const tree = state.createTreeBatch()
  for (const block of blocks) tree.append(block)
  tree.signature = Buffer.from(signature)
  try {
    inner._verifyBatchUpgrade(tree)
    return 'signed'
  } catch {
    return 'forged'
  }
}

/**
 * Stores a continuation that is `signed`, in one write, and tells sessions that it came from `peer`.
 * @returns false if the log went on meanwhile; then nothing is stored.
 */
export async function appendSigned(
  core: Hypercore,
  { from, blocks, signature }: Continuation,
  peer: Peer,
): Promise<boolean> {
  const { state, replicator } = internalsOf(core)
  let isNext = false
  await state.append(blocks, {
    // Kept with the state: not a view of a whole message.
    signature: Buffer.from(signature),
    maxLength: from + blocks.length,
    preappend: async () => {
      isNext = state.length === from
      if (!isNext) throw new Error('The log was cut back.')
    },
  })
  if (!isNext) return false
  for (const [i, { byteLength }] of blocks.entries()) {
    replicator._ondownload(from + i, byteLength, peer, null)
  }
  return true
}

/** Tells sessions that blocks went to a peer by other means than an answer. */
export function noteUpload(core: Hypercore, { from, blocks }: Continuation, peer: Peer): void {
  const { replicator } = internalsOf(core)
  for (const [i, { byteLength }] of blocks.entries()) {
    replicator._onupload(from + i, byteLength, peer)
  }
}

/** Has a peer prove what both have of a log; if that is another history, the core tells of a conflict. */
export function askForHistory(peer: Peer): void {
  ;(peer as PeerInternals)._checkIfConflict()
}
