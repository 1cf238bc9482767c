import { hasCode } from '../../errors.ts'
import {
  decodeRecord,
  MAX_PREVIOUS,
  type HyperletterRecord,
  type NewsletterRecord,
} from '../records/record.ts'
import type { BlockSource, ReadOptions } from '../log.ts'
import { Corrections, type Located, type LocatedIssue } from './corrections.ts'

/** What a walk over a log found. */
export interface Listing {
  /** Newest first; numbers strictly decrease. */
  readonly issues: readonly LocatedIssue[]
  /** The newest profile, absent until its block is here. */
  readonly profile: Located<NewsletterRecord> | undefined
  /** Records of types that this version does not know. */
  readonly unknown: number
  /** Blocks that should be records and are not. */
  readonly invalid: number
  /** Records that could not be had now; the listing may lack what lies behind them. */
  readonly missing: number
  /** Indexes of all blocks that were taken for records, whatever they are; newest first. */
  readonly positions: readonly number[]
}

/** A walk on its way from the head of a log. */
export interface Section {
  /** All records from this block on have been met. */
  readonly from: number
  /** What they say. */
  readonly listing: Listing
}

const NOTHING: Listing = {
  issues: [],
  profile: undefined,
  unknown: 0,
  invalid: 0,
  missing: 0,
  positions: [],
}

/** How far back a valid record is looked for where no pointer leads to one. */
const MAX_RESYNC_BLOCKS = 256

const INVALID = Symbol('invalid')
const MISSING = Symbol('missing')
type Found = HyperletterRecord | typeof INVALID | typeof MISSING

interface Position {
  readonly index: number
  readonly found: Found
}

/** Records that a walk will come to next: block index → reading it. */
type Ahead = Map<number, Promise<Found>>

function isRecord(found: Found): found is HyperletterRecord {
  return typeof found === 'object'
}

/**
 * The records of one log, read from its head through the `previous` pointers: up to 32 at a time,
 * no content blocks. Decoded records are remembered, for the log only grows. What a hostile author
 * wrote costs at most the records it spoils: an invalid one is skipped and counted.
 */
export class History {
  readonly #source: BlockSource
  readonly #records = new Map<number, HyperletterRecord | typeof INVALID>()
  #listing: { length: number; value: Listing } | undefined

  constructor(source: BlockSource) {
    this.#source = source
  }

  /** The whole log. @throws ABORTED; what cannot be had is counted as `missing`. */
  async list(options: ReadOptions = {}): Promise<Listing> {
    const length = this.#source.length
    if (this.#listing?.length === length && this.#listing.value.missing === 0) {
      return this.#listing.value
    }
    let listing = NOTHING
    for await (const section of this.sections(options)) listing = section.listing
    return listing
  }

  /**
   * Lists the log from its head, and tells on the way how far it has come: last of all the whole, from block 0.
   * What was said later of an issue is known when the issue is met.
   */
  async *sections(options: ReadOptions = {}): AsyncGenerator<Section> {
    const length = this.#source.length
    let value = NOTHING
    for await (const section of this.#walk(length, options)) {
      value = section.listing
      if (section.from > 0) yield section
    }
    this.#listing = { length, value }
    yield { from: 0, listing: value }
  }

  /** Whether the last block is a record; undefined if it cannot be had now. @throws ABORTED */
  async hasHead(options: ReadOptions = {}): Promise<boolean | undefined> {
    const found = await this.#read(this.#source.length - 1, options)
    return found === MISSING ? undefined : isRecord(found)
  }

  /** The newest issue, without reading further back than needed. */
  async newest(options: ReadOptions = {}): Promise<LocatedIssue | undefined> {
    const corrections = new Corrections()
    for await (const { index, found } of this.#newestFirst(this.#source.length, options)) {
      if (!isRecord(found)) continue
      if (found.type === 'amendment') corrections.amend({ index, record: found })
      if (found.type === 'retraction') corrections.retract({ index, record: found })
      if (found.type === 'issue') return corrections.attach({ index, record: found })
    }
    return undefined
  }

  /** The newest profile, without reading further back than needed. */
  async profile(options: ReadOptions = {}): Promise<Located<NewsletterRecord> | undefined> {
    for await (const { index, found } of this.#newestFirst(this.#source.length, options)) {
      if (!isRecord(found)) continue
      if (found.type === 'newsletter') return { index, record: found }
      const pointed = await this.#readPointed(found.profile, options)
      if (pointed !== undefined) return pointed
    }
    return undefined
  }

