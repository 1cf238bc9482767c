import { keepsEverything, type Keep } from '../../config/keep.ts'
import { hasCode } from '../../errors.ts'
import { merged, only, without, type BlockRange } from '../../format/block-ranges.ts'
import { contentRange, contentsOf } from '../../format/history/corrections.ts'
import { NOTHING, type Listing } from '../../format/history/listing.ts'
import { UNDECIDED, type Selection } from '../../format/selection.ts'
import { IssueSizes } from './issue-sizes.ts'
import {
  applyPolicy,
  totalBytes,
  type Chosen,
  type Item,
  type OnDemandIssue,
  type Usage,
} from './plan.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import { diskBytes } from '../../log/store/disk.ts'

/** A newsletter that cannot be read here is kept in pieces of about this size. */
const PIECE_BYTES = 2 ** 20

/** Records that have not come after this are not waited for. */
const RECORDS_MS = 30_000

/** What a record takes that is not here. */
const RECORD_BYTES = 2_048

const NO_RECORDS = { recordBytes: 0, positions: [], missing: 1 }

/** An issue with what it takes, or blocks of a newsletter that cannot be read here. */
interface UsageItem extends Item {
  /** Absent where nothing can be read. */
  readonly number: number | undefined
  readonly ranges: readonly BlockRange[]
}

/** What a reader wants of a newsletter. */
export interface Wanted {
  readonly keep: Keep
  /** Numbers of issues that stay whatever they take. */
  readonly starred: ReadonlySet<number>
}

/** Steps that are fetched at a time at most. */
const MOST_STEPS = 1_024

const LOCAL = { wait: false }

/** What one newsletter of somebody else takes on the disk, and which blocks a choice of its issues stands for. */
export class FeedUsage {
  readonly feed: Feed
  /** Newest first; what the policy leaves out is not among them. */
  items: readonly UsageItem[] = []
  /** Issues there are, whatever the policy says. */
  issues = 0
  /** How many steps are fetched at a time: more while nothing comes. */
  stepsAtOnce = 1
  #heldBefore = 0
  #length = 0
  #wholeBytes = 0
  #heldBytes = 0
  #isLoaded = false
  #listing: Listing | undefined
  /** Since when records are missing, in milliseconds since 1970. */
  #incompleteSince: number | undefined
  /** It cannot be read here; known once its last or first block has come. */
  #isBlind = false
  #pieceBlocks = 0
  readonly #sizes: IssueSizes

  constructor(feed: Feed) {
    this.feed = feed
    this.#sizes = new IssueSizes(feed)
  }

  /** The log may be closed, being idle; then what is here of it is as it was. */
  get isOpen(): boolean {
    return this.feed.log.isOpen
  }

  /** What it takes, for the plan. Its items are absent before the first `load`. */
  usage(keep: Keep): Usage {
    this.#measure()
    const { recordBytes: bytes, positions, missing } = this.#listing ?? NO_RECORDS
    const recordBytes = diskBytes(bytes + missing * RECORD_BYTES, positions.length)
    const isLimited = !keepsEverything(keep)
    const whole = this.#wholeBytes
    return {
      isLimited,
      recordBytes,
      heldBytes: this.#heldBytes,
      wantedBytes: isLimited ? Math.min(whole, totalBytes(this.items) + recordBytes) : whole,
      items: this.#isLoaded ? this.items : undefined,
    }
  }

  /** What is here of it takes, about. */
  get heldBytes(): number {
    this.#measure()
    return this.#heldBytes
  }

  /** What is still to come until all of it is here. */
  get expectedBytes(): number {
    this.#measure()
    return this.isOpen ? this.#wholeBytes - this.#heldBytes : 0
  }

  /** The oldest issue that is not starred; none where nothing can be read. */
  async oldest(starred: ReadonlySet<number>): Promise<number | undefined> {
    const { issues } = await this.feed.list(LOCAL).catch(() => ({ issues: [] }))
    const isWanted = ({ record, retraction }: LocatedIssue) =>
      retraction === undefined && !starred.has(record.number)
    return issues.findLast(isWanted)?.record.number
  }

  /** Finds out which issues there are and what they take, by what is on this machine. */
  async load({ keep, starred }: Wanted, nowMs: number): Promise<void> {
    if (!this.isOpen) return
    this.#isLoaded = true
    try {
      this.#listing = await this.feed.list(LOCAL)
    } catch (error) {
      // A log that cannot be read now, for whatever reason, must not keep the others from their room.
      this.#listing = undefined
      this.#isBlind = hasCode(error, 'NEEDS_KEY')
      this.issues = 0
      this.items = this.#isBlind ? this.#pieces(keep) : []
      return
    }
    this.#isBlind = false
    const { missing } = this.#listing
    this.#incompleteSince = missing === 0 ? undefined : (this.#incompleteSince ?? nowMs)
    const issues = beforeGap(this.#listing.issues, this.#isComing(nowMs)).filter(
      (it) => it.retraction === undefined,
    )
    this.issues = issues.length
    this.items = await this.#limited(issues, { keep, starred }, nowMs)
  }

