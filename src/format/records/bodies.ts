import * as z from 'zod/mini'
import {
  author,
  hostName,
  languageTag,
  line,
  mirrorUrl,
  name,
  paragraph,
  paymentUri,
  timestamp,
  webUrl,
  z32Key,
} from './text.ts'

/**
 * Sizes of content blocks. Every block of a content but its last is exactly as long as one of them, as stored
 * after `encoding` (and before the encryption of a private newsletter, which adds 8 bytes to a block).
 * Per-block cost dominates below 16 KiB, and blocks above 64 KiB queue too long behind slow uplinks.
 */
export const SMALL_BLOCK_BYTES = 16 * 1024
export const CONTENT_BLOCK_BYTES = 64 * 1024

/** Largest issue body, decoded. The longest real issues are 41 KiB; 2 MiB is a novel. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024

/** Largest attachment, decoded. */
export const MAX_ATTACHMENT_BYTES = 256 * 1024 * 1024

/** Attachments of one issue: their descriptions must fit one record of 64 KiB. */
export const MAX_ATTACHMENTS = 128

const blockIndex = z.int().check(z.nonnegative())

/**
 * Where a content lies in its core. `bytes` is the decoded length: what a reader must be ready to
 * hold, known before anything is fetched. Without `encoding` it is the stored length too.
 */
export const contentFields = {
  block: blockIndex,
  blocks: z.int().check(z.positive()),
  bytes: z.int().check(z.positive()),
  mediaType: z
    .string()
    .check(
      z.maxLength(127),
      z.regex(/^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/, 'must be a media type'),
    ),
  /** `gzip`, or nothing. Others may come: such a content cannot be read, but its record is valid. */
  encoding: z.optional(
    z
      .string()
      .check(z.maxLength(32), z.regex(/^[a-z0-9][a-z0-9._-]*$/, 'must be the name of an encoding')),
  ),
}

export const content = z.looseObject(contentFields)
export type Content = z.infer<typeof content>

// Marks that reverse the order in which text is shown: they make `gpj.exe` look like `exe.jpg`.
const BIDI_CONTROL = /[\u202a-\u202e\u2066-\u2069]/

/**
 * The name of an attachment: a relative path with `/` between its segments, as the Markdown refers
 * to it. No `.` or `..` segment, no `\`, no `:`, so that it can become a file below one folder.
 */
export const attachmentName = line(255).check(
  z.refine(
    (path) =>
      path.split('/').every((part) => part !== '' && part !== '.' && part !== '..') &&
      !/[\\:]/.test(path),
    'must be a relative path without . or .. or \\ or :',
  ),
  z.refine((path) => !BIDI_CONTROL.test(path), 'must not contain marks that reverse text'),
)

export const attachment = z.looseObject({
  ...contentFields,
  name: attachmentName,
  alt: z.optional(line(1_024)),
})
export type Attachment = z.infer<typeof attachment>

/** Checks that the declared length and the number of blocks agree; returns the complaint, if any. */
export function contentComplaint(it: Content, maxBytes: number): string | undefined {
  if (it.bytes > maxBytes) return `is ${it.bytes} bytes long, more than ${maxBytes}`
  const most = Math.ceil(it.bytes / SMALL_BLOCK_BYTES)
  const isRight = it.encoding === undefined ? blockBytesOf(it) !== undefined : it.blocks <= most
  if (!isRight) return `claims ${it.bytes} bytes in ${it.blocks} blocks`
  return undefined
}

/** Size of the blocks of a content that is stored without `encoding`; none if it is wrong about itself. */
export function blockBytesOf({ bytes, blocks }: Content): number | undefined {
  return [CONTENT_BLOCK_BYTES, SMALL_BLOCK_BYTES].find((it) => blocks === Math.ceil(bytes / it))
}

/** True if two of the contents share a block. Ranges are small, so this sorts a copy. */
export function overlap(contents: readonly Content[]): boolean {
  const ranges = contents.toSorted((a, b) => a.block - b.block)
  return ranges.some((it, i) => {
    const next = ranges[i + 1]
    return next !== undefined && it.block + it.blocks > next.block
  })
}

/** The only media type of a body in format version 1: CommonMark with GFM tables, strikethrough, task lists and footnotes. */
export const MARKDOWN = 'text/markdown'

/** The description of an issue that the author supplies; the same limits hold for drafts and records. */
export const issueHeadFields = {
  title: name(256),
  summary: z.optional(paragraph(4_096)),
  authors: z.optional(z.array(author).check(z.maxLength(32))),
  tags: z.optional(z.array(line(128)).check(z.maxLength(64))),
  language: z.optional(languageTag),
  /** Claimed by the author; the order of blocks is the order of issues. */
  publishedAt: timestamp,
  /** Where an imported issue came from: a file name or a web address. */
  importedFrom: z.optional(line(2_048)),
}

/** What an author says of an issue, before it has a number and blocks. */
const issueHead = z.object(issueHeadFields)
export type IssueHead = z.infer<typeof issueHead>

