import * as z from 'zod/mini'
import { HyperletterError, attempt } from '../../errors.ts'
import {
  contentComplaint,
  MAX_ATTACHMENT_BYTES,
  MAX_BODY_BYTES,
  overlap,
  type Content,
  amendmentBody,
  issueBody,
  MARKDOWN,
  newsletterBody,
  retractionBody,
  type Amendment,
  type Issue,
  type Newsletter,
  type Retraction,
} from './bodies.ts'
import {
  LETTER_HEAD_BYTES,
  LETTER_MEDIA_TYPE,
  lettersBody,
  MAX_LETTER_BYTES,
  type AcceptedLetters,
} from './letters.ts'

/** Format version, and the mark by which a block is known to be a record. */
export const FORMAT_VERSION = 1

/** Largest record block in bytes. One block of this size is read to learn about an issue, so it stays small. */
export const MAX_RECORD_BYTES = 64 * 1024

/** Pointers to preceding records: a log of n records is listed from its head in n / 32 round trips. */
export const MAX_PREVIOUS = 32

const envelope = z.looseObject({
  hyperletter: z.literal(FORMAT_VERSION, {
    error: ({ input }) =>
      typeof input === 'number' && input > FORMAT_VERSION
        ? 'is of a newer format than this version reads'
        : 'does not mark it as a record',
  }),
  type: z
    .string()
    .check(z.maxLength(64), z.regex(/^[a-z][a-z0-9._-]*$/, 'must be the name of a type')),
  // As one check: for each number of its own zod takes as long as for a field.
  previous: z.custom<number[]>(isPointers, `must be at most ${MAX_PREVIOUS} block indexes`),
  profile: z.optional(z.int().check(z.nonnegative())),
})
type Envelope = z.infer<typeof envelope>

function isPointers(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= MAX_PREVIOUS &&
    value.every((it) => Number.isSafeInteger(it) && it >= 0)
  )
}

/** What a record of each type says. */
export const BODIES = {
  newsletter: newsletterBody,
  issue: issueBody,
  amendment: amendmentBody,
  letters: lettersBody,
  retraction: retractionBody,
}

interface Position {
  /** Block indexes of preceding records, newest first, strictly decreasing. */
  readonly previous: readonly number[]
  /** Block index of the newest `newsletter` record before this one. */
  readonly profile?: number | undefined
}
export type NewsletterRecord = Position & Newsletter & { readonly type: 'newsletter' }
export type IssueRecord = Position & Issue & { readonly type: 'issue' }
export type AmendmentRecord = Position & Amendment & { readonly type: 'amendment' }
export type LettersRecord = Position & AcceptedLetters & { readonly type: 'letters' }
export type RetractionRecord = Position & Retraction & { readonly type: 'retraction' }
/** What this version writes. */
export type WritableRecord =
  NewsletterRecord | IssueRecord | AmendmentRecord | RetractionRecord | LettersRecord
/** A record of a type that this version does not know: skipped and counted, never an error. */
export type UnknownRecord = Position & { readonly type: 'unknown'; readonly originalType: string }
export type HyperletterRecord = WritableRecord | UnknownRecord

/**
 * One record as a block: UTF-8 JSON.
 * @throws INVALID_RECORD if it could not be decoded again at `index`; TOO_LARGE over 64 KiB.
 */
export function encodeRecord(record: WritableRecord, index: number): Uint8Array {
  const block = new TextEncoder().encode(JSON.stringify({ hyperletter: FORMAT_VERSION, ...record }))
  if (block.byteLength > MAX_RECORD_BYTES) {
    const message = `The record takes ${block.byteLength} bytes; ${MAX_RECORD_BYTES} is the limit.`
    throw new HyperletterError('TOO_LARGE', message, {
      hint: 'Use fewer attachments, or shorter texts about them.',
    })
  }
  decodeRecord(block, index)
  return block
}

/**
 * The record in the block at `index`, checked in itself: shape, limits, pointers that only go back,
 * contents that lie inside its own entry. Whether the blocks it points at exist is for the reader of them.
 * @throws INVALID_RECORD saying what is wrong.
 */
export function decodeRecord(block: Uint8Array, index: number): HyperletterRecord {
  const head = validate(envelope, parse(block, index), index)
  checkPointers(head, index)
  const { hyperletter: _version, ...fields } = head
  if (!isKnown(head.type)) return { ...position(head), type: 'unknown', originalType: head.type }
  const body = validate<object>(BODIES[head.type], fields, index)
  const record = { ...position(head), ...body, type: head.type } as WritableRecord
  if (record.type === 'issue' || record.type === 'amendment') checkContents(record, head, index)
  if (record.type === 'letters') checkLetters(record.letters, head, index)
  return record
}

function isKnown(type: string): type is keyof typeof BODIES {
  return Object.hasOwn(BODIES, type)
}

function position(head: Envelope): Position {
  return head.profile === undefined
    ? { previous: head.previous }
    : { previous: head.previous, profile: head.profile }
}

function parse(block: Uint8Array, index: number): unknown {
  if (block.byteLength > MAX_RECORD_BYTES) throw invalid(index, `is ${block.byteLength} bytes long`)
  try {
    return parseJson(block)
  } catch (error) {
    throw invalid(index, error instanceof Error ? error.message : String(error), error)
  }
}

// The small zod has no words of its own, and those that it comes with are as long as half of it.
const UNITS = new Map([
  ['string', ' characters'],
  ['array', ' items'],
])
const words: z.core.$ZodErrorMap = (issue) => {
  const unit = typeof issue.origin === 'string' ? (UNITS.get(issue.origin) ?? '') : ''
  if (issue.input === undefined) return 'is missing'
  if (issue.code === 'invalid_type') return `must be of type ${issue.expected}`
  if (issue.code === 'too_big') return `must be at most ${issue.maximum}${unit}`
  if (issue.code === 'too_small') return `must be at least ${issue.minimum}${unit}`
  return issue.code === 'invalid_value' ? `must be ${issue.values.join(' or ')}` : 'is malformed'
}

