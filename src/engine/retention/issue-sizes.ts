import type { BlockRange } from '../../format/block-ranges.ts'
import type { Feed, LocatedIssue } from '../../format/feed.ts'
import type { Edition } from '../../format/history/corrections.ts'
import { diskBytes } from '../../log/store/disk.ts'

/** What a block of content has at most, by the format. */
const CONTENT_BLOCK_BYTES = 64 * 1024

/** Largest number of ranges whose sizes are read from the tree; neighbours in a longer log share a range. */
const MOST_GROUPS = 2_048

/**
 * What issues take on the disk, here or not. From the tree, so that no record can lie about it: for each entry, or, in
 * a long log, for each few neighbours together, of which every block then counts the same.
 */
export class IssueSizes {
  readonly #feed: Feed
  /** Bytes of ranges of blocks. */
  readonly #known = new Map<string, number>()

  constructor(feed: Feed) {
    this.#feed = feed
  }

  get averageBlockBytes(): number {
    const { byteLength, length } = this.#feed.log
    return Math.max(1, byteLength / Math.max(1, length))
  }

  /** Gives what each of these issues takes, with or without its attachments. */
  of(issues: readonly LocatedIssue[]): (issue: LocatedIssue, textOnly: boolean) => Promise<number> {
    const entryBytes = this.#entryBytesOf(issues)
    return async (issue, textOnly) => {
      let sum = 0
      for (const edition of [issue, ...issue.amendments]) {
        const { start, end } = this.#feed.entryRange(edition)
        const whole = await entryBytes(edition)
        const { blocks, bytes } = edition.record.body
        sum += textOnly
          ? diskBytes(Math.min(whole, Math.max(bytes, blocks * CONTENT_BLOCK_BYTES)), blocks + 1)
          : diskBytes(whole, end - start)
      }
      return sum
    }
  }

  /** What blocks take that lie anywhere. */
  async ofBlocks(ranges: readonly BlockRange[]): Promise<number> {
    let sum = 0
    for (const it of ranges) sum += diskBytes(await this.#rangeBytes(it), it.end - it.start)
    return sum
  }

  #entryBytesOf(issues: readonly LocatedIssue[]): (edition: Edition) => Promise<number> {
    const together = 2 ** Math.max(0, Math.ceil(Math.log2(issues.length / MOST_GROUPS)))
    const groups = new Map<number, BlockRange & { blocks: number }>()
    const groupOf = ({ record }: Edition) => Math.floor(record.number / together)
    for (const it of issues) {
      const { start, end } = this.#feed.entryRange(it)
      const before = groups.get(groupOf(it)) ?? { start, end, blocks: 0 }
      const blocks = before.blocks + end - start
      const range = { start: Math.min(start, before.start), end: Math.max(end, before.end) }
      groups.set(groupOf(it), { ...range, blocks })
    }
    return async (edition) => {
      const own = this.#feed.entryRange(edition)
      const blocks = own.end - own.start
      const isAmendment = edition.record.type === 'amendment'
      if (isAmendment && together > 1) return blocks * this.averageBlockBytes
      const group = (isAmendment ? undefined : groups.get(groupOf(edition))) ?? { ...own, blocks }
      const bytes = await this.#rangeBytes(group)
      return bytes * (blocks / group.blocks)
    }
  }

  async #rangeBytes({ start, end }: BlockRange): Promise<number> {
    const key = `${start}-${end}`
    const known = this.#known.get(key) ?? (await this.#feed.log.rangeBytes({ start, end }))
    if (known === undefined) return (end - start) * this.averageBlockBytes
    this.#known.set(key, known)
    return known
  }
}
