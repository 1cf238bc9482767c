import { z } from 'zod'
import { webUrl } from '../../format/records/text.ts'
import { WITHHELD_KINDS } from '../../sources/unpublished.ts'
import { count, number } from './parts.ts'

/** Of texts that come from a site. */
export const siteOptions = {
  /** Keep the places at which pictures were taken. */
  keepLocation: z.boolean().optional(),
  /** What is published although its head, name or place marks it as not for everybody, or not now. */
  include: z.array(z.enum(WITHHELD_KINDS)).optional(),
  /** Absolute path of a folder in which pictures and other files may lie, too. */
  siteRoot: z.string().min(1).max(4_096).optional(),
  /** Where the site was: links that name no host and lead to no post and no file become addresses there. */
  siteUrl: z.optional(webUrl),
}

/** A Markdown file on this machine (absolute path), or Markdown text that came by a pipe. */
export const draftSource = z.union([
  z.strictObject({ file: z.string().min(1).max(4_096), ...siteOptions }),
  z.strictObject({
    markdown: z.string(),
    folder: z.string().max(4_096).optional(),
    ...siteOptions,
  }),
])

/** An issue as it would be published. */
export const plannedIssue = {
  number,
  title: z.string(),
  publishedAt: z.string(),
  /** Where the date comes from: the head, the name or path, git, the time of the file, or the clock. */
  dateFrom: z.enum(['head', 'name', 'git', 'file', 'now']),
  attachments: z.array(z.object({ name: z.string(), sizeBytes: count })),
  /** Of the text and its attachments, before compression. */
  sizeBytes: count,
}