  async #readPointed(index: number | undefined, options: ReadOptions) {
    if (index === undefined) return undefined
    const found = await this.#read(index, options)
    return isRecord(found) && found.type === 'newsletter' ? { index, record: found } : undefined
  }

  async *#walk(length: number, options: ReadOptions): AsyncGenerator<Section> {
    const issues: LocatedIssue[] = []
    const corrections = new Corrections()
    let profile: Located<NewsletterRecord> | undefined
    let lowest = Infinity
    const positions: number[] = []
    const counts = { unknown: 0, invalid: 0, missing: 0 }
    const soFar = (): Listing => {
      const invalid = counts.invalid + corrections.strays
      return { issues: [...issues], profile, ...counts, invalid, positions: [...positions] }
    }
    for await (const { index, found } of this.#newestFirst(length, options)) {
      positions.push(index)
      if (found === MISSING) counts.missing++
      else if (found === INVALID) counts.invalid++
      else if (found.type === 'unknown') counts.unknown++
      else if (found.type === 'newsletter') profile ??= { index, record: found }
      else if (found.type === 'amendment') corrections.amend({ index, record: found })
      else if (found.type === 'retraction') corrections.retract({ index, record: found })
      else if (found.number < lowest) {
        lowest = found.number
        issues.push(corrections.attach({ index, record: found }))
      } else counts.invalid++
      if (positions.length % MAX_PREVIOUS === 0 && counts.missing === 0)
        yield { from: index, listing: soFar() }
    }
    yield { from: 0, listing: soFar() }
  }

  /** Every record position from the head of a log of `length` blocks, newest first. */
  async *#newestFirst(length: number, options: ReadOptions): AsyncGenerator<Position> {
    if (length === 0) return
    const ahead: Ahead = new Map()
    const head = await this.#locate(length - 1, options)
    let current: Position | undefined = head
    if (!isRecord(head.found)) {
      yield head
      current = await this.#nearestRecord(head.index - 1, options)
    }
    // Pointers only go back, each below its own record: the walk ends, whatever an author wrote.
    while (current !== undefined && isRecord(current.found)) {
      yield current
      const batch = await this.#locateAll(current.found.previous, ahead, options)
      const oldest = batch.findLastIndex(({ found }) => isRecord(found))
      // What lies behind the oldest one is met again through its own pointers.
      yield* oldest < 0 ? batch : batch.slice(0, oldest)
      current =
        batch[oldest] ?? (await this.#nearestRecord((batch.at(-1)?.index ?? 0) - 1, options))
    }
  }

  // The walk goes on from the oldest one: that is asked for first, and then, beside the others, the oldest of those
  // that it points at. So a walk over a slow network takes as long as its blocks, not as long as its turns; and
  // with the oldest come hashes that the proofs of the others need not repeat.
  async #locateAll(
    indexes: readonly number[],
    ahead: Ahead,
    options: ReadOptions,
  ): Promise<Position[]> {
    const oldest = indexes.at(-1)
    if (oldest === undefined) return []
    const found = await (ahead.get(oldest) ?? this.#read(oldest, options))
    ahead.delete(oldest)
    const next = isRecord(found) ? found.previous.at(-1) : undefined
    if (next !== undefined) {
      const reading = this.#read(next, options)
      // Whoever waits for it hears of it.
      reading.catch(() => undefined)
      ahead.set(next, reading)
    }
    const others = indexes.slice(0, -1).map((index) => this.#locate(index, options))
    return [...(await Promise.all(others)), { index: oldest, found }]
  }

  // The last block of a log is a record. If it is not, the author broke the log there; the nearest
  // valid record on this machine then serves as the head.
  async #nearestRecord(from: number, options: ReadOptions): Promise<Position | undefined> {
    for (let index = from; index >= Math.max(0, from - MAX_RESYNC_BLOCKS); index--) {
      const position = await this.#locate(index, { ...options, wait: false })
      if (isRecord(position.found)) return position
    }
    return undefined
  }

  async #locate(index: number, options: ReadOptions): Promise<Position> {
    return { index, found: await this.#read(index, options) }
  }

  async #read(index: number, options: ReadOptions): Promise<Found> {
    const known = this.#records.get(index)
    if (known !== undefined) return known
    try {
      const block = await this.#source.read(index, options)
      // Somebody else may have waited for it too.
      const meanwhile = this.#records.get(index)
      if (meanwhile !== undefined) return meanwhile
      const record = decodeRecord(block, index)
      this.#records.set(index, record)
      return record
    } catch (error) {
      if (hasCode(error, 'NOT_AVAILABLE')) return MISSING
      if (!hasCode(error, 'INVALID_RECORD', 'TOO_LARGE')) throw error
      this.#records.set(index, INVALID)
      return INVALID
    }
  }
}
