import type {
  Attachment,
  Content,
  AmendmentHead,
  IssueHead,
  Newsletter,
  Retraction,
} from '../records/bodies.ts'
import { LETTER_MEDIA_TYPE, type AcceptedLetter, type AcceptedLetters } from '../records/letters.ts'
import { encodeRecord, MAX_PREVIOUS, type WritableRecord } from '../records/record.ts'
import type { EncodedContent } from '../content/content-codec.ts'

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
  const number = at.lastNumber + 1
  const placed = place(at.length, body, attachments)
  const record = { number, ...head, ...placed.fields, type: 'issue' as const, ...pointers(at) }
  const entry = finish(at, placed.blocks, record)
  return { ...entry, number, next: { ...entry.next, lastNumber: number } }
}

/** The entry of a newer edition of issue `number`. @throws INVALID_RECORD or TOO_LARGE */
export function composeAmendment(
  at: LogPosition,
  number: number,
  head: AmendmentHead,
  body: EncodedContent,
  attachments: readonly AttachedContent[],
): Entry {
  const placed = place(at.length, body, attachments)
  const record = { number, ...head, ...placed.fields, type: 'amendment' as const, ...pointers(at) }
  return finish(at, placed.blocks, record)
}

/** The entry that takes an issue back. @throws INVALID_RECORD */
export function composeRetraction(at: LogPosition, retraction: Retraction): Entry {
  return finish(at, [], { ...retraction, type: 'retraction', ...pointers(at) })
}

/** A letter to be published. */
export interface NewLetter extends Pick<AcceptedLetter, 'from' | 'issue' | 'letter' | 'answer'> {
  /** Its head and content. */
  readonly block: Uint8Array
}

/** The entry of letters that the author accepted, answered later or withdrew. The letters have numbers. @throws INVALID_RECORD */
export function composeLetters(
  at: LogPosition,
  {
    letters,
    ...said
  }: Pick<AcceptedLetters, 'at' | 'answers' | 'withdrawn'> & {
    readonly letters: readonly (NewLetter & Pick<AcceptedLetter, 'number'>)[]
  },
): Entry {
  const placed = letters.map(({ block, ...letter }, i) => ({
    ...letter,
    block: at.length + i,
    blocks: 1,
    bytes: block.byteLength,
    mediaType: LETTER_MEDIA_TYPE,
  }))
  const blocks = letters.map((it) => it.block)
  return finish(at, blocks, { ...said, letters: placed, type: 'letters', ...pointers(at) })
}

interface Placed {
  readonly blocks: readonly Uint8Array[]
  readonly fields: { readonly body: Content; readonly attachments: Attachment[] }
}

// Contents lie one after another, body first, from the first block of the entry.
function place(
  start: number,
  body: EncodedContent,
  attachments: readonly AttachedContent[],
): Placed {
  let block = start
  const next = ({ blocks, bytes, mediaType, encoding }: EncodedContent): Content => {
    const content = { block, blocks: blocks.length, bytes, mediaType }
    block += blocks.length
    return encoding === undefined ? content : { ...content, encoding }
  }
  const nextAttached = (it: AttachedContent): Attachment =>
    it.alt === undefined
      ? { name: it.name, ...next(it) }
      : { name: it.name, alt: it.alt, ...next(it) }
  const fields = { body: next(body), attachments: attachments.map(nextAttached) }
  return { fields, blocks: [...body.blocks, ...attachments.flatMap((it) => it.blocks)] }
}

function finish(at: LogPosition, blocks: readonly Uint8Array[], record: WritableRecord): Entry {
  const index = at.length + blocks.length
  return { blocks: [...blocks, encodeRecord(record, index)], next: advance(at, index) }
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
