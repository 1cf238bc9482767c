import type {
  AmendmentRecord,
  IssueRecord,
  RetractionRecord,
  NewsletterRecord,
} from '../records/record.ts'
import { only, without, type BlockRange } from '../block-ranges.ts'
import type { Content } from '../records/bodies.ts'
import type { AcceptedLetter } from '../records/letters.ts'

/** A record and the block it lies in. */
export interface Located<R> {
  readonly index: number
  readonly record: R
}

/** An issue with what its author said of it later. */
export interface LocatedIssue extends Located<IssueRecord> {
  /** Newer editions, newest first; the first one is what readers show. */
  readonly amendments: readonly Located<AmendmentRecord>[]
  readonly retraction?: Located<RetractionRecord>
}

/** A letter that the author accepted, with what was said of it later. */
export interface ListedLetter extends AcceptedLetter {
  /** It is shown no more. */
  readonly withdrawn?: { readonly reason?: string | undefined }
}

const NONE: LocatedIssue['amendments'] = []

interface Pending {
  amendments: Located<AmendmentRecord>[]
  retraction?: Located<RetractionRecord>
}

/**
 * Matches corrections to issues while a log is walked from its head: a correction is met before the
 * issue it is about. One for an issue that did not exist yet, or exists no more, counts for nothing.
 */
export class Corrections {
  readonly #pending = new Map<number, Pending>()
  readonly #settled = new Set<number>()
  /** Corrections of issues that did not exist when they were written, or no more. */
  #stray = 0

  amend(amendment: Located<AmendmentRecord>): void {
    this.#of(amendment.record.number)?.amendments.push(amendment)
  }

  /** What was retracted cannot be corrected any more: what was met of it so far, all newer, is void. */
  retract(retraction: Located<RetractionRecord>): void {
    const pending = this.#of(retraction.record.number)
    if (pending === undefined) return
    this.#stray += pending.amendments.length + (pending.retraction === undefined ? 0 : 1)
    pending.amendments = []
    pending.retraction = retraction
  }

  /** The issue with its corrections, all of which have been met. */
  attach(issue: Located<IssueRecord>): LocatedIssue {
    const { index, record } = issue
    const { amendments = NONE, retraction } = this.#pending.get(record.number) ?? {}
    this.#pending.delete(record.number)
    this.#settled.add(record.number)
    return retraction === undefined
      ? { index, record, amendments }
      : { index, record, amendments, retraction }
  }

  /** Corrections that are about no issue, once the walk has ended. */
  get strays(): number {
    let strays = this.#stray
    for (const { amendments, retraction } of this.#pending.values()) {
      strays += amendments.length + (retraction === undefined ? 0 : 1)
    }
    return strays
  }

  #of(number: number): Pending | undefined {
    if (this.#settled.has(number)) {
      this.#stray++
      return undefined
    }
    const pending = this.#pending.get(number) ?? { amendments: [] }
    this.#pending.set(number, pending)
    return pending
  }
}

/** One text of an issue: the first, or a newer one. */
export type Edition = Located<IssueRecord | AmendmentRecord>

/** All editions of an issue, oldest first: edition 1 is the issue as first published. */
export function editionsOf({ index, record, amendments }: LocatedIssue): readonly Edition[] {
  return [{ index, record }, ...amendments.toReversed()]
}

/** The edition that readers show: the newest. */
export function newestEdition(issue: LocatedIssue): Edition {
  return issue.amendments[0] ?? issue
}

export function contentRange({ block, blocks }: Content): BlockRange {
  return { start: block, end: block + blocks }
}

/**
 * The contents of all issues that their author took back, of each edition, and of letters. Never a record, nor a block
 * that another issue needs: a hostile author could name those as contents too.
 */
export function retractedContents({
  issues,
  profile,
  letters = [],
}: {
  readonly issues: readonly LocatedIssue[]
  readonly profile?: Located<NewsletterRecord> | undefined
  readonly letters?: readonly ListedLetter[] | undefined
}): BlockRange[] {
  const retracted = issues.filter((it) => it.retraction !== undefined)
  const withdrawn = letters.filter((it) => it.withdrawn !== undefined)
  if (retracted.length + withdrawn.length === 0) return []
  const kept = issues.filter((it) => it.retraction === undefined)
  const records = issues.flatMap((it) => recordsOf(it).map((index) => only(index)))
  const needed = [only(0), ...(profile === undefined ? [] : [only(profile.index)]), ...records]
  return without(
    [...retracted.flatMap((it) => contentsOf(it)), ...withdrawn.map(contentRange)],
    [...needed, ...kept.flatMap((it) => contentsOf(it))],
  )
}

/** Indexes of the record of an issue and of all corrections of it. */
export function recordsOf({ index, amendments, retraction }: LocatedIssue): number[] {
  const corrections = [...amendments, ...(retraction === undefined ? [] : [retraction])]
  return [index, ...corrections.map((it) => it.index)]
}

/** The contents of all editions of an issue, or only their texts. */
export function contentsOf(located: LocatedIssue, { textOnly = false } = {}): BlockRange[] {
  const { record, amendments } = located
  return [record, ...amendments.map((it) => it.record)]
    .flatMap(({ body, attachments }) => (textOnly ? [body] : [body, ...attachments]))
    .map(contentRange)
}

/** The issue of a number. @param issues their numbers decrease */
export function numbered(
  issues: readonly LocatedIssue[],
  number: number,
): LocatedIssue | undefined {
  let start = 0
  let end = issues.length
  while (start < end) {
    const middle = (start + end) >>> 1
    if ((issues[middle]?.record.number ?? 0) > number) start = middle + 1
    else end = middle
  }
  const found = issues[start]
  return found?.record.number === number ? found : undefined
}
