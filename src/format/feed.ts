import { HyperletterError, ifCode } from '../errors.ts'
import type { Attachment } from './records/bodies.ts'
import { feedKeyOf, type FeedKey } from './keys/feed-key.ts'
import { decodeRecord, MAX_PREVIOUS, type NewsletterRecord } from './records/record.ts'
import type { Log, ReadOptions } from './log.ts'
import { type Decompress, Contents } from './content/content-codec.ts'
import { LOG_START, type LogPosition } from './history/entry.ts'
import { only, without, type BlockRange } from './block-ranges.ts'
import {
  contentRange,
  recordsOf,
  retractedContents,
  newestEdition,
  type Edition,
  type ListedLetter,
  type LocatedIssue,
} from './history/corrections.ts'
import { History, type HistoryOptions } from './history/history.ts'
import { issueIn, type Listing } from './history/listing.ts'
import { LISTING_LIMITS } from './history/known-record.ts'
import { Readability } from './history/readable.ts'
import { BlockSelection, type Selection } from './selection.ts'
import { SerialQueue } from '../async.ts'

export type { LocatedIssue } from './history/corrections.ts'

/** Only what is on this machine. */
const LOCAL: ReadOptions = { wait: false }

/** A listing on its way from the head of a log. */
export interface FeedSection {
  /** All that was said of issues from this block on is known. */
  readonly from: number
  /** Contents that their author took back. */
  readonly dropped: readonly BlockRange[]
}

/** One newsletter's log, read as entries: what blocks mean, not where they come from. */
export class Feed {
  readonly log: Log
  readonly feedKey: FeedKey
  readonly #history: History
  readonly #contents: Contents
  readonly #wanted: BlockSelection
  readonly #readability: Readability
  /** The history decides for how long it stays in memory. */
  #listing: WeakRef<Listing> | undefined
  readonly #drops = new SerialQueue()

  /**
   * @param log open; `close` closes it.
   * @param decompress a faster gunzip than the platform's stream, where there is one.
   * @param options.store where a long listing is kept between runs.
   */
  constructor(log: Log, decompress?: Decompress, options?: HistoryOptions) {
    this.log = log
    this.#wanted = new BlockSelection(log)
    this.#contents = new Contents(log, decompress)
    this.feedKey = feedKeyOf(log.key)
    this.#history = new History(log, options)
    this.#readability = new Readability(log, this.#history)
  }

  async close(): Promise<void> {
    await this.#history.close()
    await this.log.close()
  }

  get length(): number {
    return this.log.length
  }

  get writable(): boolean {
    return this.log.writable
  }

  /** All issues that can be listed now, newest first, and what was skipped. @throws NEEDS_KEY */
  async list(options?: ReadOptions): Promise<Listing> {
    await this.#assertReadable(options)
    const listing = await this.#history.list(options)
    this.#noteRetractions(listing)
    return listing
  }

  /** What is listed of the log here where that leaves out older issues. Nothing is read where the log is too small for that. */
  async cutListing(): Promise<Listing | undefined> {
    const { length, byteLength } = this.log
    if (length <= LISTING_LIMITS.records && byteLength <= this.maxRecordBytes) return undefined
    const listing = await this.list(LOCAL).catch(() => undefined)
    return listing?.isCut === true ? listing : undefined
  }

  /**
   * Lists from the head of the log on, and tells on the way from which block on it is known what its author took
   * back, and what that is. @throws NEEDS_KEY
   */
  async *sections(options?: ReadOptions): AsyncGenerator<FeedSection> {
    await this.#assertReadable(options)
    const dropped: BlockRange[] = []
    for await (const { from, issues, listing } of this.#history.sections(options)) {
      if (listing !== undefined) this.#noteRetractions(listing)
      else dropped.push(...retractedContents({ issues }))
      yield { from, dropped: listing === undefined ? dropped : this.dropped }
    }
  }

  /** How many bytes of records are listed and needed here at most, from the newest on. */
  get maxRecordBytes(): number {
    return this.#history.maxBytes
  }

  set maxRecordBytes(bytes: number) {
    this.#history.maxBytes = bytes
  }

  /**
   * Contents that their author took back, as far as the last `list` knew: ascending, without overlaps. They are not
   * kept, not fetched and not missing.
   */
  get dropped(): readonly BlockRange[] {
    return this.#wanted.retracted
  }

  /** Which blocks have their place here; everything unless `select` said otherwise. */
  get selection(): Selection {
    return this.#wanted.selection
  }

  /** What need not be here: `dropped`, and what is not selected. The last range may end at Infinity. */
  get unwanted(): readonly BlockRange[] {
    return this.#wanted.unwanted
  }

  /** Says which blocks have their place here. Nothing is freed by that alone: see `dropUnwanted`. */
  select(selection: Selection): void {
    this.#wanted.selection = selection
  }

