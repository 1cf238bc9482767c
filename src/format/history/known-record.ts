import { attachment } from '../records/bodies.ts'
import { letter, letterAnswer, letterWithdrawal } from '../records/letters.ts'
import { BODIES, type HyperletterRecord, type WritableRecord } from '../records/record.ts'
import { author } from '../records/text.ts'

/** Instead of a record: the block is none, it cannot be had now, its type is not known, or a newer profile counts. */
export const INVALID = Symbol('invalid')
export const MISSING = Symbol('missing')
export const UNKNOWN = Symbol('unknown')
export const SUPERSEDED = Symbol('superseded')

/** A block that was taken for a record, and what is remembered of it. */
export interface KnownRecord {
  readonly index: number
  /** Of the block; 0 while it is missing. */
  readonly bytes: number
  readonly record:
    WritableRecord | typeof INVALID | typeof MISSING | typeof UNKNOWN | typeof SUPERSEDED
}

/** The newest records of a log without a gap: all of them, or as many as may be listed. */
export interface KnownPart {
  /** Blocks of the log that it was read from. */
  readonly length: number
  /** Ascending. */
  readonly records: readonly KnownRecord[]
  /** Older records were left out. */
  readonly isCut: boolean
}

/** Keeps the known part of a log between runs. It is a cache: without it, the log is read again. */
export interface KnownPartStore {
  /** Undefined where there is none, or none that belongs to the log as it is now. */
  load(): Promise<KnownPart | undefined>
  save(part: KnownPart): Promise<void>
}

/** How much of one log is listed, from its head; records behind that exist, but nobody has to hold them in memory. */
export interface ListingLimits {
  readonly records: number
  readonly bytes: number
}

/** 100,000 short issues are 50 MB. Stuffed with all the fields that are allowed, this takes about 200 MiB of memory. */
export const LISTING_LIMITS: ListingLimits = { records: 2 ** 18, bytes: 64 * 2 ** 20 }

/** What is left of the limits during one walk. */
export class ListingBudget {
  #records: number
  #bytes: number

  constructor({ records, bytes }: ListingLimits) {
    this.#records = records
    this.#bytes = bytes
  }

  spend({ bytes }: KnownRecord): void {
    this.#records--
    this.#bytes -= bytes
  }

  get isSpent(): boolean {
    return this.#records <= 0 || this.#bytes <= 0
  }

  /** How many records of the largest size fit, at least one. */
  recordsOf(largestBytes: number): number {
    return Math.max(1, Math.floor(Math.min(this.#records, this.#bytes / largestBytes)))
  }
}

const CONTENT_FIELDS = Object.keys(attachment.shape)
/** Lists of a record, with the fields of their members. */
const LISTS = {
  authors: Object.keys(author.shape),
  attachments: CONTENT_FIELDS,
  letters: Object.keys(letter.shape),
  answers: Object.keys(letterAnswer.shape),
  withdrawn: Object.keys(letterWithdrawal.shape),
}
/** What was validated, by type: a field that another type has may be anything. */
const FIELDS = new Map<string, readonly string[]>(
  Object.entries(BODIES).map(([type, { shape }]) => [
    type,
    ['type', 'profile', ...Object.keys(shape)],
  ]),
)

/** A record without the fields that this version does not know, and with the first of its pointers alone. */
export function compactRecord<R extends HyperletterRecord>(record: R): R {
  const kept = pick(record, FIELDS.get(record.type) ?? ['type', 'profile'])
  const { body } = kept as { body?: object }
  const lists = Object.entries(LISTS).flatMap(([name, fields]) => {
    // What a profile says of letters has the name of a list, and is none.
    const list: unknown = kept[name as keyof R]
    return Array.isArray(list) ? [[name, list.map((it: object) => pick(it, fields))]] : []
  })
  const compact = {
    ...kept,
    previous: record.previous.slice(0, 1),
    ...(body && { body: pick(body, CONTENT_FIELDS) }),
    ...(Object.fromEntries(lists) as object),
  }
  // What the parser makes takes half the memory of objects that grew member by member.
  return JSON.parse(JSON.stringify(compact)) as R
}

function pick<T extends object>(value: T, fields: readonly string[]): T {
  const kept: Record<string, unknown> = {}
  for (const name of fields) {
    const field: unknown = value[name as keyof T]
    if (field !== undefined) kept[name] = field
  }
  return kept as T
}
