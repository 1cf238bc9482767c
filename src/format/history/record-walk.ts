import { hasCode } from '../../errors.ts'
import type { BlockSource, ReadOptions } from '../log.ts'
import { decodeRecord, MAX_PREVIOUS, MAX_RECORD_BYTES } from '../records/record.ts'
import {
  compactRecord,
  INVALID,
  MISSING,
  UNKNOWN,
  type KnownPart,
  type KnownRecord,
  type ListingBudget,
} from './known-record.ts'

/** How far back a valid record is looked for where no pointer leads to one. */
const MAX_RESYNC_BLOCKS = 256

/** A record that a walk goes on from, and where it points; nowhere where it is none. */
interface Hop {
  readonly found: KnownRecord
  readonly previous: readonly number[]
}

/** Records that a walk will come to next: block index → reading it. */
type Ahead = Map<number, Promise<Hop>>

export interface WalkOptions extends ReadOptions {
  readonly budget: ListingBudget
  /** The newest records are read one by one, and more at a time the further back they are. */
  readonly isStepwise?: boolean
}

export function isRecord({ record }: KnownRecord): boolean {
  return record !== INVALID && record !== MISSING
}

/**
 * Reads the records of a log from its head through the `previous` pointers: up to 32 at a time, no content blocks.
 * Remembers what it read until `forget`. What a hostile author wrote costs at most the records it spoils.
 */
export class RecordWalk {
  readonly #source: BlockSource
  readonly #find: (index: number) => KnownRecord | undefined
  readonly #records = new Map<number, KnownRecord>()
  /** Of the records that a walk went on from: block index → its pointers. */
  readonly #pointers = new Map<number, readonly number[]>()

  /** @param find what is known of a record from before. */
  constructor(source: BlockSource, find: (index: number) => KnownRecord | undefined) {
    this.#source = source
    this.#find = find
  }

  /** The record in one block, or what is there instead. @throws ABORTED */
  async read(index: number, options: ReadOptions): Promise<KnownRecord> {
    const known = this.#records.get(index) ?? this.#find(index)
    return known ?? (await this.#readBlock(index, options)).found
  }

  forget(): void {
    this.#records.clear()
    this.#pointers.clear()
  }

  /**
   * Every record position from the head of a log of `length` blocks, newest first, until the budget is spent. What is
   * known is read no more once the walk has come to the newest record of it.
   */
  async *newestFirst(
    length: number,
    known: KnownPart,
    options: WalkOptions,
  ): AsyncGenerator<KnownRecord> {
    const { budget } = options
    if (length === 0) return
    const newestKnown = known.records.findLastIndex(isRecord)
    let until = known.records[newestKnown]?.index ?? -1
    const ahead: Ahead = new Map()
    let hop: Hop | undefined = await this.readHop(length - 1, options, until)
    if (!isRecord(hop.found)) {
      budget.spend(hop.found)
      yield hop.found
      hop = await this.#nearestRecord(length - 2, options, until)
    }
    let atOnce = options.isStepwise === true ? 1 : Infinity
    // Pointers only go back, each below its own record: the walk ends, whatever an author wrote.
    while (hop !== undefined && isRecord(hop.found)) {
      const { index } = hop.found
      if (index === until) {
        for (let i = newestKnown; i >= 0 && !budget.isSpent; i--) {
          const it = known.records[i]
          if (it === undefined) break
          budget.spend(it)
          yield it
        }
        if (!known.isCut || budget.isSpent) return
        hop = await this.readHop(known.records.find(isRecord)?.index ?? index, options)
      } else {
        budget.spend(hop.found)
        yield hop.found
        if (budget.isSpent) return
      }
      // An author whose pointers leave out a known record, or add one, is followed as if nothing were known.
      if (index <= until || !agrees(hop.previous, known.records, newestKnown)) until = -1
      const batch = await this.#readAll(hop, ahead, options, until, atOnce)
      // Where a record comes with those around it, the next is here.
      if (options.bytesAround === undefined) atOnce *= 2
      const oldest = batch.findLastIndex(isRecord)
      // What lies behind the oldest one is met again through its own pointers.
      for (const it of oldest < 0 ? batch : batch.slice(0, oldest)) {
        budget.spend(it)
        yield it
      }
      if (budget.isSpent) return
      const next = batch[oldest]
      hop =
        next === undefined
          ? await this.#nearestRecord((batch.at(-1)?.index ?? 0) - 1, options, until)
          : await this.readHop(next.index, options, until)
    }
    if (hop !== undefined) yield hop.found
  }

  // The records that one points at, newest first. The walk goes on from the oldest one: that is asked for first, and
  // then, beside the others, the oldest of those that it points at. So a walk over a slow network takes as long as
  // its blocks, not as long as its turns; and with the oldest come hashes that the proofs of the others need not repeat.
  async #readAll(
    { previous }: Hop,
    ahead: Ahead,
    options: WalkOptions,
    until: number,
    atOnce: number,
  ): Promise<KnownRecord[]> {
    const most = Math.min(atOnce, options.budget.recordsOf(MAX_RECORD_BYTES))
    const behind = previous.findIndex((it) => it <= until)
    const indexes = previous.slice(0, Math.min(most, behind < 0 ? Infinity : behind + 1))
    const oldest = indexes.at(-1)
    if (oldest === undefined) return []
    const hop = await (ahead.get(oldest) ?? this.readHop(oldest, options, until))
    ahead.delete(oldest)
    const next = hop.previous.at(-1)
    if (next !== undefined && next > until && most > 2 * MAX_PREVIOUS) {
      const reading = this.readHop(next, options, until)
      // A failure reaches the caller that waits for it.
      reading.catch(() => undefined)
      ahead.set(next, reading)
    }
    const others = indexes.slice(0, -1).map((index) => this.read(index, options))
    return [...(await Promise.all(others)), hop.found]
  }