  /**
   * Takes off this disk what is not wanted here: what was taken back, as far as the log can be read, and what is not
   * selected. Each range goes in one piece, so that a crash leaves a sound store.
   * @returns how many blocks went.
   */
  dropUnwanted(): Promise<number> {
    // Each drop is told to peers as it happens: one after the other, so that who announces what is left
    // afterwards has the last word.
    return this.#drops.run(async () => {
      await this.#listLocally()
      return this.#wanted.drop()
    })
  }

  /** How many blocks are here or need not be, by the last `list`. */
  get heldBlocks(): number {
    return this.#wanted.held
  }

  /** Whether all of the log is here that is wanted here. */
  async isComplete(): Promise<boolean> {
    if (this.heldBlocks < this.length) await this.#listLocally()
    return this.heldBlocks >= this.length
  }

  /** The newest profile. @throws NEEDS_KEY; NOT_AVAILABLE if its block cannot be had. */
  async profile(options?: ReadOptions): Promise<NewsletterRecord> {
    await this.#assertReadable(options)
    const found = await this.#history.profile(options)
    if (found !== undefined) return found.record
    throw new HyperletterError('NOT_AVAILABLE', 'The profile of the newsletter is not here yet.')
  }

  /** The newest issue, or none. @throws NEEDS_KEY */
  async newest(options?: ReadOptions): Promise<LocatedIssue | undefined> {
    await this.#assertReadable(options)
    return this.#history.newest(options)
  }

  /**
   * One issue by number; the newest that can be had when no number is given. Without waiting for
   * peers that must be the newest there is.
   * @throws ISSUE_NOT_FOUND, NOT_AVAILABLE, NEEDS_KEY; TOO_LARGE if it is older than all that is listed
   */
  async issue(number: number | undefined, options?: ReadOptions): Promise<LocatedIssue> {
    this.#assertOpen()
    if (this.log.length === 0) {
      throw new HyperletterError('NOT_AVAILABLE', 'Nothing of the newsletter has arrived yet.')
    }
    if (number === undefined) {
      const newest = await this.newest(options)
      const isSure = options?.wait !== false || this.holds(only(this.length - 1))
      if (newest !== undefined && isSure) return newest
      if ((await this.list(options)).missing > 0) {
        throw new HyperletterError('NOT_AVAILABLE', 'The newest issue is not here yet.')
      }
      const hint = 'It is there once its author publishes it.'
      throw new HyperletterError('ISSUE_NOT_FOUND', 'The newsletter has no issue yet.', { hint })
    }
    return issueIn(await this.list(options), number)
  }

  /** All letters that the author published after a block, newest first, as far as the log is here. @throws NEEDS_KEY */
  async lettersAfter(index: number): Promise<readonly ListedLetter[]> {
    await this.#assertReadable(LOCAL)
    return this.#history.lettersAfter(index, LOCAL)
  }

  /** The body as text. @throws NOT_AVAILABLE, INVALID_RECORD if it is not what the record says. */
  readBody(edition: Edition, options?: ReadOptions): Promise<string> {
    return this.#contents.body(edition, options)
  }

  /** An attachment from a byte on, piece by piece as its blocks arrive. @throws NOT_AVAILABLE, INVALID_RECORD */
  readAttachment(
    attachment: Attachment,
    options?: ReadOptions,
    from?: number,
  ): AsyncGenerator<Uint8Array> {
    return this.#contents.attachment(attachment, options, from)
  }

  /** The blocks of the entry of an issue or edition: its contents and its record. */
  entryRange({ index, record }: Edition): BlockRange {
    return { start: (record.previous[0] ?? -1) + 1, end: index + 1 }
  }

  /** What it takes to read an issue: its records and the newest edition; of one that was taken back, its records. */
  neededRanges(issue: LocatedIssue): BlockRange[] {
    const records = recordsOf(issue).map(only)
    if (issue.retraction !== undefined) return records
    return [this.entryRange(newestEdition(issue)), ...records]
  }

  /** Whether an issue can be read here: all of `neededRanges`, but for attachments that are not wanted. */
  holdsIssue(issue: LocatedIssue): boolean {
    const ranges = this.neededRanges(issue)
    if (ranges.every((it) => this.holds(it))) return true
    const body = contentRange(newestEdition(issue).record.body)
    if (issue.retraction === undefined && !this.holds(body)) return false
    return without(ranges, this.unwanted).every((it) => this.holds(it))
  }

  /** Whether all of `range` is on this machine. */
  holds(range: BlockRange): boolean {
    return this.log.countHeld(range) === range.end - range.start
  }

  /**
   * Recomputes the hashes of blocks on this machine up to the tree that the feed key signed, and
   * checks the signature. Replication did so before storing them; this also notices a disk that lies.
   * False too for blocks that are not here. @throws ABORTED
   */
  async verify(range: BlockRange): Promise<boolean> {
    const isGood = await this.log.verify(range)
    if (!isGood) this.#assertOpen()
    return isGood
  }

  /**
   * Where the next entry goes, from the log itself.
   * @throws INVALID_RECORD if the log does not end in a record, NEEDS_KEY: then nothing may be appended.
   */
  async position(): Promise<LogPosition> {
    this.#assertOpen()
    const length = this.log.length
    if (length === 0) return LOG_START
    await this.#assertReadable(LOCAL)
    const record = decodeRecord(await this.log.read(length - 1, LOCAL), length - 1)
    const newest = await this.#history.newest(LOCAL)
    return {
      length,
      previous: [length - 1, ...record.previous].slice(0, MAX_PREVIOUS),
      profile: record.type === 'newsletter' ? length - 1 : record.profile,
      lastNumber: newest?.record.number ?? 0,
    }
  }

  async #listLocally(): Promise<void> {
    await this.list(LOCAL).catch(ifCode(undefined, 'NEEDS_KEY', 'NOT_AVAILABLE'))
  }

  #noteRetractions(listing: Listing): void {
    if (listing === this.#listing?.deref()) return
    this.#listing = new WeakRef(listing)
    this.#wanted.retracted = retractedContents(listing)
    this.log.events.emit('listed')
  }

  async #assertReadable(options?: ReadOptions): Promise<void> {
    this.#assertOpen()
    await this.#readability.assert(options)
  }

  // A closed log has length 0, which must not pass for an empty log.
  #assertOpen(): void {
    if (this.log.isOpen) return
    throw new HyperletterError('ABORTED', 'The newsletter was closed meanwhile.')
  }
}
