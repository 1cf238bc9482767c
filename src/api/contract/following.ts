import * as z from 'zod'
import { keepSchema } from '../../config/keep-schema.ts'
import { newsletterFields } from '../../format/records/bodies.ts'
import { name as nameText } from '../../format/records/text.ts'
import {
  correctedIssue,
  count,
  domainName,
  events,
  feedKey,
  issueSummary,
  mirror,
  newsletterRef,
  number,
  progress,
  successor,
  timeoutSeconds,
  value,
  type OperationSpec,
  named,
} from './parts.ts'

/** How newsletters come here, stay and go. */
export const followingContract = {
  /** What a link leads to, without following it. Asks peers for what is not on this machine. */
  previewNewsletter: value(
    z.strictObject({ link: z.string().min(1).max(512), timeoutSeconds: timeoutSeconds.optional() }),
    z.object({
      feedKey,
      title: z.string(),
      description: z.string().optional(),
      language: z.string().optional(),
      authors: newsletterFields.authors,
      private: z.boolean(),
      issues: count,
      /** The domain that it was looked for by, which names it, and which it names. */
      name: z.string().optional(),
      /** Another newsletter here has a title that looks the same. */
      lookAlike: z.literal(true).optional(),
      /** Already followed here. */
      subscribed: z.boolean(),
      newest: z.object({ number, title: z.string(), publishedAt: z.string() }).optional(),
    }),
  ),

  subscribe: events(
    z.strictObject({
      /** Or the web address of a folder that has its log as files, or a domain that names it. */
      link: z.string().min(1).max(512),
      /** False: record the subscription and return without waiting for a peer. */
      wait: z.boolean().optional(),
      /** How many of the newest issues are unread, if it was not followed before; as the setting says when absent. */
      unread: z.union([count, z.literal('all')]).optional(),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
    z.discriminatedUnion('event', [
      z.object({
        event: z.literal('subscribed'),
        ...named,
        issues: count,
        /** As in `previewNewsletter`. */
        name: z.string().optional(),
        lookAlike: z.literal(true).optional(),
      }),
      progress,
    ]),
  ),

  /** Calls a newsletter here as its reader likes; as its author does again where no name is given. */
  nameNewsletter: value(
    z.strictObject({ newsletter: newsletterRef, name: z.optional(nameText(64)) }),
    z.object({ ...named, authorTitle: z.string().optional() }),
  ),

  /** Asks the domains that the author of one newsletter names, or of all, whether they name it. Nobody else is asked. */
  verifyNames: value(
    z.strictObject({ newsletter: newsletterRef.optional() }),
    z.array(
      z.object({
        ...named,
        ...domainName.shape,
        /** Why it is not verified. */
        message: z.string().optional(),
      }),
    ),
  ),

  unsubscribe: value(
    z.strictObject({ newsletter: newsletterRef }),
    z.object({ ...named, issues: count }),
  ),

  seed: value(z.strictObject({ link: z.string().min(1).max(512) }), z.object({ feedKey })),
  unseed: value(z.strictObject({ newsletter: newsletterRef }), z.object({ feedKey })),

  /** Chooses how much of a newsletter stays on this machine, or says what was chosen. */
  keepNewsletter: value(
    z.strictObject({
      newsletter: newsletterRef,
      /** Takes the place of what was chosen before; `{}` is everything. */
      keep: keepSchema.optional(),
    }),
    z.object({
      ...named,
      keep: keepSchema,
      issues: count,
      /** How many of them are not to be here. */
      leftOut: count,
    }),
  ),

  /** Adds or removes web servers that have the log of a newsletter as files, or lists them. */
  setMirrors: value(
    z.strictObject({
      newsletter: newsletterRef,
      add: z.string().min(1).max(512).optional(),
      remove: z.string().min(1).max(512).optional(),
    }),
    z.object({
      ...named,
      /** They are those of an own newsletter, which its readers use. */
      signed: z.boolean(),
      mirrors: z.array(mirror),
    }),
  ),

  /** Follows the download of one newsletter until everything is held, or nothing arrives for `timeoutSeconds`. */
  followSync: events(
    z.strictObject({
      newsletter: newsletterRef,
      /** First asks peers what is new; fails with NOT_AVAILABLE if none answers in that time. */
      refresh: z.boolean().optional(),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
    progress,
  ),

  /**
   * Issues and their corrections as they arrive, of all subscriptions or of one, and where one of them continues
   * elsewhere. Ends only when aborted.
   */
  watchIssues: events(
    z.strictObject({ newsletter: newsletterRef.optional() }),
    z.union([
      // Before those of issues, which take any field for one that they do not know.
      correctedIssue,
      issueSummary,
      z.object({ event: z.literal('continues'), ...named, successor }),
    ]),
  ),
} as const satisfies Record<string, OperationSpec>
