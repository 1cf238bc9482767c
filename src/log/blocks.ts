import Hypercore, { type ActiveRequests } from 'hypercore'
import { codeOf, HyperletterError } from '../errors.ts'
import { translateStorageError } from '../storage-errors.ts'
import { anySignal } from '../within.ts'

/** How a block may be obtained. */
export interface ReadOptions {
  /** False: only from this machine. */
  readonly wait?: boolean
  /** How long to wait for a peer, for each block. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

/** How long a reader waits for one block from peers, unless it says otherwise. */
export const DEFAULT_BLOCK_TIMEOUT_MS = 15_000

/**
 * One block, from disk or from a peer. Hypercore has verified it against the signed tree before it
 * hands it out.
 * @throws NOT_AVAILABLE if no peer delivers it in time, ABORTED.
 */
export async function readBlock(
  core: Hypercore,
  index: number,
  { wait = true, timeoutMs = DEFAULT_BLOCK_TIMEOUT_MS, signal }: ReadOptions = {},
): Promise<Uint8Array> {
  if (signal?.aborted) throw new HyperletterError('ABORTED', 'Interrupted.')
  const activeRequests: ActiveRequests = []
  const forget = cancelOnAbort(activeRequests, signal)
  try {
    const block = await core.get(index, { wait, timeout: timeoutMs, activeRequests })
    if (block !== null) return block
    throw new HyperletterError('NOT_AVAILABLE', `Block ${index} is not on this machine.`)
  } catch (error) {
    throw translate(error, index)
  } finally {
    forget()
  }
}

/** Blocks `start` to `end` (exclusive) in order; all are asked for at once, and given up together. */
export async function readBlocks(
  core: Hypercore,
  start: number,
  end: number,
  { signal, ...options }: ReadOptions = {},
): Promise<Uint8Array[]> {
  const failed = new AbortController()
  const either = anySignal(failed.signal, signal)
  const reads = Array.from({ length: end - start }, (_, i) =>
    readBlock(core, start + i, { ...options, signal: either }),
  )
  try {
    return await Promise.all(reads)
  } catch (error) {
    failed.abort()
    throw error
  }
}

/** Resolves when a log has a block; at once if it has. Rejects with the reason of the signal. */
export async function firstBlock(core: Hypercore, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (core.length > 0) return
  await new Promise<void>((resolve, reject) => {
    const onAppend = () => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }
    const onAbort = () => {
      core.off('append', onAppend)
      reject(signal.reason as Error)
    }
    core.once('append', onAppend)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** Whether blocks on this machine hash up to the tree that the feed key signed. False too for some that are not here. */
export async function verifyBlocks(
  core: Hypercore,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<boolean> {
  const upgrade = { start: 0, length: core.length }
  try {
    for (let index = start; index < end; index++) {
      const proof = await core.proof({ block: { index, nodes: 0 }, upgrade })
      await core.verifyFullyRemote({ ...proof, manifest: core.manifest })
    }
    return true
  } catch {
    return false
  }
}

/** Reads under way, by the signal that cancels them: one listener a signal, however many blocks. */
const reads = new WeakMap<AbortSignal, Set<ActiveRequests>>()

function cancelOnAbort(requests: ActiveRequests, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => undefined
  let running = reads.get(signal)
  if (running === undefined) {
    running = new Set()
    reads.set(signal, running)
    const all = running
    // Not `core.clearRequests`: that misses a request made in the same tick.
    signal.addEventListener('abort', () => all.forEach((it) => Hypercore.destroyRequests(it)), {
      once: true,
    })
  }
  running.add(requests)
  return () => running.delete(requests)
}

function translate(error: unknown, index: number): unknown {
  switch (codeOf(error)) {
    case 'REQUEST_TIMEOUT':
      return new HyperletterError(
        'NOT_AVAILABLE',
        `No reachable peer delivered block ${index} in time.`,
      )
    case 'REQUEST_CANCELLED':
      return new HyperletterError('ABORTED', 'Interrupted.', { cause: error })
    default:
      return translateStorageError(error)
  }
}