  /**
   * Which blocks have their place here.
   * @param chosen of `items`; @param fetched those of them that may be fetched now; @param onDemand stays too.
   */
  selectionOf(chosen: Chosen, fetched: Chosen, onDemand: readonly OnDemandIssue[]): Selection {
    if (this.#listing === undefined && !this.#isBlind) return UNDECIDED
    const rangesOf = (wanted: Chosen) =>
      this.items.flatMap((it, i) => (wanted.has(i) ? it.ranges : []))
    const asked = onDemand.flatMap((it) => it.ranges)
    const fixed = this.#fixed()
    const keep = [...fixed, ...asked, ...rangesOf(chosen)]
    const fetch = merged([...fixed, ...asked, ...rangesOf(fetched)])
    if (this.#listing === undefined || this.#listing.missing === 0)
      return { fetch, keep: merged(keep) }
    if (this.#isComing(Date.now())) return { fetch, keep: UNDECIDED.keep }
    // Unknown records may lie anywhere: only what is known to be contents of others may go, and what is too old to list.
    const { issues, letters } = this.#listing
    const others = [...issues.flatMap((it) => contentsOf(it)), ...letters.map(contentRange)]
    if (this.#listing.isCut) others.push({ start: 0, end: this.#listing.positions.at(-1) ?? 0 })
    const dropped = without(merged(others), merged(keep))
    return { fetch, keep: without([{ start: 0, end: Infinity }], dropped) }
  }

  /** How many bytes of an item are not here yet, about. */
  missingBytes(item: number): number {
    const { ranges, bytes } = this.items[item] ?? { ranges: [], bytes: 0 }
    if (!this.isOpen) return 0
    const blocks = ranges.reduce((sum, it) => sum + it.end - it.start, 0)
    const held = ranges.reduce((sum, it) => sum + this.feed.log.countHeld(it), 0)
    return held >= blocks ? 0 : bytes * (1 - held / blocks)
  }

  /** A while has passed: where nothing has come in it, more is fetched side by side. */
  onPause(): void {
    const { heldBlocks } = this.feed
    const isStalled = heldBlocks === this.#heldBefore
    this.stepsAtOnce = isStalled ? Math.min(this.stepsAtOnce * 2, MOST_STEPS) : 1
    this.#heldBefore = heldBlocks
  }

  // A closed log has no length.
  #measure(): void {
    if (!this.isOpen) return
    const { log } = this.feed
    this.#length = log.length
    this.#wholeBytes = diskBytes(log.byteLength, log.length)
    const held = log.countHeld({ start: 0, end: log.length })
    this.#heldBytes = log.length === 0 ? 0 : this.#wholeBytes * (held / log.length)
  }

  // Records are on their way; which issues are the newest is not known before.
  #isComing(nowMs: number): boolean {
    return this.#incompleteSince !== undefined && nowMs - this.#incompleteSince < RECORDS_MS
  }

  // What is read to find all the rest.
  #fixed(): BlockRange[] {
    this.#measure()
    const length = this.#length
    if (length === 0) return []
    const { positions = [], profile } = this.#listing ?? {}
    return [0, length - 1, profile?.index ?? 0, ...positions].map(only)
  }

  async #limited(
    issues: readonly LocatedIssue[],
    { keep, starred }: Wanted,
    nowMs: number,
  ): Promise<UsageItem[]> {
    const sized: (UsageItem & { readonly publishedAtMs: number })[] = []
    const sizeOf = this.#sizes.of(issues)
    const letters = lettersOfIssues(this.#listing ?? NOTHING, issues)
    for (const issue of issues) {
      const { number, publishedAt } = issue.record
      const isPinned = starred.has(number)
      // A star keeps the pictures too.
      const textOnly = keep.textOnly === true && !isPinned
      const written = letters.get(number) ?? []
      const ranges = merged([...contentsOf(issue, { textOnly }), ...written])
      const bytes = (await sizeOf(issue, textOnly)) + (await this.#sizes.ofBlocks(written))
      sized.push({ number, ranges, bytes, isPinned, publishedAtMs: Date.parse(publishedAt) })
    }
    return applyPolicy(sized, keep, nowMs)
  }

  // The newest pieces, as many as the policy lets; none of its other limits can be applied.
  #pieces({ atMostBytes = Infinity }: Keep): UsageItem[] {
    const { length } = this.feed
    this.#pieceBlocks ||= Math.max(1, Math.floor(PIECE_BYTES / this.#sizes.averageBlockBytes))
    const size = this.#pieceBlocks
    const items: UsageItem[] = []
    let sum = 0
    for (let start = Math.floor((length - 1) / size) * size; start >= 0; start -= size) {
      const end = Math.min(length, start + size)
      const bytes = diskBytes((end - start) * this.#sizes.averageBlockBytes, end - start)
      if ((sum += bytes) > atMostBytes) break
      items.push({ number: undefined, ranges: [{ start, end }], bytes, isPinned: false })
    }
    return items
  }
}

// The newest issues without a gap.
function beforeGap(issues: readonly LocatedIssue[], isGapped: boolean): readonly LocatedIssue[] {
  if (!isGapped) return issues
  const gap = issues.findIndex(
    (it, i) => i > 0 && it.record.number !== (issues[i - 1]?.record.number ?? 0) - 1,
  )
  return gap < 0 ? issues : issues.slice(0, gap)
}

/** Letters that have their place beside issues where not everything has one: the newest. */
const MOST_LETTERS = 2_048

/**
 * The contents of letters by the numbers of the issues that they stay with: those that they are about, or else the newest
 * one when they were published.
 * @param issues newest first
 */
function lettersOfIssues(
  { letters }: Pick<Listing, 'letters'>,
  issues: readonly LocatedIssue[],
): ReadonlyMap<number, readonly BlockRange[]> {
  const numbers = new Set(issues.map((it) => it.record.number))
  const found = new Map<number, BlockRange[]>()
  for (const it of letters.slice(0, MOST_LETTERS)) {
    if (it.withdrawn !== undefined) continue
    const isThere = it.issue !== undefined && numbers.has(it.issue)
    const before = isThere ? undefined : issues.find(({ index }) => index < it.block)
    const number = isThere ? it.issue : before?.record.number
    if (number === undefined) continue
    const ranges = found.get(number) ?? []
    ranges.push(contentRange(it))
    found.set(number, ranges)
  }
  return found
}
