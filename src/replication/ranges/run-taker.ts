import { noteBuffer } from '../../heap.ts'
import { besideOf } from '../../format/block-run.ts'
import { includes, type BlockRange } from '../../format/block-ranges.ts'
import type { Log, LogPeer, PlacedNode, TreeNode } from '../../format/log.ts'
import type { KnownNodes } from '../../log/internals/known-nodes.ts'
import type { Replication } from '../../log/internals/replication.ts'
import { checkHead, type HeadBlocks } from '../../log/internals/log-heads.ts'
import { checkRun, rootsOf } from '../../log/internals/runs.ts'
import {
  MAX_RUN_BLOCKS,
  MAX_RUN_BYTES,
  NOT_HERE,
  type AskedRun,
  type Give,
  type Lack,
} from './range-message.ts'
import { RunWriter } from './run-writer.ts'

/** For how long single blocks are asked of a peer that did not give a run. */
const REFUSED_MS = 5_000

/** After so long without a message of a peer, its runs are asked for otherwise. */
const SILENT_MS = 30_000

const WRONG = 'peer sent a run that is not what it was asked for'

/** By whom runs come. */
export interface RunSource {
  /** Whether a peer gives runs. */
  speaks(peer: LogPeer): boolean
  /**
   * Asks a peer for a run of the log.
   * @param onAnswer called with each message about it; gives what no honest peer would have done.
   * @returns its number.
   */
  ask(peer: LogPeer, run: AskedRun, onAnswer: (answer: Give | Lack) => string | undefined): number
  cancel(peer: LogPeer, id: number): void
  /**
   * Asks peers that connect for the head of the log.
   * @param onHead called with the first one that comes; gives what no honest peer would have done.
   */
  begin(onHead: OnHead): void
}

export type OnHead = (peer: LogPeer, head: HeadBlocks) => string | undefined

export interface ArrivedRun {
  readonly range: BlockRange
  readonly sizeBytes: number
  /** Since it was asked for. */
  readonly elapsedMs: number
}

export interface RunTakerOptions {
  readonly log: Log
  readonly replication: Replication
  readonly nodes: KnownNodes
  readonly source: RunSource
  readonly onArrival: (peer: LogPeer, run: ArrivedRun) => void
  /** More may be asked for than before. */
  readonly onRoom: () => void
}

interface AskedFor {
  readonly peer: LogPeer
  readonly range: BlockRange
  readonly anchor: TreeNode
  readonly atMs: number
  id: number
  /** With the first blocks: the nodes beside it, and its size. */
  given: { readonly beside: readonly PlacedNode[]; readonly bytes: number } | undefined
  readonly blocks: Uint8Array[]
  bytes: number
}

/** Asks peers for runs of the blocks of one log, checks each against a node that is known, and stores them. */
export class RunTaker {
  readonly #options: RunTakerOptions
  readonly #asked = new Set<AskedFor>()
  readonly #writer: RunWriter
  /** Gave no run when it was asked for one: until when it is asked for none. */
  readonly #refused = new Map<LogPeer, number>()
  readonly #heardMs = new Map<LogPeer, number>()
  /** Blocks of a run, fewer than may be asked for while runs turned out to be too large. */
  #mostBlocks = MAX_RUN_BLOCKS

