import type { Attachment, Content } from '../records/content.ts'
import type { IssueHead } from '../records/issue.ts'
import type { Newsletter } from '../records/newsletter.ts'
import { encodeRecord, MAX_PREVIOUS } from '../records/record.ts'
import type { EncodedContent } from './content.ts'

/** Where the next entry of a log goes, and what its record points back to. */
export interface LogPosition {
  /** Blocks in the core. */
  readonly length: number
  /** Indexes of the newest records, newest first, at most 32. */
  readonly previous: readonly number[]
  /** Index of the newest `newsletter` record; absent in an empty core. */
  readonly profile: number | undefined
  /** Number of the newest issue, 0 before the first. */
  readonly lastNumber: number
}

/** The position of an empty core. */
export const LOG_START: LogPosition = { length: 0, previous: [], profile: undefined, lastNumber: 0 }

/** One atomic append, complete: content blocks, then the record. */
export interface Entry {
  readonly blocks: readonly Uint8Array[]
  /** The position after this entry. */
  readonly next: LogPosition
}

export interface IssueEntry extends Entry {
  readonly number: number
}

export interface AttachedContent extends EncodedContent {
  readonly name: string
  readonly alt?: string
}

/** The entry that opens a log or changes its profile. @throws INVALID_RECORD or TOO_LARGE */
export function composeNewsletter(at: LogPosition, newsletter: Newsletter): Entry {
  const index = at.length
  const block = encodeRecord({ ...newsletter, type: 'newsletter', ...pointers(at) }, index)
  return { blocks: [block], next: { ...advance(at, index), profile: index } }
}

/** The entry of one issue; it gets the next number. @throws INVALID_RECORD or TOO_LARGE */
export function composeIssue(
  at: LogPosition,
  head: IssueHead,
  body: EncodedContent,
  attachments: readonly AttachedContent[],
): IssueEntry {
  let block = at.length
  const place = ({ blocks, bytes, mediaType, encoding }: EncodedContent): Content => {
    const placed = { block, blocks: blocks.length, bytes, mediaType }
    block += blocks.length
    return encoding === undefined ? placed : { ...placed, encoding }
  }
  const placeAttached = (it: AttachedContent): Attachment =>
    it.alt === undefined
      ? { name: it.name, ...place(it) }
      : { name: it.name, alt: it.alt, ...place(it) }

  const number = at.lastNumber + 1
  const issue = { number, ...head, body: place(body), attachments: attachments.map(placeAttached) }
  const index = block
  const record = encodeRecord({ ...issue, type: 'issue', ...pointers(at) }, index)
  return {
    number,
    blocks: [...body.blocks, ...attachments.flatMap((it) => it.blocks), record],
    next: { ...advance(at, index), lastNumber: number },
  }
}

function pointers(at: LogPosition) {
  return at.profile === undefined
    ? { previous: at.previous }
    : { previous: at.previous, profile: at.profile }
}

function advance(at: LogPosition, recordIndex: number): LogPosition {
  return {
    ...at,
    length: recordIndex + 1,
    previous: [recordIndex, ...at.previous].slice(0, MAX_PREVIOUS),
  }
}
