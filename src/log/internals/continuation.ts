import type { Log, LogPeer } from '../../format/log.ts'
import { hypercoreOf } from '../hypercore-log.ts'
import { replicationPeerOf } from '../hypercore-peer.ts'
import { internalsOf, type CoreInternals, type PeerInternals } from './internals.ts'
import { USES_INTERNALS } from './version.ts'

/** The signed end of a log, as it is stored. */
export interface Head {
  readonly length: number
  readonly byteLength: number
  readonly signature: Uint8Array
}

/** Undefined for a log without blocks. */
export function headOf(log: Log): Head | undefined {
  const { length, byteLength, signature } = internalsOf(hypercoreOf(log)).state
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
export function judge(log: Log, continuation: Continuation): 'signed' | 'forged' | 'elsewhere' {
  const { from, blocks, signature } = continuation
  const inner = internalsOf(hypercoreOf(log))
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
 * Stores a continuation that is `signed`, in one write, and reports to sessions that it came from `peer`.
 * @returns false if the log went on meanwhile; then nothing is stored.
 */
export async function appendSigned(
  log: Log,
  { from, blocks, signature }: Continuation,
  peer: LogPeer,
): Promise<boolean> {
  const { state, replicator } = internalsOf(hypercoreOf(log))
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
    replicator._ondownload(from + i, byteLength, replicationPeerOf(peer), null)
  }
  return true
}

/** Reports to sessions that blocks went to a peer by other means than an answer. */
export function noteUpload(
  log: Log,
  { from, blocks }: Pick<Continuation, 'from' | 'blocks'>,
  peer: LogPeer,
): void {
  const { replicator } = internalsOf(hypercoreOf(log))
  for (const [i, { byteLength }] of blocks.entries()) {
    replicator._onupload(from + i, byteLength, replicationPeerOf(peer))
  }
}

/** Has what Hypercore sends about an append wait for what `send` sends, and go with it, until the returned function is called. */
export function sendBesideAppends(log: Log, send: () => Promise<void>): () => void {
  const inner = internalsOf(hypercoreOf(log))
  const usual = inner.onappend.bind(inner)
  inner.onappend = (...given) => {
    // Those that are there now: others may come or go meanwhile.
    const streams = inner.replicator.peers.map((it) => it.protomux)
    for (const it of streams) it.cork()
    try {
      usual(...given)
    } finally {
      void send().finally(() => streams.forEach((it) => it.uncork()))
    }
  }
  return () => {
    delete (inner as Partial<CoreInternals>).onappend
  }
}

const arriving = new WeakMap<Log, Promise<unknown>>()

/** Blocks of a log came unrequested: until they are stored, no peer is asked for what they bring. `work` never rejects. */
export function noteArriving(log: Log, work: Promise<unknown>): void {
  arriving.set(log, work)
}

/** Resolves when what came unrequested is stored. */
export async function settled(log: Log): Promise<void> {
  await arriving.get(log)
}

/** Has a peer prove what both have of a log; if that is another history, the core reports a conflict. */
export function askForHistory(peer: LogPeer): void {
  ;(replicationPeerOf(peer) as PeerInternals)._checkIfConflict()
}

/** Whether a peer has all of a log up to `length`, and no more, as far as it said or was sent. */
export function isAt(log: Log, peer: LogPeer, length: number, pushed = 0): boolean {
  const { remoteSynced, remoteFork, remoteLength, remoteDownloading } = replicationPeerOf(peer)
  if (!remoteSynced || !remoteDownloading || remoteFork !== hypercoreOf(log).fork) return false
  return Math.max(remoteLength, pushed) === length
}
