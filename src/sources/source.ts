import { HyperletterError, type ErrorCode } from '../errors.ts'
import type { NamedAuthor } from '../format/records/text.ts'

/** A file that travels with an issue. Its bytes are not read before the issue is published. */
export interface DraftAttachment {
  /** As the text refers to it, without `./` and percent signs. */
  readonly name: string
  readonly mediaType: string
  readonly alt?: string
  /** As far as it is known before the bytes are read. */
  readonly sizeBytes: number
  /** The bytes. @throws INVALID_DRAFT where they cannot be read any more */
  open(): Promise<Uint8Array>
  /** The same, of a picture that stands in the text: who keeps many drafts may put it somewhere else. */
  readonly bytes?: Uint8Array
}

/** A link of a draft whose target only the source it is from can tell. */
export interface DraftLink {
  /** As written. */
  readonly target: string
  /** Line of the file, from 1. */
  readonly line: number
  /** Position of the target in the Markdown; absent if it cannot be changed. */
  readonly place?: { readonly start: number; readonly end: number }
}

/** Something an author should know about a draft that can be published all the same. */
export interface DraftWarning {
  /** What it is about, for programs. */
  readonly kind?: 'missing-file' | 'unshown-picture' | 'large-picture' | 'dead-link' | 'head'
  readonly message: string
  /** Line of the file, from 1. */
  readonly line?: number
}

/** What an import leaves out unless it is asked for. */
export const WITHHELD_KINDS = [
  'drafts',
  'private',
  'scheduled',
  'expired',
  'templates',
  'extras',
] as const
export type WithheldKind = (typeof WITHHELD_KINDS)[number]

/**
 * What becomes of files without a date in their head, name or path: they come last, in the order of their names; they
 * are dated by the commit that added them; or they are left out.
 */
export const UNDATED = ['names', 'git', 'skip'] as const

/** Why a text is not meant for everybody, or not now. */
export interface Withheld {
  readonly kind: WithheldKind
  readonly message: string
  /** Line of the file, from 1. */
  readonly line?: number
}

/** An issue before it is signed: everything checked against the limits of the records. */
export interface Draft {
  readonly title: string
  readonly summary?: string
  readonly authors?: NamedAuthor[]
  readonly tags?: string[]
  readonly language?: string
  /** ISO 8601 in UTC. */
  readonly publishedAt: string
  /** The text below the head, byte for byte but for what `readDialects` puts in the words of Markdown. */
  readonly markdown: string
  readonly attachments: readonly DraftAttachment[]
  /** Links that lead neither to the web nor to an attachment, in the order of the text. */
  readonly links?: readonly DraftLink[]
  /** Where the text was on its site, without the host: what its head says of its address, and of older ones. */
  readonly addresses?: readonly string[]
  readonly warnings: readonly DraftWarning[]
  /** How `publishedAt` was found. */
  readonly dateFrom: 'head' | 'name' | 'git' | 'file' | 'now'
  /** Its head calls it a page of a site. */
  readonly isPage?: true
  /** The number that the head claims; the log gives the real one. */
  readonly declaredNumber?: number
  /** Line of the file, from 1, at which `markdown` begins. */
  readonly bodyLine?: number
  /** When it is to be published, by its head; ISO 8601 in UTC. */
  readonly publishAt?: string
  /** What its head says against publishing it, where that was to be published all the same. */
  readonly withheld?: Withheld
}

// Made for the first comparison: it takes 2 MB of memory, and every command loads this module.
let natural: Intl.Collator | undefined

/** A draft of a source. */
export interface FoundDraft {
  /** Names it within its source, the same in every run: the record of its issue says `importedFrom`. */
  readonly origin: string
  readonly draft: Draft
  /** Adds what is on the web, such as pictures; for a draft that is published next. */
  readonly finish?:
    | ((draft: Draft, options: { readonly signal: AbortSignal | undefined }) => Promise<Draft>)
    | undefined
}

/** Something in a source that is not published, and why. */
export interface SkippedDraft {
  readonly origin: string
  readonly code: ErrorCode
  readonly message: string
  /** It is no post: a picture, a link, a file of another kind. */
  readonly other?: true
}

/** What a source has: a draft, or something that is not published. */
export type SourceItem = FoundDraft | SkippedDraft

/**
 * Where an import finds its drafts: a folder of Markdown files, or the export of another service. A new
 * one is one file in this folder; `draftFromMarkdown` checks the texts it finds.
 */
