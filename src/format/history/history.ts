import type { NewsletterRecord } from '../records/record.ts'
import type { BlockSource, ReadOptions } from '../log.ts'
import type { ListedLetter, Located, LocatedIssue } from './corrections.ts'
import {
  LISTING_LIMITS,
  ListingBudget,
  MISSING,
  type KnownPart,
  type KnownPartStore,
  type KnownRecord,
  type ListingLimits,
} from './known-record.ts'
import { ListingBuilder, NOTHING, type Listing } from './listing.ts'
import { isRecord, RecordWalk, type WalkOptions } from './record-walk.ts'

/** A walk on its way from the head of a log. */
export interface Section {
  /** All records from this block on have been met. */
  readonly from: number
  /** Issues met since the section before, with what was said of them later. */
  readonly issues: readonly LocatedIssue[]
  /** The whole, at the end: then `from` is 0. */
  readonly listing?: Listing
}

export interface HistoryOptions {
  readonly limits?: ListingLimits
  /** Where the known part of a long log is kept. */
  readonly store?: KnownPartStore | undefined
  /** What histories hold in memory, in bytes of records: whoever bounds it releases those not used for longest. */
  readonly memory?: HistoryMemory | undefined
}

export interface HistoryMemory {
  /** Reads one long log at a time: what that takes beside its listing is freed before the next. */
  inTurn<T>(read: () => Promise<T>): Promise<T>
  set(history: Pick<History, 'release'>, bytes: number): unknown
  delete(history: Pick<History, 'release'>): unknown
}

const NOTHING_KNOWN: KnownPart = { length: 0, records: [], isCut: false }

/** So many records have to be new before they are saved, and an eighth of what there is. */
const SAVE_RECORDS = 256
const SAVE_SHARE = 1 / 8

/** Blocks of a log whose listing takes megabytes. */
const LONG_LOG = 10_000

/** Records that are met between two sections. */
const SECTION_RECORDS = 32

/**
 * What the records of one log say. A log that has grown is read from its head to where it was known. Bounded, for an
 * author may write records without end: see `LISTING_LIMITS`.
 */
export class History {
  readonly #source: BlockSource
  readonly #walk: RecordWalk
  readonly #store: KnownPartStore | undefined
  readonly #memory: HistoryMemory | undefined
  #limits: ListingLimits
  #known = NOTHING_KNOWN
  #listing: { length: number; value: Listing } | undefined
  #restoring: Promise<void> | undefined
  /** Of the known part. */
  #savedRecords = 0
  #saving: Promise<void> = Promise.resolve()

  constructor(source: BlockSource, options: HistoryOptions = {}) {
    const { limits = LISTING_LIMITS, store, memory } = options
    this.#memory = memory
    this.#source = source
    this.#limits = limits
    this.#store = store
    this.#walk = new RecordWalk(source, (index) => find(this.#known.records, index))
  }

  /** How many bytes of records are listed at most. */
  get maxBytes(): number {
    return this.#limits.bytes
  }