export const issueBody = z.looseObject({
  ...issueHeadFields,
  /** Ordinal among the issues of this newsletter, from 1. */
  number: z.int().check(z.positive()),
  body: content,
  attachments: z.array(attachment).check(z.maxLength(MAX_ATTACHMENTS)),
})
export type Issue = z.infer<typeof issueBody>

/** Addresses that an author may name for the log. */
export const MAX_MIRRORS = 8

const mirrorList = z.array(mirrorUrl).check(z.maxLength(MAX_MIRRORS))

/** Ways of support that an author may name. */
const MAX_SUPPORT = 16

/** A way to support the author. What its scheme means, and whether its checksum is right, is for who shows it. */
const support = z.looseObject({ uri: paymentUri, label: z.optional(name(64)) })
export type Support = z.infer<typeof support>

/** What `support` is, if anything. */
export const supportList = z.array(support).check(z.maxLength(MAX_SUPPORT))

/** Domains that an author may name. */
export const MAX_NAMES = 4

/** What `names` is, if anything. */
export const nameList = z.array(hostName).check(z.maxLength(MAX_NAMES))

/** Least and most bits of work that an author may ask for. */
export const MIN_WORK_BITS = 16
export const MAX_WORK_BITS = 24

/** Admission codes that an author may have given away. */
export const MAX_ADMISSION_KEYS = 64

/** How readers write to the author; without it no letters are wanted. */
const letters = z.looseObject({
  /** X25519 public key to which letters are sealed. */
  key: z32Key,
  /** Who may write: only those who were admitted, or of whom a letter was published. Everybody when absent. */
  from: z.optional(z.enum(['anyone', 'admitted'])),
  /** Bits of work of a sender who neither was admitted nor published. */
  work: z.optional(z.int().check(z.minimum(MIN_WORK_BITS), z.maximum(MAX_WORK_BITS))),
  /** Ed25519 public keys of admission codes. */
  admit: z.optional(z.array(z32Key).check(z.maxLength(MAX_ADMISSION_KEYS))),
  /** Readers may talk with each other. */
  talk: z.optional(z.boolean()),
})

/**
 * A field that came after the first version of the format, of which older versions accept everything: what is
 * malformed counts as absent, so that no two versions disagree about which records are valid.
 */
function lenient<T>(schema: z.ZodMiniType<T>): z.ZodMiniType<T | undefined> {
  // Not by `z.catch`, which takes all the helpers of zod into a browser.
  const orNone = z.overwrite((it) => schema.safeParse(it, { jitless: true }).data)
  return z.any().check(orNone)
}

/** Without the fields that counted as absent: a record is the same after it was encoded again. */
function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, it]) => it !== undefined)) as T
}

/** What an author says of a newsletter. The newest `newsletter` record counts, except for `recoveryKey`. */
export const newsletterFields = {
  title: name(256),
  description: z.optional(paragraph(4_096)),
  language: z.optional(languageTag),
  authors: z.optional(z.array(author).check(z.maxLength(32))),
  website: z.optional(webUrl),
  license: z.optional(line(256)),
  /** Web servers with the log as files. */
  mirrors: z.optional(lenient(mirrorList)),
  /** Where readers can support the author. */
  support: z.optional(lenient(supportList)),
  /** Domains of the author. They count only if the domain names the newsletter, too. */
  names: z.optional(lenient(nameList)),
  /** How readers write to the author. */
  letters: z.optional(lenient(letters)),
  createdAt: timestamp,
  /** Public half of the recovery key pair, z-base-32. Only the first record's counts. */
  recoveryKey: z32Key,
}

export const newsletterBody = z.looseObject(newsletterFields).check(z.overwrite(withoutUndefined))
export type Newsletter = z.infer<typeof newsletterBody>

const { title, summary, authors, tags, language } = issueHeadFields

/** Longest note or reason, in code points. */
export const MAX_CORRECTION_NOTE = 4_096

/** The ordinal of the issue that a correction is about. */
const number = z.int().check(z.positive())

const amendmentFields = {
  title,
  summary,
  authors,
  tags,
  language,
  amendedAt: timestamp,
  /** What was changed, and why. */
  note: z.optional(paragraph(MAX_CORRECTION_NOTE)),
}

/** What an author says of an amendment, before it has blocks. */
const amendmentHead = z.object(amendmentFields)
export type AmendmentHead = z.infer<typeof amendmentHead>

/**
 * A newer edition of an issue. It replaces the whole of what it repeats: text, attachments and head;
 * number, date and origin stay those of the issue.
 */
export const amendmentBody = z.looseObject({
  number,
  ...amendmentFields,
  body: content,
  attachments: z.array(attachment).check(z.maxLength(MAX_ATTACHMENTS)),
})
export type Amendment = z.infer<typeof amendmentBody>

/** Takes an issue back: its number and date stay, its content is dropped by every reader that follows the format. */
export const retractionBody = z.looseObject({
  number,
  retractedAt: timestamp,
  reason: z.optional(paragraph(MAX_CORRECTION_NOTE)),
})
export type Retraction = z.infer<typeof retractionBody>
