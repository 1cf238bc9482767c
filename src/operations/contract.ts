import { z } from 'zod'
import { issueHeadFields } from '../records/issue.ts'
import { newsletterFields } from '../records/newsletter.ts'
import { line } from '../records/text.ts'
import type { OperationKinds, OperationName } from './kinds.ts'

export { PROTOCOL_VERSION, type OperationName } from './kinds.ts'

/** Longest wait an operation accepts, in seconds: a day. */
const MAX_TIMEOUT_SECONDS = 86_400

// ── Parts ────────────────────────────────────────────────────────────────────────────────────────

/** A newsletter by title, unique prefix of its feed key, feed key or link. */
const newsletterRef = z.string().min(1).max(512)
const feedKey = z.string().length(52)
const number = z.int().positive()
const count = z.int().nonnegative()
const timeoutSeconds = z.number().positive().max(MAX_TIMEOUT_SECONDS)
const role = z.enum(['author', 'subscriber', 'seeder'])
const none = z.strictObject({})

/** A Markdown file on this machine (absolute path), or Markdown text that came by a pipe. */
const draftSource = z.union([
  z.strictObject({ file: z.string().min(1).max(4_096) }),
  z.strictObject({ markdown: z.string(), folder: z.string().max(4_096).optional() }),
])

/** Something an author or reader should know of a draft that was accepted all the same. */
const warning = z.object({ message: z.string(), line: z.int().positive().optional() })

const newsletterSummary = z.object({
  feedKey,
  link: z.string(),
  /** Absent until the first record has arrived. */
  title: z.string().optional(),
  description: z.string().optional(),
  roles: z.array(role),
  issues: count,
  unread: count,
  private: z.boolean(),
  /** Set when the log was found to be damaged: the code says how. */
  problem: z.object({ code: z.string(), message: z.string() }).optional(),
})

const issueSummary = z.object({
  feedKey,
  newsletter: z.string(),
  number,
  title: z.string(),
  publishedAt: z.string(),
  summary: z.string().optional(),
  read: z.boolean(),
  /** Every block of the issue is on this machine. */
  held: z.boolean(),
})

const attachmentSummary = z.object({
  name: z.string(),
  mediaType: z.string(),
  /** Decoded length in bytes. */
  bytes: count,
  alt: z.string().optional(),
  held: z.boolean(),
})

const newsletterStatus = z.object({
  feedKey,
  title: z.string().optional(),
  roles: z.array(role),
  issues: count,
  /** Blocks on this machine, of `length` blocks in the core. */
  heldBlocks: count,
  length: count,
  /** Peers that replicate this core with us now. */
  peers: count,
  /** Of these, how many hold every block. */
  fullCopies: count,
  uploadedBytes: count,
  downloadedBytes: count,
  problem: z.object({ code: z.string(), message: z.string() }).optional(),
})

/** How far a download has come. */
const progress = z.object({
  event: z.literal('progress'),
  heldBlocks: count,
  length: count,
  peers: count,
})

// ── The table ────────────────────────────────────────────────────────────────────────────────────

type Kind = 'value' | 'events' | 'bytes'

interface OperationSpec {
  readonly kind: Kind
  readonly input: z.ZodType
  readonly output: z.ZodType
}

const value = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O) =>
  ({ kind: 'value', input, output }) as const
const events = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O) =>
  ({ kind: 'events', input, output }) as const
const bytes = <I extends z.ZodType>(input: I) =>
  ({
    kind: 'bytes',
    input,
    output: z.custom<Uint8Array>((it) => it instanceof Uint8Array),
  }) as const

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

  importFolder: events(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      /** Absolute path. */
      folder: z.string().min(1).max(4_096),
      /** Glob over paths below the folder; files that do not match are skipped. */
      match: z.string().min(1).max(256).optional(),
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

  /** Follows the download of one newsletter until everything is held, or nothing arrives for `timeoutSeconds`. */
  followSync: events(
    z.strictObject({ newsletter: newsletterRef, timeoutSeconds: timeoutSeconds.optional() }),
    progress,
  ),

  listNewsletters: value(none, z.array(newsletterSummary)),
  listIssues: value(z.strictObject({ newsletter: newsletterRef }), z.array(issueSummary)),
  listInbox: value(none, z.array(issueSummary)),

  readIssue: value(
    z.strictObject({
      newsletter: newsletterRef,
      /** The newest issue when absent. */
      number: number.optional(),
      /** Remember that it was read. */
      markRead: z.boolean().optional(),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
    z.object({
      feedKey,
      newsletter: z.string(),
      number,
      title: issueHeadFields.title,
      publishedAt: z.string(),
      summary: z.string().optional(),
      authors: issueHeadFields.authors,
      tags: issueHeadFields.tags,
      language: z.string().optional(),
      markdown: z.string(),
      attachments: z.array(attachmentSummary),
      /** The blocks hash up to a tree that the feed key signed. */
      verified: z.boolean(),
    }),
  ),

  readAttachment: bytes(
    z.strictObject({
      newsletter: newsletterRef,
      number,
      name: line(255),
      timeoutSeconds: timeoutSeconds.optional(),
    }),
  ),

  markIssue: value(
    z.strictObject({ newsletter: newsletterRef, number, read: z.boolean() }),
    issueSummary,
  ),

  /** Issues as they arrive, of all subscriptions or of one. Ends only when aborted. */
  watchIssues: events(z.strictObject({ newsletter: newsletterRef.optional() }), issueSummary),

  status: value(
    none,
    z.object({
      via: z.enum(['daemon', 'engine']),
      online: z.boolean(),
      /** Connections to other peers, over all newsletters. */
      peers: count,
      dataDir: z.string(),
      bytesOnDisk: count,
      newsletters: z.array(newsletterStatus),
    }),
  ),
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