  set maxBytes(bytes: number) {
    const most = Math.min(bytes, LISTING_LIMITS.bytes)
    if (most === this.#limits.bytes) return
    this.#limits = { ...this.#limits, bytes: most }
    this.#listing = undefined
  }

  /** The whole log. @throws ABORTED; what cannot be had is counted as `missing`. */
  async list(options: ReadOptions = {}): Promise<Listing> {
    const isLong = this.#source.length > LONG_LOG
    // One that waits for peers keeps nobody else waiting.
    if (options.wait !== false || !isLong || this.#memory === undefined) return this.#list(options)
    return this.#memory.inTurn(() => this.#list(options))
  }

  async #list(options: ReadOptions): Promise<Listing> {
    let found = this.#whole()
    if (found !== undefined) this.#memory?.set(this, found.recordBytes)
    else for await (const { listing } of this.sections(options)) found = listing
    return found ?? NOTHING
  }

  /**
   * Lists the log from its head, and tells on the way how far it has come.
   * What was said later of an issue is known when the issue is met.
   */
  async *sections(options: ReadOptions = {}): AsyncGenerator<Section> {
    const { length } = this.#source
    await this.#restore()
    const { records, listing } = yield* this.#read(length, options)
    this.#listing = { length, value: listing }
    if (listing.missing === 0 && length >= this.#known.length) {
      this.#known = { length, records, isCut: listing.isCut }
      this.#walk.forget()
      this.#saveSome()
    }
    this.#memory?.set(this, listing.recordBytes)
    yield { from: 0, issues: [], listing }
  }

  /** Whether the last block is a record; undefined if it cannot be had now. @throws ABORTED */
  async hasHead(options: ReadOptions = {}): Promise<boolean | undefined> {
    const { found } = await this.#walk.readHop(this.#source.length - 1, options)
    return found.record === MISSING ? undefined : isRecord(found)
  }

  /** The newest issue, without reading further back than needed. */
  async newest(options: ReadOptions = {}): Promise<LocatedIssue | undefined> {
    const whole = this.#whole()
    if (whole !== undefined) return whole.issues[0]
    const builder = new ListingBuilder()
    for await (const it of this.#newestFirst(this.#source.length, {
      ...options,
      isStepwise: true,
    })) {
      builder.add(it)
      const [issue] = builder.takeIssues()
      if (issue !== undefined) return issue
    }
    return undefined
  }

  /** All letters that the author published after a block, newest first, without reading further back than needed. */
  async lettersAfter(index: number, options: ReadOptions = {}): Promise<readonly ListedLetter[]> {
    const whole = this.#whole()
    if (whole !== undefined) return whole.letters
    const builder = new ListingBuilder()
    for await (const it of this.#newestFirst(this.#source.length, options)) {
      if (it.index <= index) break
      builder.add(it)
    }
    return builder.letters
  }

  /** The newest profile, without reading further back than needed. */
  async profile(options: ReadOptions = {}): Promise<Located<NewsletterRecord> | undefined> {
    const profile = this.#whole()?.profile
    if (profile !== undefined) return profile
    for await (const { index, record } of this.#newestFirst(this.#source.length, options)) {
      if (typeof record !== 'object') continue
      if (record.type === 'newsletter') return { index, record }
      const pointed = await this.#readProfile(record.profile, options)
      if (pointed !== undefined) return pointed
    }
    return undefined
  }

  /** Waits until what is being saved is saved, and forgets the rest: who has a feed that is closed needs none of it. */
  async close(): Promise<void> {
    await this.#saving
    this.release()
    this.#memory?.delete(this)
  }

  /** Forgets what was read. Whoever lists next reads it again, what was saved from there. */
  release(): void {
    this.#known = NOTHING_KNOWN
    this.#listing = undefined
    this.#restoring = undefined
    this.#savedRecords = 0
    this.#walk.forget()
  }

  // Of the log as it is now, if nothing of it is missing.
  #whole(): Listing | undefined {
    const { length, value } = this.#listing ?? {}
    return length === this.#source.length && value?.missing === 0 ? value : undefined
  }

  #newestFirst(
    length: number,
    options: Omit<WalkOptions, 'budget'>,
    budget = new ListingBudget(this.#limits),
  ) {
    const known = this.#known.length <= length ? this.#known : NOTHING_KNOWN
    return this.#walk.newestFirst(length, known, { ...options, budget })
  }

  async *#read(length: number, options: ReadOptions) {
    const budget = new ListingBudget(this.#limits)
    const builder = new ListingBuilder()
    const records: KnownRecord[] = []
    for await (const it of this.#newestFirst(length, options, budget)) {
      records.push(builder.add(it))
      if (records.length % SECTION_RECORDS === 0 && builder.missing === 0)
        yield { from: it.index, issues: builder.takeIssues() }
    }
    const isCut = budget.isSpent && records.at(-1)?.index !== 0
    let { profile } = builder
    // Older than all that is listed.
    if (isCut && profile === undefined) profile = await this.profile(options)
    return { records: records.toReversed(), listing: builder.build({ isCut, profile }) }
  }

  async #readProfile(index: number | undefined, options: ReadOptions) {
    if (index === undefined) return undefined
    const { record } = await this.#walk.read(index, options)
    return typeof record === 'object' && record.type === 'newsletter'
      ? { index, record }
      : undefined
  }

  async #restore(): Promise<void> {
    this.#restoring ??= (async () => {
      const found = await this.#store?.load().catch(() => undefined)
      if (found === undefined || this.#known.length >= found.length) return
      this.#known = found
      this.#savedRecords = found.records.length
    })()
    await this.#restoring
  }

  // Without it the log is read again, so nobody has to know when it fails.
  #saveSome(): void {
    const part = this.#known
    const isNew = Math.abs(part.records.length - this.#savedRecords)
    if (isNew < Math.max(SAVE_RECORDS, part.records.length * SAVE_SHARE)) return
    this.#savedRecords = part.records.length
    this.#saving = this.#saving.then(() => this.#store?.save(part)).catch(() => undefined)
  }
}

// Of records that ascend.
function find(records: readonly KnownRecord[], index: number): KnownRecord | undefined {
  let start = 0
  let end = records.length
  while (start < end) {
    const middle = (start + end) >>> 1
    if ((records[middle]?.index ?? 0) < index) start = middle + 1
    else end = middle
  }
  const found = records[start]
  return found?.index === index ? found : undefined
}
