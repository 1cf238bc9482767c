import * as z from 'zod'
import {
  MAX_CORRECTION_NOTE,
  nameList,
  newsletterFields,
  supportList,
} from '../../format/records/bodies.ts'
import { line, paragraph, timestamp, webUrl } from '../../format/records/text.ts'
import { WITHHELD_KINDS } from '../../sources/source.ts'
import { letterSenders, workBits } from './letters.ts'
import { issueText } from './reading.ts'
import {
  bytes,
  count,
  events,
  feedKey,
  force,
  newsletterRef,
  none,
  number,
  scheduled,
  timeoutSeconds,
  value,
  warning,
  type OperationSpec,
} from './parts.ts'

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

const { title, description, language, authors, website, license } = newsletterFields

/** What an author says of a newsletter. */
const optional = {
  description,
  language,
  authors,
  website,
  license,
  support: z.optional(supportList),
  names: z.optional(nameList),
}
const profile = { title, ...optional }

/** What looks wrong with a draft. */
const finding = warning.extend({
  /** It is refused unless this is included: what its head, name, place or date says. */
  include: z.enum(WITHHELD_KINDS).optional(),
  /** It is refused unless it is to be published again: the issue that it is already. */
  number: number.optional(),
})

/** What an author does: newsletters and their issues. */
export const writingContract = {
  createNewsletter: value(
    z.strictObject({ ...profile, private: z.boolean().optional() }),
    z.object({
      feedKey,
      link: z.string(),
      title: z.string(),
      /** 24 words, shown this once and never stored. */
      recoveryPhrase: z.string(),
    }),
  ),

  /** Changes what readers see of a newsletter. Without changes, says what they see. */
  editNewsletter: value(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      ...profile,
      title: z.optional(profile.title),
      /** Fields that it has no more. */
      remove: z.array(z.object(optional).keyof()).max(Object.keys(optional).length).optional(),
      /** Who may write letters to its author. */
      letters: letterSenders.optional(),
      work: workBits.optional(),
      /** Whether readers may talk with each other; implies letters. */
      talk: z.boolean().optional(),
      force: force.optional(),
    }),
    z.object({
      feedKey,
      /** Absent from an older daemon. */
      letters: letterSenders.optional(),
      /** Absent where no letters are wanted. */
      work: workBits.optional(),
      talk: z.literal(true).optional(),
      /** Whether it was another one before. */
      changed: z.boolean(),
      ...profile,
    }),
  ),

  publishIssue: events(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      draft: draftSource,
      /** Publish nothing: tell what would be published. */
      dryRun: z.boolean().optional(),
      /** Publish even what is an issue already: the same title, date and text. */
      again: z.boolean().optional(),
      /** Publish it at this time, not now, if a daemon runs then; or as soon as one does. */
      at: z.optional(timestamp),
      /** Publish it after this time, in which `cancelScheduled` takes it back. */
      holdSeconds: z.number().positive().max(86_400).optional(),
      /** Keep serving until this many peers hold the whole issue, or `timeoutSeconds` have passed. */
      waitCopies: z.int().min(0).max(1_000).optional(),
      timeoutSeconds: timeoutSeconds.optional(),
      force: force.optional(),
    }),
    z.discriminatedUnion('event', [
      z.object({ event: z.literal('warning'), warning }),
      /** With `dryRun`, the only event besides warnings. */
      z.object({ event: z.literal('planned'), feedKey, ...plannedIssue }),
      z.object({
        event: z.literal('published'),
        feedKey,
        number,
        title: z.string(),
        publishedAt: z.string(),
        attachments: count,
        copies: count,
      }),
      z.object({ event: z.literal('copies'), copies: count, peers: count }),
      /** With `at`, `holdSeconds` or a time in its head, instead of `published`. */
      z.object({ event: z.literal('scheduled'), ...scheduled.shape }),
    ]),
  ),

  /** Drafts that wait for their time, soonest first, and what became of those of the last days. */
  listScheduled: value(none, z.array(scheduled)),

  /** Takes back a draft that waits: the one of this id, or with this in its title; the only one when absent. */
  cancelScheduled: value(
    z.strictObject({ draft: z.string().min(1).max(256).optional() }),
    scheduled,
  ),

  /** Publishes the drafts whose time has come. */
  publishScheduled: value(
    z.strictObject({
      /** Try those again that could not be published before. */
      retry: z.boolean().optional(),
    }),
    z.object({
      /** Those that were due: published, or with a problem. */
      done: z.array(scheduled),
      waiting: count,
      /** When the next one is due. */
      next: z.string().optional(),
    }),
  ),

  /**
   * A draft as its issue will be, and what looks wrong. With `follow`, again whenever it or a file that it names
   * changes, until the caller stops; without, a draft that cannot be published fails as it does when published.
   */
  previewDraft: events(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      draft: draftSource,
      follow: z.boolean().optional(),
      /** As for `publishIssue`. */
      at: z.optional(timestamp),
      /** It is to be a newer edition of this issue. */
      amends: number.optional(),
    }),
    z.discriminatedUnion('event', [
      z.object({
        event: z.literal('preview'),
        issue: issueText,
        dateFrom: plannedIssue.dateFrom,
        sizeBytes: count,
        /** When it is published, as its head says; absent if at once. */
        publishAt: z.string().optional(),
        findings: z.array(finding),
        /** Grows when a file beside the text changes. */
        revision: count,
      }),
      /** With `follow`: it cannot be published as it is now. */
      z.object({
        event: z.literal('refused'),
        code: z.string(),
        message: z.string(),
        hint: z.string().optional(),
      }),
    ]),
  ),

  /** The bytes of a file that travels with a draft. */
  readDraftFile: bytes(z.strictObject({ draft: draftSource, name: line(255) })),

  /** Publishes a newer edition of an issue; the older ones stay in the log. */
  amendIssue: value(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      number,
      draft: draftSource,
      /** What was changed, and why. */
      note: z.optional(paragraph(MAX_CORRECTION_NOTE)),
      force: force.optional(),
    }),
    z.object({
      feedKey,
      number,
      title: z.string(),
      amendedAt: z.string(),
      /** Counted with this one and the first. */
      editions: count,
      warnings: z.array(warning),
    }),
  ),

  /** Takes an issue back: its text and attachments leave the disks of all who follow the newsletter. */
  retractIssue: value(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      number,
      reason: z.optional(paragraph(MAX_CORRECTION_NOTE)),
      force: force.optional(),
    }),
    z.object({ feedKey, number, title: z.string(), retractedAt: z.string() }),
  ),
} as const satisfies Record<string, OperationSpec>
