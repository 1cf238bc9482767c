import { z } from 'zod'
import { MAX_CORRECTION_NOTE, newsletterFields } from '../../format/records/bodies.ts'
import { line, paragraph, timestamp, webUrl } from '../../format/records/text.ts'
import { WITHHELD_KINDS } from '../../sources/unpublished.ts'
import { issueText } from './reading.ts'
import {
  bytes,
  count,
  draftSource,
  events,
  feedKey,
  force,
  newsletterRef,
  none,
  number,
  plannedIssue,
  timeoutSeconds,
  value,
  warning,
  type OperationSpec,
} from './parts.ts'

/** What looks wrong with a draft. */
const finding = warning.extend({
  /** It is refused unless this is included: what its head, name, place or date says. */
  include: z.enum(WITHHELD_KINDS).optional(),
  /** It is refused unless it is to be published again: the issue that it is already. */
  number: number.optional(),
})

/** A draft that waits for its time, or what became of it. */
const scheduled = z.object({
  id: z.string(),
  feedKey,
  newsletter: z.string().optional(),
  title: z.string(),
  /** When it is published, ISO 8601 in UTC. */
  at: z.string(),
  /** The date of its issue. */
  publishedAt: z.string(),
  attachments: count,
  sizeBytes: count,
  /** Why it could not be published; that is tried again. */
  problem: z.object({ code: z.string(), message: z.string() }).optional(),
  published: z.object({ number, at: z.string() }).optional(),
})

const glob = z.string().min(1).max(256)

/** The events of an import. */
const importEvents = z.discriminatedUnion('event', [
  z.object({ event: z.literal('progress'), done: count, total: count, file: z.string() }),
  z.object({ event: z.literal('warning'), file: z.string(), warning }),
  /** With `dryRun`: an issue that would be published next. */
  z.object({
    event: z.literal('planned'),
    file: z.string(),
    ...plannedIssue,
    /** It would be a newer edition of the issue of this number. */
    amends: z.boolean().optional(),
  }),
  z.object({ event: z.literal('amended'), file: z.string(), number, title: z.string() }),
  z.object({
    event: z.literal('skipped'),
    file: z.string(),
    code: z.string(),
    message: z.string(),
    /** It is no post: a picture, a link, a file of another kind. */
    other: z.literal(true).optional(),
  }),
  z.object({
    event: z.literal('finished'),
    feedKey,
    title: z.string(),
    published: count,
    /** Absent if there was none. */
    amended: count.optional(),
  }),
])

/** What an author does: newsletters and their issues. */
export const writingContract = {
  createNewsletter: value(
    z.strictObject({
      title: newsletterFields.title,
      description: newsletterFields.description,
      language: newsletterFields.language,
      authors: newsletterFields.authors,
      website: newsletterFields.website,
      license: newsletterFields.license,
      private: z.boolean().optional(),
    }),
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
      title: z.optional(newsletterFields.title),
      description: newsletterFields.description,
      language: newsletterFields.language,
      authors: newsletterFields.authors,
      website: newsletterFields.website,
      license: newsletterFields.license,
      /** Fields that it has no more. */
      remove: z
        .array(z.enum(['description', 'language', 'authors', 'website', 'license']))
        .max(5)
        .optional(),
      force: force.optional(),
    }),
    z.object({
      feedKey,
      /** Whether it was another one before. */
      changed: z.boolean(),
      title: newsletterFields.title,
      description: newsletterFields.description,
      language: newsletterFields.language,
      authors: newsletterFields.authors,
      website: newsletterFields.website,
      license: newsletterFields.license,
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

  importFolder: events(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      /** Absolute path of a folder of texts, or of a service's export; or the address of a feed. */
      folder: z.string().min(1).max(4_096),
      /** Where the site was, for links that do not name it: those to no post and no file become addresses there. */
      siteUrl: z.optional(webUrl),
      /** Pictures that an export shows from the web travel with the issues. */
      fetchPictures: z.boolean().optional(),
      /** Fetch also from this machine and its network. */
      allowPrivateAddresses: z.boolean().optional(),
      /** Glob over paths below the folder; files that do not match are skipped. */
      match: glob.optional(),
      /** Globs of files that are skipped. */
      exclude: z.array(glob).max(64).optional(),
      /** What is published although its head, name or place marks it as not for everybody, or not now. */
      include: z.array(z.enum(WITHHELD_KINDS)).optional(),
      /** Keep the places at which pictures were taken. */
      keepLocation: z.boolean().optional(),
      /** Absolute path of a folder in which pictures and other files may lie, too. */
      siteRoot: z.string().min(1).max(4_096).optional(),
      /** Leave out template code that no Markdown can be made of. */
      withoutTemplates: z.boolean().optional(),
      /** Publish nothing: tell what would be published, in its order, and what would be left out. */
      dryRun: z.boolean().optional(),
      /** Publish what changed of an issue that a file became before as a newer edition of it. */
      amend: z.boolean().optional(),
      force: force.optional(),
    }),
    importEvents,
  ),

  /**
   * Publishes what is new in a web feed, amends what changed, and lets a daemon go on doing so. Ends with the first
   * round.
   */
  republishFeed: events(
    z.strictObject({
      /** Of an Atom, RSS or JSON feed, by http or https. */
      address: z.string().min(1).max(2_048),
      newsletter: newsletterRef.optional(),
      /** Time between two looks; 15 minutes when absent. */
      everySeconds: z
        .int()
        .min(1)
        .max(7 * 86_400)
        .optional(),
      /** Leave posts from before now alone. */
      newOnly: z.boolean().optional(),
      /** The feed may lie on this machine or in its network. */
      allowPrivateAddresses: z.boolean().optional(),
      /** Take along pictures that the feed shows from the web. */
      fetchPictures: z.boolean().optional(),
      /** Publish nothing, remember nothing: tell what would be published. */
      dryRun: z.boolean().optional(),
    }),
    importEvents,
  ),

  listRepublished: value(
    none,
    z.array(
      z.object({
        address: z.string(),
        feedKey,
        title: z.string().optional(),
        everySeconds: z.number(),
        /** When it was last looked at, well or not. */
        checkedAt: z.string().optional(),
        /** Why the last look failed. */
        problem: z.object({ code: z.string(), message: z.string() }).optional(),
      }),
    ),
  ),

  /** Republishes a feed no more; its issues stay. */
  stopRepublishing: value(
    z.strictObject({ address: z.string().min(1).max(2_048) }),
    z.object({ address: z.string(), feedKey }),
  ),
} as const satisfies Record<string, OperationSpec>
