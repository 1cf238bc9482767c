import * as z from 'zod'
import {
  bytes,
  count,
  events,
  feedKey,
  force,
  newsletterRef,
  none,
  number,
  progress,
  successor,
  timeoutSeconds,
  value,
  type OperationSpec,
  named,
} from './parts.ts'

/** How a newsletter survives: backups that travel as bundles, restoring, repair, and continuing elsewhere. */
export const preservingContract = {
  /** Makes this device the author of a newsletter again: the log from peers or a bundle, the keys from its phrase. */
  restoreNewsletter: events(
    z.strictObject({
      recoveryPhrase: z.string().min(1).max(4_096),
      /** Found out from the log when absent. */
      private: z.boolean().optional(),
      /** Absolute path of a backup. */
      bundle: z.string().min(1).max(4_096).optional(),
      timeoutSeconds: timeoutSeconds.optional(),
      force: force.optional(),
    }),
    z.discriminatedUnion('event', [
      progress,
      z.object({
        event: z.literal('finished'),
        feedKey,
        link: z.string(),
        title: z.string(),
        issues: count,
        /** Readers that confirmed that this is all; with 0 it is all that the bundle has, or was forced. */
        peers: count,
      }),
    ]),
  ),

  /** Gives up what this device published beside the history that readers hold. */
  repairNewsletter: value(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
    z.object({
      feedKey,
      /** False: there was nothing to repair. */
      forked: z.boolean(),
      length: count,
      /** Readers whose history it is now. */
      peers: count,
      /** Issues that only this device had, oldest first. */
      removed: z.array(z.object({ number, title: z.string() })),
    }),
  ),

  /** One file that carries the log of a newsletter with its proofs. */
  exportBundle: bytes(
    z.strictObject({
      newsletter: newsletterRef,
      /** Only issues from this number on. */
      since: number.optional(),
    }),
  ),

  /** A folder for any web server: the log as files that readers verify. Changes only what is new. */
  exportSite: events(
    z.strictObject({
      newsletter: newsletterRef,
      /** Absolute path; one that was written before is brought up to date. */
      folder: z.string().min(1).max(4_096),
      /** Only the folder `log` in it. */
      logOnly: z.boolean().optional(),
      /** Where the pages will be on the web: what feeds, previews and the sitemap name. */
      address: z
        .url({ protocol: /^https?$/ })
        .max(2_048)
        .regex(/\/$/, 'must end in /')
        .optional(),
      /** Absolute path of a folder with theme.css, header.html, footer.html, icon.svg or cover.png. */
      theme: z.string().min(1).max(4_096).optional(),
      /** Also one feed of all issues. */
      completeFeed: z.boolean().optional(),
    }),
    z.discriminatedUnion('event', [
      /** Log files, then issues; the unchanged ones too. */
      z.object({ event: z.literal('writing'), done: count, total: count }),
      z.object({
        event: z.literal('finished'),
        ...named,
        files: count,
        changed: count,
        changedBytes: count,
        removed: count,
      }),
    ]),
  ),

  /** Verifies a bundle and takes it, without any network. */
  importBundle: events(
    z.strictObject({
      /** Absolute path. */
      file: z.string().min(1).max(4_096),
      /** What the bundle must be of; with an encryption key, a private newsletter can be read. */
      link: z.string().min(1).max(512).optional(),
      /** Key of a private newsletter, where there is no link. */
      encryptionKey: z.string().min(1).max(64).optional(),
      /** Follow the newsletter. Else it is seeded, unless it is in the library already. */
      subscribe: z.boolean().optional(),
    }),
    z.discriminatedUnion('event', [
      z.object({
        event: z.literal('progress'),
        step: z.enum(['verifying', 'storing']),
        /** Bytes; the file is read twice. */
        done: count,
        total: count,
      }),
      z.object({
        event: z.literal('finished'),
        feedKey,
        /** Absent where the newsletter cannot be read here. */
        title: z.string().optional(),
        issues: count,
        /** Blocks that the bundle carries, and how many of them were not here before. */
        blocks: count,
        added: count,
        bytes: count,
      }),
    ]),
  ),

  /** Signs that a newsletter continues elsewhere, and announces it to its readers. */
  succeedNewsletter: value(
    z.strictObject({
      /** Of the library, or the link of any other that can be fetched. */
      newsletter: newsletterRef,
      /** Link of the newsletter where it continues. */
      to: z.string().min(1).max(512),
      /** The 24 words of the newsletter that ends. */
      recoveryPhrase: z.string().min(1).max(4_096),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
    z.object({
      /** To carry by hand: 256 characters. */
      statement: z.string(),
      from: feedKey,
      to: feedKey,
      /** Whether the DHT took it, where readers look for it. */
      published: z.enum(['dht', 'offline']),
    }),
  ),

  /** Checks a statement that came by hand, and follows the newsletter to where it continues. */
  acceptSuccession: value(
    z.strictObject({
      statement: z.string().min(1).max(1_024),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
    z.object({ from: feedKey, to: feedKey, title: z.string().optional() }),
  ),

  /** A notice that the user sees once: returns it, and records that it was shown. */
  takeNotices: value(none, z.array(z.object({ ...named, successor }))),
} as const satisfies Record<string, OperationSpec>