// Without code that zod would generate: making it costs the first record 5 ms, and pages with a strict
// content-security policy forbid it.
function validate<T>(schema: z.ZodMiniType<T>, json: unknown, index: number): T {
  const result = schema.safeParse(json, { jitless: true, error: words })
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw invalid(index, `${issue?.path.join('.') || 'record'}: ${issue?.message ?? 'not valid'}`)
}

function checkPointers(head: Envelope, index: number): void {
  const { previous, profile } = head
  let before = index
  for (const pointer of previous) {
    if (pointer >= before) throw invalid(index, 'previous: must point back, newest first')
    before = pointer
  }
  if (index === 0) {
    if (head.type !== 'newsletter') throw invalid(index, 'type: the first record is a newsletter')
    if (profile !== undefined) throw invalid(index, 'profile: must be absent in the first record')
    return
  }
  if (previous.length === 0) throw invalid(index, 'previous: may be empty in block 0 only')
  if (profile === undefined) throw invalid(index, 'profile: is missing')
  // The pointers leave out no record, so the profile is one of them or lies before them all.
  if (profile >= before && !previous.includes(profile)) {
    throw invalid(index, 'profile: must point back to a record')
  }
}

function checkContents(
  issue: Pick<Issue, 'body' | 'attachments'>,
  head: Envelope,
  index: number,
): void {
  if (issue.body.mediaType !== MARKDOWN) throw invalid(index, `body.mediaType: must be ${MARKDOWN}`)
  checkContent(issue.body, 'body', MAX_BODY_BYTES, head, index)
  const names = new Set<string>()
  for (const it of issue.attachments) {
    checkContent(it, `attachment ${it.name}`, MAX_ATTACHMENT_BYTES, head, index)
    if (names.has(it.name)) throw invalid(index, `attachment ${it.name}: named twice`)
    names.add(it.name)
  }
  if (overlap([issue.body, ...issue.attachments])) {
    throw invalid(index, 'two contents share a block')
  }
}

function checkLetters(letters: AcceptedLetters['letters'], head: Envelope, index: number): void {
  let before = 0
  for (const it of letters) {
    checkContent(it, `letter ${it.number}`, LETTER_HEAD_BYTES + MAX_LETTER_BYTES, head, index)
    if (it.blocks !== 1 || it.encoding !== undefined || it.mediaType !== LETTER_MEDIA_TYPE)
      throw invalid(index, `letter ${it.number}: is not one block with a letter`)
    if (it.number <= before) throw invalid(index, `letter ${it.number}: comes after ${before}`)
    before = it.number
  }
  if (overlap(letters)) throw invalid(index, 'two contents share a block')
}

function checkContent(it: Content, name: string, maxBytes: number, head: Envelope, index: number) {
  const entryStart = (head.previous[0] ?? -1) + 1
  if (it.block < entryStart || it.block + it.blocks > index) {
    throw invalid(index, `${name}: lies outside of its entry`)
  }
  const complaint = contentComplaint(it, maxBytes)
  if (complaint !== undefined) throw invalid(index, `${name}: ${complaint}`)
}

function invalid(index: number, what: string, cause?: unknown): HyperletterError {
  return new HyperletterError('INVALID_RECORD', `Block ${index} is not a valid record: ${what}.`, {
    cause,
  })
}

/**
 * Whether a block calls itself a record at all, of whatever version. A block of an encrypted core
 * that is read without its key, or with a wrong one, does not.
 */
export function claimsToBeRecord(block: Uint8Array): boolean {
  if (block.byteLength > MAX_RECORD_BYTES) return false
  const json = attempt(() => parseJson(block))
  return typeof json === 'object' && json !== null && 'hyperletter' in json
}

/**
 * Deepest nesting of objects and arrays in a record. Known fields use 3 levels; without a limit a
 * small block could nest 30,000 levels and overflow the stack of any code that prints or copies it.
 */
export const MAX_JSON_DEPTH = 32

// ignoreBOM keeps a byte order mark in the text, where the JSON parser then refuses it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A block as JSON that is safe to copy, merge and print again: UTF-8 without byte order mark, at most
 * `MAX_JSON_DEPTH` levels, well-formed Unicode, finite numbers, no member named `__proto__`.
 * Of two members with one name the last counts.
 * @throws Error saying what is wrong, in words that follow "Block 7 …".
 */
export function parseJson(block: Uint8Array): unknown {
  let json: unknown
  try {
    json = JSON.parse(utf8.decode(block))
  } catch (cause) {
    throw new Error('is not UTF-8 JSON', { cause })
  }
  check(json, MAX_JSON_DEPTH)
  return json
}

function check(value: unknown, levelsLeft: number): void {
  if (typeof value === 'string') checkText(value)
  // JSON.parse turns 1e400 into Infinity, which no JSON can hold again.
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new Error('has a number too large')
  if (typeof value !== 'object' || value === null) return

  if (levelsLeft === 0) throw new Error(`nests deeper than ${MAX_JSON_DEPTH} levels`)
  if (Array.isArray(value)) {
    for (const item of value) check(item, levelsLeft - 1)
    return
  }
  for (const [name, member] of Object.entries(value)) {
    // Harmless here, but an assignment of it anywhere later would replace a prototype.
    if (name === '__proto__') throw new Error('has a member named __proto__')
    checkText(name)
    check(member, levelsLeft - 1)
  }
}

function checkText(text: string): void {
  if (!text.isWellFormed()) throw new Error('has a lone surrogate, which is not Unicode text')
}
