import * as z from 'zod/mini'
import { attachment, content, MAX_ATTACHMENTS } from './content.ts'
import { issueHeadFields } from './issue.ts'
import { paragraph, timestamp } from './text.ts'

const { title, summary, authors, tags, language } = issueHeadFields

/** Longest note or reason, in code points. */
export const MAX_CORRECTION_NOTE = 4_096

/** The ordinal of the issue that a correction is about. */
const number = z.int().check(z.positive())

/**
 * A newer edition of an issue. It replaces the whole of what it repeats: text, attachments and head;
 * number, date and origin stay those of the issue.
 */
export const amendmentBody = z.looseObject({
  number,
  title,
  summary,
  authors,
  tags,
  language,
  amendedAt: timestamp,
  /** What was changed, and why. */
  note: z.optional(paragraph(MAX_CORRECTION_NOTE)),
  body: content,
  attachments: z.array(attachment).check(z.maxLength(MAX_ATTACHMENTS)),
})
export type Amendment = z.infer<typeof amendmentBody>

/** What an author says of an amendment, before it has blocks. */
export const amendmentHead = z.object({
  title,
  summary,
  authors,
  tags,
  language,
  amendedAt: timestamp,
  note: z.optional(paragraph(MAX_CORRECTION_NOTE)),
})
export type AmendmentHead = z.infer<typeof amendmentHead>

/** Takes an issue back: its number and date stay, its content is dropped by whoever follows the format. */
export const retractionBody = z.looseObject({
  number,
  retractedAt: timestamp,
  reason: z.optional(paragraph(MAX_CORRECTION_NOTE)),
})
export type Retraction = z.infer<typeof retractionBody>