  constructor(options: RunTakerOptions) {
    this.#options = options
    const { log, nodes, source, onRoom } = options
    this.#writer = new RunWriter({ log, nodes, onRoom, onFailure: (peer) => this.#refuse(peer) })
    if (log.length === 0) source.begin((peer, head) => this.#onHead(peer, head))
  }

  speaks(peer: LogPeer): boolean {
    return this.#options.source.speaks(peer) && (this.#refused.get(peer) ?? 0) <= Date.now()
  }

  /** Whether nothing more should be asked for until something is stored. */
  get isFull(): boolean {
    return this.#writer.isFull
  }

  inFlight(peer: LogPeer): number {
    let count = 0
    for (const it of this.#asked) {
      if (it.peer === peer) count += it.range.end - it.range.start - it.blocks.length
    }
    return count
  }

  /** Which run a block is part of that was asked for, or is being stored. */
  over(
    index: number,
  ): { readonly peer: LogPeer; readonly atMs: number; readonly range: BlockRange } | undefined {
    for (const it of this.#asked) if (includes(it.range, index)) return it
    return this.#writer.over(index)
  }

  /**
   * Asks a peer for the next run, if there is one.
   * @param mostBlocks that it has.
   * @param around a block that is part of it or near.
   * @returns whether there was one.
   */
  ask(
    peer: LogPeer,
    mostBlocks: number,
    onAsk: (range: BlockRange) => void,
    around?: number,
  ): boolean {
    const { log, replication, nodes, source } = this.#options
    const most = Math.max(1, Math.min(mostBlocks, this.#mostBlocks))
    const range = replication.nextRun(peer, most, around)
    const anchor = range && nodes.anchorOver(range, rootsOf(log))
    if (range === undefined || anchor === undefined) return false
    onAsk(range)
    const { start, end } = range
    const asked: AskedFor = {
      peer,
      range,
      anchor,
      atMs: Date.now(),
      id: 0,
      given: undefined,
      blocks: [],
      bytes: 0,
    }
    this.#asked.add(asked)
    if (!this.#heardMs.has(peer)) this.#heardMs.set(peer, asked.atMs)
    const run = { start, blocks: end - start, anchor: anchor.index }
    asked.id = source.ask(peer, run, (answer) => this.#onAnswer(asked, answer))
    return true
  }

  /** What a peer was asked for no longer counts as under way. */
  forget(peer: LogPeer): void {
    for (const it of this.#asked) if (it.peer === peer) this.#drop(it)
    this.#heardMs.delete(peer)
    this.#refused.delete(peer)
  }

  /** Gives up runs of peers that say nothing. */
  giveUpLate(): void {
    for (const { peer } of this.#asked) {
      if (Date.now() - Math.max(this.#heardMs.get(peer) ?? 0, this.#oldestMs(peer)) < SILENT_MS)
        continue
      this.forget(peer)
      this.#refuse(peer)
    }
  }

  /** Gives up everything: what arrives later is not stored. */
  close(): void {
    for (const it of this.#asked) this.#drop(it)
    this.#writer.clear()
  }

  #oldestMs(peer: LogPeer): number {
    return Math.min(...[...this.#asked].filter((it) => it.peer === peer).map((it) => it.atMs))
  }

  #drop(asked: AskedFor): void {
    if (this.#asked.delete(asked)) this.#options.source.cancel(asked.peer, asked.id)
  }

  #refuse(peer: LogPeer): void {
    this.#refused.set(peer, Date.now() + REFUSED_MS)
    this.#options.onRoom()
  }

  #onAnswer(asked: AskedFor, answer: Give | Lack): string | undefined {
    if (!this.#asked.has(asked)) return undefined
    const { peer, range } = asked
    this.#heardMs.set(peer, Date.now())
    if (answer.kind === 'give') return this.#onGive(asked, answer)
    this.#asked.delete(asked)
    const blocks = range.end - range.start
    if (answer.why === NOT_HERE || blocks === 1) this.#refuse(peer)
    else this.#mostBlocks = Math.max(1, Math.floor(blocks / 4))
    this.#options.onRoom()
    return undefined
  }

  #onGive(asked: AskedFor, { beside, blocks }: Give): string | undefined {
    const { range, anchor, peer } = asked
    const count = range.end - range.start
    if (asked.given === undefined) {
      const bytes = beside.reduce((left, { size }) => left - size, anchor.size)
      const isWrong = beside.length !== besideOf(range, anchor.index).length
      if (isWrong || bytes < 0 || (count > 1 && bytes > MAX_RUN_BYTES)) return WRONG
      asked.given = { beside, bytes }
    } else if (beside.length > 0) return WRONG
    for (const block of blocks) {
      asked.blocks.push(block)
      asked.bytes += block.byteLength
      noteBuffer(block.byteLength)
    }
    if (asked.bytes > asked.given.bytes || asked.blocks.length > count) return WRONG
    if (asked.blocks.length < count) return undefined
    this.#asked.delete(asked)
    const run = {
      start: range.start,
      items: asked.blocks,
      anchor: anchor.index,
      beside: asked.given.beside,
    }
    const checked = checkRun(this.#options.log, run, anchor)
    if (checked === undefined) return WRONG
    const { bytes, atMs } = asked
    this.#mostBlocks = Math.min(MAX_RUN_BLOCKS, 2 * this.#mostBlocks)
    this.#writer.add({ peer, range, atMs, run: checked, bytes })
    this.#options.onArrival(peer, { range, sizeBytes: bytes, elapsedMs: Date.now() - atMs })
    return undefined
  }

  #onHead(peer: LogPeer, head: HeadBlocks): string | undefined {
    const { log } = this.#options
    if (!log.isOpen) return undefined
    const checked = checkHead(log, head)
    if (checked === undefined) return WRONG
    void this.#writer.begin(peer, checked)
    return undefined
  }
}
