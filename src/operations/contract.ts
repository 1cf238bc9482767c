import { z } from 'zod'
import { keepSchema } from '../config/keep-schema.ts'
import { MAX_CORRECTION_NOTE } from '../records/correction.ts'
import { newsletterFields } from '../records/newsletter.ts'
import { paragraph } from '../records/text.ts'
import {
  bytes,
  count,
  diskStatus,
  draftSource,
  events,
  feedKey,
  force,
  issueSummary,
  newsletterRef,
  newsletterStatus,
  none,
  number,
  problem,
  progress,
  successor,
  timeoutSeconds,
  value,
  warning,
  type OperationSpec,
} from './contract/parts.ts'
import { diagnosingContract } from './contract/diagnosing.ts'
import { readingContract } from './contract/reading.ts'
import type { OperationKinds, OperationName } from './kinds.ts'

export { PROTOCOL_VERSION, type OperationName } from './kinds.ts'

/**
 * Everything the product can do. The type `Operations` is inferred from this table; the socket server
 * validates with it, and the socket client is made from it by a loop.
 */
export const contract = {
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

  publishIssue: events(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      draft: draftSource,
      /** Keep serving until this many peers hold the whole issue, or `timeoutSeconds` have passed. */
      waitCopies: z.int().min(0).max(1_000).optional(),
      timeoutSeconds: timeoutSeconds.optional(),
      force: force.optional(),
    }),
    z.discriminatedUnion('event', [
      z.object({ event: z.literal('warning'), warning }),
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
    ]),
  ),

  /** Publishes a newer edition of an issue; the older ones stay in the log. */
  amendIssue: value(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      number,
      draft: draftSource,
      /** What was changed, and why. */
      note: paragraph(MAX_CORRECTION_NOTE).optional(),
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
      reason: paragraph(MAX_CORRECTION_NOTE).optional(),
      force: force.optional(),
    }),
    z.object({ feedKey, number, title: z.string(), retractedAt: z.string() }),
  ),

  importFolder: events(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      /** Absolute path. */
      folder: z.string().min(1).max(4_096),
      /** Glob over paths below the folder; files that do not match are skipped. */
      match: z.string().min(1).max(256).optional(),
      force: force.optional(),
    }),
    z.discriminatedUnion('event', [
      z.object({ event: z.literal('progress'), done: count, total: count, file: z.string() }),
      z.object({ event: z.literal('warning'), file: z.string(), warning }),
      z.object({
        event: z.literal('skipped'),
        file: z.string(),
        code: z.string(),
        message: z.string(),
      }),
      z.object({ event: z.literal('finished'), feedKey, title: z.string(), published: count }),
    ]),
  ),

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
        /** Who confirmed that this is all; with 0 it is all that the bundle has, or was forced. */
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

  /** What a link leads to, without following it. Asks peers for what is not on this machine. */
  previewNewsletter: value(
    z.strictObject({
      link: z.string().min(1).max(512),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
    z.object({
      feedKey,
      title: z.string(),
      description: z.string().optional(),
      language: z.string().optional(),
      authors: newsletterFields.authors,
      private: z.boolean(),
      issues: count,
      /** Already followed here. */
      subscribed: z.boolean(),
      newest: z.object({ number, title: z.string(), publishedAt: z.string() }).optional(),
    }),
  ),

  subscribe: events(
    z.strictObject({
      link: z.string().min(1).max(512),
      /** False: record the subscription and return without waiting for a peer. */
      wait: z.boolean().optional(),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
    z.discriminatedUnion('event', [
      z.object({
        event: z.literal('subscribed'),
        feedKey,
        title: z.string().optional(),
        issues: count,
      }),
      progress,
    ]),
  ),

  unsubscribe: value(
    z.strictObject({ newsletter: newsletterRef }),
    z.object({ feedKey, title: z.string().optional(), issues: count }),
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
      feedKey,
      title: z.string().optional(),
      keep: keepSchema,
      issues: count,
      /** How many of them are not to be here. */
      leftOut: count,
    }),
  ),

  /** Follows the download of one newsletter until everything is held, or nothing arrives for `timeoutSeconds`. */
  followSync: events(
    z.strictObject({ newsletter: newsletterRef, timeoutSeconds: timeoutSeconds.optional() }),
    progress,
  ),

  ...readingContract,

  /** Signs that a newsletter continues elsewhere, and tells its readers. */
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

  /** What the user should be told once: gives it, and remembers that it was given. */
  takeNotices: value(none, z.array(z.object({ feedKey, title: z.string().optional(), successor }))),

  /**
   * Issues as they arrive, of all subscriptions or of one, and where one of them continues elsewhere. Ends
   * only when aborted.
   */
  watchIssues: events(
    z.strictObject({ newsletter: newsletterRef.optional() }),
    z.union([
      issueSummary,
      z.object({
        event: z.literal('continues'),
        feedKey,
        title: z.string().optional(),
        successor,
      }),
    ]),
  ),

  status: value(
    none,
    z.object({
      via: z.enum(['daemon', 'engine']),
      online: z.boolean(),
      /** Connections to other peers, over all newsletters. */
      peers: count,
      dataDir: z.string(),
      bytesOnDisk: count,
      /** What keeps this device from storing anything, or soon will. */
      problem: problem.optional(),
      disk: diskStatus,
      newsletters: z.array(newsletterStatus),
    }),
  ),
  ...diagnosingContract,
} as const satisfies { readonly [N in OperationName]: OperationSpec & { kind: OperationKinds[N] } }

// ── Types inferred from the table ────────────────────────────────────────────────────────────────

export type Contract = typeof contract
export type Input<N extends OperationName> = z.input<Contract[N]['input']>
export type ParsedInput<N extends OperationName> = z.output<Contract[N]['input']>
export type Output<N extends OperationName> = z.output<Contract[N]['output']>

export interface CallOptions {
  /** Aborting it ends the operation with `ABORTED`. */
  readonly signal?: AbortSignal | undefined
}

export type Result<N extends OperationName> = Contract[N]['kind'] extends 'value'
  ? Promise<Output<N>>
  : AsyncIterable<Output<N>>

/** What callers hold, whether the work runs in this process or in the daemon. */
export type Operations = {
  readonly [N in OperationName]: (input: Input<N>, options?: CallOptions) => Result<N>
}
