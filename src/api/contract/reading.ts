import * as z from 'zod'
import { issueHeadFields } from '../../format/records/bodies.ts'
import { line, name, timestamp } from '../../format/records/text.ts'
import { MAX_OPML_LENGTH } from '../kinds.ts'
import { publishedLetter } from './letters.ts'
import {
  attachmentSummary,
  bytes,
  count,
  feedKey,
  issueSummary,
  newsletterRef,
  newsletterSummary,
  none,
  number,
  timeoutSeconds,
  value,
} from './parts.ts'

/** A phone, another computer or an app that reads over the network. */
const device = z.object({
  id: z.string(),
  name: z.string(),
  addedAt: z.string(),
  /** To the hour; absent if it never came. */
  usedAt: z.string().optional(),
})

/** The text of an issue, with all that is shown around it. */
export const issueText = z.object({
  feedKey,
  newsletter: z.string(),
  number,
  title: issueHeadFields.title,
  publishedAt: z.string(),
  summary: z.string().optional(),
  authors: issueHeadFields.authors,
  tags: issueHeadFields.tags,
  language: z.string().optional(),
  /** The file or address that an import made it of. */
  importedFrom: z.string().optional(),
  markdown: z.string(),
  attachments: z.array(attachmentSummary),
  /** What readers wrote about it, as far as its author published it. */
  letters: z.array(publishedLetter).optional(),
  /** Readers may write to its author. */
  takesLetters: z.literal(true).optional(),
  /** How many there are; more than 1 if it was amended. */
  editions: count,
  /** Index of the block of the edition that is shown: each has its own. Absent from an older daemon. */
  editionBlock: count.optional(),
  /** When the edition that is shown replaced an older one, and what its author says of it. */
  amendedAt: z.string().optional(),
  note: z.string().optional(),
  /** Set when the author took the issue back; there is no text then, and there are no attachments. */
  retracted: z.object({ at: z.string(), reason: z.string().optional() }).optional(),
  /** The blocks hash up to a tree that the feed key signed. */
  verified: z.boolean(),
  /** It is published from this device. */
  own: z.literal(true).optional(),
})

/** The part of the contract that readers use: lists, search, texts and marks. */
export const readingContract = {
  /** All newsletters here, or one. */
  listNewsletters: value(
    z.strictObject({ newsletter: newsletterRef.optional() }),
    z.array(newsletterSummary),
  ),
  /** The issues of one newsletter, newest first. */
  listIssues: value(
    z.strictObject({
      newsletter: newsletterRef,
      /** Only issues with a lower number: of a long newsletter, the next page. */
      before: number.optional(),
      /** How many at most; all when absent. */
      limit: z.int().min(1).max(10_000).optional(),
      /** With the number of connected peers that hold each. */
      copies: z.boolean().optional(),
    }),
    z.array(issueSummary),
  ),
  /** Issues of all subscriptions, newest first; starred ones of all newsletters. The newest 100,000 without a limit. */
  listInbox: value(
    z.strictObject({
      /** Unread ones when absent. */
      show: z.enum(['unread', 'all', 'starred']).optional(),
      /** Only issues of this one. */
      newsletter: newsletterRef.optional(),
      /** Of a long list, a part: how many are left out at its beginning, and how many there are at most. */
      skip: count.optional(),
      limit: z.int().min(1).max(200).optional(),
      /** With the beginning of each text that is on this machine and has no summary. */
      excerpts: z.boolean().optional(),
    }),
    z.array(issueSummary),
  ),

  /**
   * Follows every newsletter that an OPML list names by a link, or by its feed at a reader like ours.
   * Waits for none of them.
   */
  importOpml: value(
    z.strictObject({ opml: z.string().min(1).max(MAX_OPML_LENGTH) }),
    z.object({
      subscribed: z.array(
        z.object({
          feedKey,
          /** As the list calls it, until it is known better. */
          title: z.string().optional(),
          /** Followed or written here before. */
          already: z.boolean(),
        }),
      ),
      /** What else the list has, and why it is left out. */
      skipped: z.array(
        z.object({ title: z.string(), url: z.string(), code: z.string(), message: z.string() }),
      ),
    }),
  ),

  /** Issues on this machine with all the words of a query, best first; with some, if none has all. */
  search: value(
    z.strictObject({
      query: z.string().min(1).max(512),
      newsletter: newsletterRef.optional(),
      /** Only issues published at or after this day or time. */
      since: z.union([z.iso.date(), timestamp]).optional(),
      /** 20 when absent. */
      limit: z.int().min(1).max(200).optional(),
    }),
    z.array(
      z.object({
        feedKey,
        newsletter: z.string(),
        number,
        title: z.string(),
        publishedAt: z.string(),
        read: z.boolean(),
        starred: z.boolean(),
        excerpt: z.object({
          /** One line of plain text. */
          text: z.string(),
          /** Start and end of what was found in it, in UTF-16 code units. */
          highlights: z.array(z.tuple([count, count])),
        }),
      }),
    ),
  ),

  readIssue: value(
    z.strictObject({
      newsletter: newsletterRef,
      /** The newest issue when absent. */
      number: number.optional(),
      /** 1 is the issue as first published; the newest edition when absent. */
      edition: number.optional(),
      /** With the width and height of pictures that are on this machine. */
      pictureSizes: z.boolean().optional(),
      /** Remember that it was read. */
      markRead: z.boolean().optional(),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
    issueText,
  ),

  readAttachment: bytes(
    z.strictObject({
      newsletter: newsletterRef,
      number,
      name: line(255),
      /** As in `readIssue`. */
      edition: number.optional(),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
  ),

  /** Sets or takes the marks of one issue; those that are absent stay as they are. */
  markIssue: value(
    z.strictObject({
      newsletter: newsletterRef,
      number,
      read: z.boolean().optional(),
      starred: z.boolean().optional(),
    }),
    issueSummary,
  ),

  /** Marks many issues as read, or as unread. */
  markIssues: value(
    z.strictObject({
      newsletter: newsletterRef,
      /** All issues when absent. */
      numbers: z.array(number).min(1).max(10_000).optional(),
      read: z.boolean(),
    }),
    z.object({
      feedKey,
      newsletter: z.string(),
      /** How many were not marked so before. */
      changed: count,
    }),
  ),

  /**
   * Marks every unread issue of the subscriptions, or of one, as read. What comes back undoes it: `markIssues` takes
   * each of its parts.
   */
  markAllRead: value(
    z.strictObject({ newsletter: newsletterRef.optional() }),
    z.array(z.object({ feedKey, newsletter: z.string(), numbers: z.array(number) })),
  ),

  /** Lets one more device read over the network. The token is what it proves that with. */
  addDevice: value(
    z.strictObject({ name: z.optional(name(64)) }),
    device.extend({ token: z.string() }),
  ),
  listDevices: value(none, z.array(device)),
  /** By its name or its id. */
  removeDevice: value(z.strictObject({ device: z.string().min(1).max(64) }), device),
  /** Whose token it is; null if it is nobody's, or no longer. */
  admitDevice: value(z.strictObject({ token: z.string().min(1).max(128) }), device.nullable()),
} as const
