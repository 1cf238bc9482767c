import { includes, type BlockRange } from '../../format/block-ranges.ts'
import { equal } from '../../format/bytes.ts'
import type { Log, LogPeer, SignedTree, TreeNode } from '../../format/log.ts'
import type { KnownNodes } from '../../log/internals/known-nodes.ts'
import type { CheckedHead } from '../../log/internals/log-heads.ts'
import { rootsOf, storeFrom } from '../../log/internals/runs.ts'
import type { CheckedRun } from '../../log/internals/stored-runs.ts'

/** Bytes that are stored in one write, and that wait for it before nothing more is asked for. */
const WRITE_BYTES = 2 * 1024 * 1024
const MAX_WAITING_BYTES = 4 * 1024 * 1024

/** A run that is checked, and not stored yet. */
export interface Arrived {
  readonly peer: LogPeer
  readonly range: BlockRange
  readonly atMs: number
  readonly run: CheckedRun
  readonly bytes: number
}

export interface RunWriterOptions {
  readonly log: Log
  readonly nodes: KnownNodes
  /** Something was stored, or will not be. */
  readonly onRoom: () => void
  /** What a peer sent could not be stored. */
  readonly onFailure: (peer: LogPeer) => void
}

/** Stores runs of one log in the order in which they arrived, several in one write. */
export class RunWriter {
  readonly #options: RunWriterOptions
  #arrived: readonly Arrived[] = []
  #isWriting = false

  constructor(options: RunWriterOptions) {
    this.#options = options
  }

  /** Whether nothing more should be asked for until something is stored. */
  get isFull(): boolean {
    return this.#arrived.reduce((sum, { bytes }) => sum + bytes, 0) >= MAX_WAITING_BYTES
  }

  /** Which run a block is part of that is not stored yet. */
  over(index: number): Arrived | undefined {
    return this.#arrived.find(({ range }) => includes(range, index))
  }

  add(arrived: Arrived): void {
    this.#arrived = [...this.#arrived, arrived]
    void this.#write()
  }

  /**
   * Takes a signed tree, and then runs of it, if the log is empty or has that tree already. They count as arrived before
   * anybody hears that the log has blocks.
   */
  async begin(peer: LogPeer, { tree, runs }: CheckedHead): Promise<void> {
    const { log } = this.#options
    const atMs = Date.now()
    const arrived = runs.map((run) => {
      const range = { start: run.start, end: run.start + run.items.length }
      return { peer, range, atMs, run, bytes: 0 }
    })
    this.#arrived = [...this.#arrived, ...arrived]
    try {
      if (log.length === 0) await log.extend(tree)
    } catch (error) {
      this.#fail(peer, error)
    }
    if (hasTree(log, tree)) await this.#write()
    else this.#forget(arrived)
  }

  /** Forgets what is not being stored. */
  clear(): void {
    this.#arrived = []
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return
    this.#isWriting = true
    while (this.#arrived.length > 0) {
      const batch = firstOf(this.#arrived, WRITE_BYTES)
      const [{ peer }] = batch
      await this.#store(peer, batch)
      this.#forget(batch)
    }
    this.#isWriting = false
  }

  async #store(peer: LogPeer, batch: readonly Arrived[]): Promise<void> {
    const { log, nodes } = this.#options
    try {
      const runs = batch.map(({ run }) => run)
      await storeFrom(log, peer, runs)
      for (const { range, run } of batch) nodes.noteRun(range, run.nodes)
    } catch (error) {
      this.#fail(peer, error)
    }
  }

  #forget(them: readonly Arrived[]): void {
    this.#arrived = this.#arrived.filter((it) => !them.includes(it))
    this.#options.onRoom()
  }

  #fail(peer: LogPeer, error: unknown): void {
    const { log, onFailure } = this.#options
    onFailure(peer)
    if (log.isOpen) log.events.emit('bad-block', error as Error, peer, false)
  }
}

function hasTree(log: Log, { nodes }: SignedTree): boolean {
  const roots = rootsOf(log)
  const isRoot = ({ index, hash }: TreeNode, i: number) =>
    roots[i]?.index === index && equal(roots[i].hash, hash)
  return roots.length === nodes.length && nodes.every(isRoot)
}

/** Runs of one peer, as many as go into one write. */
function firstOf(arrived: readonly Arrived[], mostBytes: number): [Arrived, ...Arrived[]] {
  const [first, ...others] = arrived as [Arrived, ...Arrived[]]
  const batch: [Arrived, ...Arrived[]] = [first]
  let bytes = first.bytes
  for (const it of others) {
    bytes += it.bytes
    if (it.peer !== first.peer || bytes > mostBytes) break
    batch.push(it)
  }
  return batch
}