  // The last block of a log is a record. If it is not, the author broke the log there; the nearest
  // valid record on this machine then serves as the head.
  async #nearestRecord(
    from: number,
    options: WalkOptions,
    until: number,
  ): Promise<Hop | undefined> {
    for (let index = from; index >= Math.max(0, from - MAX_RESYNC_BLOCKS); index--) {
      const hop = await this.readHop(index, { ...options, wait: false }, until)
      if (isRecord(hop.found)) return hop
    }
    return undefined
  }

  // Of a record where the known part begins, the pointers are not needed.
  async readHop(index: number, options: ReadOptions, until = -1): Promise<Hop> {
    const found = this.#records.get(index) ?? this.#find(index)
    const previous = this.#pointers.get(index) ?? (index === until || index === 0 ? [] : undefined)
    if (found !== undefined && (previous !== undefined || !isRecord(found)))
      return { found, previous: previous ?? [] }
    const hop = await this.#readBlock(index, options)
    if (isRecord(hop.found)) this.#pointers.set(index, hop.previous)
    return hop
  }

  async #readBlock(index: number, options: ReadOptions): Promise<Hop> {
    let bytes = 0
    try {
      const block = await this.#source.read(index, options)
      bytes = block.byteLength
      const record = decodeRecord(block, index)
      const kept = record.type === 'unknown' ? UNKNOWN : compactRecord(record)
      return { found: this.#remember({ index, bytes, record: kept }), previous: record.previous }
    } catch (error) {
      const previous: readonly number[] = []
      if (hasCode(error, 'NOT_AVAILABLE'))
        return { found: { index, bytes, record: MISSING }, previous }
      if (!hasCode(error, 'INVALID_RECORD', 'TOO_LARGE')) throw error
      return { found: this.#remember({ index, bytes, record: INVALID }), previous }
    }
  }

  // Somebody else may have waited for it too.
  #remember(found: KnownRecord): KnownRecord {
    const known = this.#records.get(found.index)
    if (known === undefined) this.#records.set(found.index, found)
    return known ?? found
  }
}

// Whether pointers name the records up to `newest` as they are known, as far as they reach there.
function agrees(
  pointers: readonly number[],
  known: readonly KnownRecord[],
  newest: number,
): boolean {
  const until = known[newest]?.index ?? -1
  return pointers
    .filter((it) => it <= until)
    .every((it, i) => it === (known[newest - i] ?? { index: it }).index)
}