export interface DraftSource {
  /**
   * Everything in the source, in any order; nothing is changed.
   * @throws INVALID_INPUT if there is no such source.
   */
  drafts(options: { readonly signal?: AbortSignal | undefined }): AsyncIterable<SourceItem>
  /** How its drafts link to each other: by paths, as `linkPosts` reads them, or as `linkAddresses` does. */
  readonly linkedBy?: 'paths' | 'addresses'
  /** Gives back what its drafts read from, once all of them are published. */
  close?(): Promise<void>
}

/**
 * The order in which the drafts of a source become issues: by number if each says one of its own, as an exported
 * newsletter does; else those that say their date by date, then all others by origin, where `issue-9` comes before
 * `issue-10`.
 */
export function inPublishingOrder<
  T extends Pick<FoundDraft, 'origin'> & {
    draft: Pick<Draft, 'publishedAt' | 'dateFrom' | 'declaredNumber'>
  },
>(drafts: readonly T[]): T[] {
  // A draft may have to be read from the disk.
  const all = drafts.map((it) => {
    const { publishedAt, declaredNumber: number, ...head } = it.draft
    return { it, number, time: Date.parse(publishedAt), isDated: isDated(head) }
  })
  type Ordered = (typeof all)[number]
  const byOrigin = (a: Ordered, b: Ordered) => compareNaturally(a.it.origin, b.it.origin)
  const numbers = new Set(all.map(({ number }) => number))
  const isNumbered = numbers.size === all.length && !numbers.has(undefined)
  const order = isNumbered
    ? (a: Ordered, b: Ordered) => (a.number ?? 0) - (b.number ?? 0)
    : (a: Ordered, b: Ordered) =>
        Number(b.isDated) - Number(a.isDated) || (a.isDated ? a.time - b.time : 0) || byOrigin(a, b)
  return all.toSorted(order).map(({ it }) => it)
}

/** Whether a draft says its date itself, and need not be dated by its file. */
export function isDated({ dateFrom }: Pick<Draft, 'dateFrom'>): boolean {
  return dateFrom !== 'file' && dateFrom !== 'now'
}

/** Folder by folder, numbers by their value; equal only if the paths are. */
export function compareNaturally(a: string, b: string): number {
  const [left, right] = [a.split(/[\\/]/), b.split(/[\\/]/)]
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [one = '', other = ''] = [left[at], right[at]]
    if (one === other) continue
    const order = orderOfCodes(one, other) || naturalOrder(one, other)
    if (order !== 0) return order
  }
  return left.length - right.length || (a < b ? -1 : Number(a > b))
}

function naturalOrder(a: string, b: string): number {
  natural ??= new Intl.Collator('en', { numeric: true })
  return natural.compare(a, b)
}

/** Of these, the order of their codes is that of a collator, but for numbers. */
const ORDERED_BY_CODES = /^[a-z\d.-]*$/

/** What a collator says of two texts that differ, as far as that is plain without one; else 0 or NaN. */
function orderOfCodes(a: string, b: string): number {
  if (!ORDERED_BY_CODES.test(a) || !ORDERED_BY_CODES.test(b)) return 0
  let at = 0
  while (a[at] === b[at]) at++
  const [next = '', other = ''] = [a[at], b[at]]
  const digits = /\d*$/.exec(a.slice(0, at))?.[0] ?? ''
  if (/\d/.test(next + other)) {
    const [number = '', than = ''] = [a, b].map((it) => digits + leadingDigits(it.slice(at)))
    if (number !== '' && than !== '') return Number(number) - Number(than)
  }
  return next < other ? -1 : 1
}

function leadingDigits(text: string): string {
  return /^\d*/.exec(text)?.[0] ?? ''
}

/** A failure to read one draft, as the reason to skip it. */
export function skippedFor(origin: string, error: unknown): SkippedDraft {
  const { code, message } = HyperletterError.from(error)
  return { origin, code, message }
}

/** Where an address leads, seen from another one; undefined where it leads nowhere. */
export function resolved(
  address: string | undefined,
  from: string | undefined,
): string | undefined {
  return address !== undefined && URL.canParse(address, from)
    ? new URL(address, from).href
    : undefined
}

/** Text of a stranger for a message, which reaches a terminal: its beginning, without what drives one. */
export function printable(text: string, maxCharacters = 64): string {
  return text.slice(0, maxCharacters).replaceAll(/\p{C}/gu, '?')
}

/**
 * `INVALID_DRAFT` with words for the author.
 * @param details.line Line of the file, from 1, where the mistake is.
 */
export function invalidDraft(
  message: string,
  details: { line?: number | undefined; hint?: string; cause?: unknown } = {},
): HyperletterError {
  const { line, hint, cause } = details
  const text = line === undefined ? message : `Line ${line}: ${message}`
  return new HyperletterError('INVALID_DRAFT', text, { hint, cause })
}
