import Hypercore, { type ActiveRequests, type Manifest, type Proof } from 'hypercore'
import { codeOf, HyperletterError } from '../errors.ts'
import type { BlockRange } from '../format/block-ranges.ts'
import {
  DEFAULT_BLOCK_TIMEOUT_MS,
  LogEvents,
  notHere,
  type Fetch,
  type Log,
  type LogPeer,
  type LogTree,
  type ReadOptions,
  type ProvenBlocks,
  type SignedTree,
  type TreeNode,
} from '../format/log.ts'
import { onStore, translateStorageError } from '../storage-errors.ts'
import { peerOf } from './hypercore-peer.ts'
import { internalsOf, tolerateClose } from './internals/internals.ts'
import { dropBlocks, rangeBytes } from './internals/stored-blocks.ts'
import { storeProven } from './internals/stored-runs.ts'
import { asBuffer, manifestOf } from './keys.ts'

/** History is append-only for readers: a core that was cut back and rewritten is not adopted. */
export const LOG_OPTIONS = { allowFork: false }

export class HypercoreLog implements Log {
  readonly events = new LogEvents()
  readonly key: Uint8Array
  readonly discoveryKey: Uint8Array
  readonly core: Hypercore

  private constructor(core: Hypercore, key: Uint8Array, discoveryKey: Uint8Array) {
    this.core = core
    this.key = key
    this.discoveryKey = discoveryKey
    dispatch(core, this.events)
    tolerateClose(core)
  }

  /** @param core a session of its own, which `close` closes; closed if it cannot be opened. */
  static async open(core: Hypercore): Promise<HypercoreLog> {
    try {
      await onStore(() => core.ready())
      const { key, discoveryKey } = core
      if (key !== null && discoveryKey !== null) return new HypercoreLog(core, key, discoveryKey)
      throw new HyperletterError('INTERNAL', 'The core has no key.')
    } catch (error) {
      await core.close()
      throw error
    }
  }

  get length(): number {
    return this.core.length
  }

  get byteLength(): number {
    return this.core.byteLength
  }

  get contiguousLength(): number {
    return this.core.contiguousLength
  }

  get writable(): boolean {
    return this.core.writable
  }

  get isOpen(): boolean {
    return this.core.closing === null
  }

  get peers(): readonly LogPeer[] {
    return this.core.peers.map(peerOf)
  }

  get publicKey(): Uint8Array | undefined {
    return this.core.manifest?.signers[0]?.publicKey
  }

  async read(
    index: number,
    { wait = true, timeoutMs = DEFAULT_BLOCK_TIMEOUT_MS, signal }: ReadOptions = {},
  ): Promise<Uint8Array> {
    if (signal?.aborted) throw new HyperletterError('ABORTED', 'Interrupted.')
    const activeRequests: ActiveRequests = []
    const forget = cancelOnAbort(activeRequests, signal)
    const options = { wait, timeout: timeoutMs, activeRequests }
    try {
      const block = await this.core.get(index, options)
      if (block !== null) return block
      throw notHere(index)
    } catch (error) {
      throw translateReadError(error, index)
    } finally {
      forget()
    }
  }

  fetch({ start, end }: BlockRange): Fetch {
    return this.core.download({ start, end: end === Infinity ? -1 : end })
  }

  has({ start, end }: BlockRange): Promise<boolean> {
    return onStore(() => this.core.has(start, end))
  }

  countHeld({ start, end }: BlockRange): number {
    // The bitfield behind `has` counts in one pass; a walk with `has` would take a call a block.
    const { bitfield } = internalsOf(this.core)
    return bitfield.countSet(start, Math.min(end, this.core.length) - start)
  }

  missingIn({ start, end }: BlockRange, most: number): number[] {
    const { bitfield } = internalsOf(this.core)
    const missing: number[] = []
    for (let index = start; index < end && missing.length <= most; index++) {
      if (!bitfield.get(index)) missing.push(index)
    }
    return missing
  }

  rangeBytes(range: BlockRange): Promise<number | undefined> {
    return rangeBytes(this.core, range)
  }

