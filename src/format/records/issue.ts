import * as z from 'zod/mini'
import { attachment, content, MAX_ATTACHMENTS } from './content.ts'
import { author, languageTag, line, name, paragraph, timestamp } from './text.ts'

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
export const issueHead = z.object(issueHeadFields)
export type IssueHead = z.infer<typeof issueHead>

export const issueBody = z.looseObject({
  ...issueHeadFields,
  /** Ordinal among the issues of this newsletter, from 1. */
  number: z.int().check(z.positive()),
  body: content,
  attachments: z.array(attachment).check(z.maxLength(MAX_ATTACHMENTS)),
})
export type Issue = z.infer<typeof issueBody>
