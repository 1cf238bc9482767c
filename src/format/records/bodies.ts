import * as z from 'zod/mini'
import { attachment, content, MAX_ATTACHMENTS } from './content.ts'
import { author, languageTag, line, mirrorUrl, name, paragraph, timestamp, webUrl } from './text.ts'

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

// What is no list of mirrors counts as none. Not by `z.catch`, which takes all the helpers of zod into a browser.
const orNone = z.overwrite((it) => mirrorList.safeParse(it, { jitless: true }).data)
const mirrors = z.any().check(orNone) as z.ZodMiniType<string[] | undefined>

/** What an author says of a newsletter. The newest `newsletter` record counts, except for `recoveryKey`. */
export const newsletterFields = {
  title: name(256),
  description: z.optional(paragraph(4_096)),
  language: z.optional(languageTag),
  authors: z.optional(z.array(author).check(z.maxLength(32))),
  website: z.optional(webUrl),
  license: z.optional(line(256)),
  /** Web servers with the log as files. Records of before there were any may have anything here. */
  mirrors: z.optional(mirrors),
  createdAt: timestamp,
  /** Public half of the recovery key pair, z-base-32. Only the first record's counts. */
  recoveryKey: z
    .string()
    .check(
      z.regex(
        /^[ybndrfg8ejkmcpqxot1uwisza345h769]{51}[yo]$/,
        'must be a z-base-32 key of 52 characters',
      ),
    ),
}

export const newsletterBody = z.looseObject(newsletterFields)
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