  async verify({ start, end }: BlockRange): Promise<boolean> {
    const { core } = this
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

  treeHash(length?: number): Promise<Uint8Array> {
    return onStore(() => this.core.treeHash(length))
  }

  async append(blocks: readonly Uint8Array[]): Promise<void> {
    await onStore(() => this.core.append(blocks))
  }

  drop(range: BlockRange): Promise<void> {
    return dropBlocks(this.core, range)
  }

  async update(): Promise<void> {
    // A writable core asks for a longer log only when it is told to.
    await onStore(() => this.core.update({ force: true, wait: true }))
  }

  async cutBack(length: number): Promise<void> {
    await onStore(() => this.core.truncate(length, { fork: 0 }))
  }

  join(other: Log): () => void {
    if (!(other instanceof HypercoreLog)) throw new TypeError('Only logs of stores can be joined.')
    const [here, there] = [this.core.replicate(true), other.core.replicate(false)]
    // Ending it is enough for both.
    for (const it of [here, there]) it.on('error', () => undefined)
    here.pipe(there).pipe(here)
    return () => {
      here.destroy()
      there.destroy()
    }
  }

  close(): Promise<void> {
    return this.core.close()
  }

  async readStored(index: number): Promise<Uint8Array | undefined> {
    return (await onStore(() => this.core.get(index, { raw: true, wait: false }))) ?? undefined
  }

  async leaf(index: number): Promise<TreeNode | undefined> {
    const request = { hash: { index: 2 * index, nodes: 0 } }
    const proof = await this.core.proof(request).catch(() => undefined)
    return proof?.hash?.nodes[0]
  }

  async tree(length: number): Promise<LogTree> {
    const { upgrade, fork } = await onStore(() =>
      this.core.proof({ upgrade: { start: 0, length } }),
    )
    if (upgrade === null) throw new HyperletterError('INTERNAL', 'The log has no tree.')
    return { roots: upgrade.nodes, signature: upgrade.signature, fork }
  }

  extend(tree: SignedTree): Promise<boolean> {
    return onStore(() => this.core.applyProof(proofOf(tree, this.core.manifest)))
  }

  store(blocks: ProvenBlocks): Promise<number> {
    return onStore(() => storeProven(this.core, blocks))
  }
}

function dispatch(core: Hypercore, events: LogEvents): void {
  core.on('append', () => events.emit('append'))
  core.on('truncate', () => events.emit('truncate'))
  core.on('close', () => events.emit('close'))
  core.on('conflict', (length, fork) => {
    // Or it would not serve a block before the next start.
    internalsOf(core).header.frozen = false
    events.emit('conflict', length, fork)
  })
  core.on('peer-add', (peer) => events.emit('peer-add', peerOf(peer)))
  core.on('peer-remove', (peer) => events.emit('peer-remove', peerOf(peer)))
  core.on('upload', (index, sizeBytes, to) => events.emit('upload', index, sizeBytes, peerOf(to)))
  core.on('download', (index, sizeBytes, from, request) => {
    const { elapsed } = (request ?? {}) as { elapsed?: number }
    events.emit('download', index, sizeBytes, peerOf(from), elapsed)
  })
  core.on('verification-error', (error, _request, response, from) => {
    const growsLog = (response as { upgrade?: unknown }).upgrade != null
    events.emit('bad-block', translateStorageError(error) as Error, peerOf(from), growsLog)
  })
  core.on('invalid-request', (_error, _request, from) => events.emit('bad-request', peerOf(from)))
}

/** The core behind a log. */
export function hypercoreOf(log: Log): Hypercore {
  if (log instanceof HypercoreLog) return log.core
  throw new TypeError('Not a log of a store.')
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

function translateReadError(error: unknown, index: number): unknown {
  switch (codeOf(error)) {
    case 'REQUEST_TIMEOUT':
      const message = `No reachable peer delivered block ${index} in time.`
      return new HyperletterError('NOT_AVAILABLE', message)
    case 'REQUEST_CANCELLED':
      return new HyperletterError('ABORTED', 'Interrupted.', { cause: error })
    default:
      return translateStorageError(error)
  }
}

function proofOf(tree: SignedTree, manifest: Manifest | null): Proof {
  const { start, length } = tree
  const nodes = [...tree.nodes]
  const signature = asBuffer(tree.signature)
  return {
    fork: 0,
    block: null,
    hash: null,
    seek: null,
    upgrade: { start, length, nodes, additionalNodes: [], signature },
    manifest: manifest ?? manifestOf(tree.publicKey),
  }
}
