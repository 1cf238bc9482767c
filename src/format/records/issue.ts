import { z } from 'zod'
import { attachment, content, MAX_ATTACHMENTS } from './content.ts'
import { author, languageTag, line, name, paragraph, timestamp } from './text.ts'

/** The only media type of a body in format version 1: CommonMark with GFM tables, strikethrough, task lists and footnotes. */
export const MARKDOWN = 'text/markdown'

/** The description of an issue that the author supplies; the same limits hold for drafts and records. */
export const issueHeadFields = {
  title: name(256),
  summary: paragraph(4_096).optional(),
  authors: z.array(author).max(32).optional(),
  tags: z.array(line(128)).max(64).optional(),
  language: languageTag.optional(),
  /** Claimed by the author; the order of blocks is the order of issues. */
  publishedAt: timestamp,
  /** Where an imported issue came from: a file name or a web address. */
  importedFrom: line(2_048).optional(),
}

/** What an author says of an issue, before it has a number and blocks. */
export const issueHead = z.object(issueHeadFields)
export type IssueHead = z.infer<typeof issueHead>

export const issueBody = z.looseObject({
  ...issueHeadFields,
  /** Ordinal among the issues of this newsletter, from 1. */
  number: z.int().positive(),
  body: content,
  attachments: z.array(attachment).max(MAX_ATTACHMENTS),
})
export type Issue = z.infer<typeof issueBody>
