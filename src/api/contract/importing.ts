import * as z from 'zod'
import { UNDATED } from '../../sources/source.ts'
import { plannedIssue, siteOptions } from './writing.ts'
import {
  count,
  events,
  feedKey,
  force,
  newsletterRef,
  none,
  number,
  value,
  warning,
  type OperationSpec,
  named,
} from './parts.ts'

const glob = z.string().min(1).max(256)

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

/** How an archive moves in, and how another feed is published here, too. */
export const importingContract = {
  importFolder: events(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      /** Absolute path of a folder of texts, or of a service's export; or the address of a feed. */
      folder: z.string().min(1).max(4_096),
      /** Pictures that an export shows from the web travel with the issues. */
      fetchPictures: z.boolean().optional(),
      /** Fetch also from this machine and its network. */
      allowPrivateAddresses: z.boolean().optional(),
      /** Glob over paths below the folder; files that do not match are skipped. */
      match: glob.optional(),
      /** Globs of files that are skipped. */
      exclude: z.array(glob).max(64).optional(),
      ...siteOptions,
      /** What becomes of texts without a date: see `UNDATED`. */
      undated: z.enum(UNDATED).optional(),
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
        ...named,
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
