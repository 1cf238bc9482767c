import * as z from 'zod'
import { keepSchema } from '../../config/keep-schema.ts'

/** Longest wait an operation accepts, in seconds: a day. */
const MAX_TIMEOUT_SECONDS = 86_400

/** A newsletter by title, unique prefix of its feed key, feed key or link. */
export const newsletterRef = z.string().min(1).max(512)
export const feedKey = z.string().length(52)
/** Of a newsletter; the title is absent until its first record has arrived. */
export const named = { feedKey, title: z.string().optional() }
export const number = z.int().positive()
export const count = z.int().nonnegative()
export const timeoutSeconds = z.number().positive().max(MAX_TIMEOUT_SECONDS)
export const role = z.enum(['author', 'subscriber', 'seeder'])
export const none = z.strictObject({})

/** Publish though this device may lack issues and nobody can be asked: a fork if somebody holds more. */
export const force = z.boolean()

/** Something an author or reader should know of a draft that was accepted all the same. */
export const warning = z.object({
  /** What it is about, for programs: `missing-file`, `dead-link` and others. */
  kind: z.string().optional(),
  message: z.string(),
  line: z.int().positive().optional(),
})

/** Where a newsletter continues, signed with its recovery key. */
export const successor = z.object({
  feedKey,
  /** With the encryption key, if the newsletter is private and may be read here. */
  link: z.string(),
  /** ISO 8601 UTC, claimed by the author. */
  issuedAt: z.string(),
})

/** Damage of a log. */
export const problem = z.object({
  code: z.string(),
  message: z.string(),
  /** What one can do. */
  next: z.string().optional(),
  /** Of a second history: how it showed. */
  evidence: z
    .object({
      length: count,
      fork: count,
      /** Short forms of the keys of peers that were connected. */
      peers: z.array(z.string()),
      foundAt: z.string(),
    })
    .optional(),
})

/** A domain that an author names. */
export const domainName = z.object({
  name: z.string(),
  /** When the domain was asked last; absent if it never was. */
  checkedAt: z.string().optional(),
  /** Whether it named this newsletter then. */
  verified: z.boolean(),
})

/** A way to support the author; format/support.ts says what it is. */
const support = z.object({ uri: z.string(), label: z.string().optional() })

export const newsletterSummary = z.object({
  feedKey,
  link: z.string(),
  /** Absent until the first record has arrived. */
  title: z.string().optional(),
  description: z.string().optional(),
  /** What its author calls it, where its reader calls it something else. */
  authorTitle: z.string().optional(),
  /** Another newsletter here has a title that looks the same: only keys tell them apart. */
  lookAlike: z.literal(true).optional(),
  /** Domains that the author names. */
  names: z.array(domainName).optional(),
  support: z.array(support).optional(),
  /** Readers may write to its author. */
  takesLetters: z.literal(true).optional(),
  /** Its author has opened a conversation of those who read it. */
  conversation: z.literal(true).optional(),
  /** Set for 30 days after this device saw that the addresses of support are others. */
  supportChanged: z
    .object({
      at: z.string(),
      /** The addresses until then. */
      before: z.array(z.string()),
    })
    .optional(),
  roles: z.array(role),
  issues: count,
  unread: count,
  private: z.boolean(),
  /** Set when the log was found to be damaged: the code says how. */
  problem: problem.optional(),
  successor: successor.optional(),
})

export const issueSummary = z.object({
  feedKey,
  newsletter: z.string(),
  number,
  title: z.string(),
  publishedAt: z.string(),
  /** When it was first seen here, where its author dates it later: lists are in the order of this, or else of its date. */
  arrivedAt: z.string().optional(),
  summary: z.string().optional(),
  /** The beginning of its text, where it was asked for and there is no summary. */
  excerpt: z.string().optional(),
  /** Index of the block of the edition that is listed: each has its own. Absent from an older daemon. */
  editionBlock: count.optional(),
  /** Index of the newest block that is about it: its issue, an amendment or a retraction. Absent from an older daemon. */
  newestBlock: count.optional(),
  /** When the edition that is listed replaced an older one, by its author's claim. */
  amendedAt: z.string().optional(),
  /** When the author took it back; its text is gone. */
  retractedAt: z.string().optional(),
  /** The file or address that an import made it from; links between issues are resolved by it. */
  importedFrom: z.string().optional(),
  /** False again once it is corrected; true of what was retracted. */
  read: z.boolean(),
  starred: z.boolean(),
  /** It was read, and amended since: as its author notes, if he does. */
  corrected: z.literal(true).optional(),
  note: z.string().optional(),
  /** All that it takes to read the newest edition is on this machine. */
  held: z.boolean(),
  /** Letters of readers about it that its author published. */
  letterCount: count.optional(),
  /** Connected peers that hold it in full, where that was asked for. */
  copies: count.optional(),
})

/** An issue that was amended or retracted after it had arrived. */
export const correctedIssue = issueSummary.extend({
  event: z.literal('corrected'),
  /** What the author says of the amendment or retraction. */
  note: z.string().optional(),
})

/** A draft that is published later, or was. */
export const scheduled = z.object({
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

export const attachmentSummary = z.object({
  name: z.string(),
  mediaType: z.string(),
  /** Decoded length in bytes. */
  bytes: count,
  alt: z.string().optional(),
  /** In pixels, of a picture, where that was asked for and is known. */
  width: number.optional(),
  height: number.optional(),
  held: z.boolean(),
})

/** A web server that has the log of a newsletter as files. */
export const mirror = z.object({
  address: z.string(),
  /** Whether its user added it on this device, or its author named it. */
  from: z.enum(['you', 'author']),
  state: z.enum(['not-asked', 'good', 'behind', 'wrong', 'conflict', 'refused', 'unreachable']),
  /** Blocks of the log there. */
  length: count.optional(),
  checkedAt: z.string().optional(),
  /** Why it was not used. */
  message: z.string().optional(),
  downloadedBytes: count,
})

/** Bytes of blocks that went over the network. */
export const traffic = z.object({ uploadedBytes: count, downloadedBytes: count })

export const newsletterStatus = z.object({
  ...named,
  roles: z.array(role),
  issues: count,
  /** Blocks on this machine, of `length` blocks in the core. Those that have no place here count as held. */
  heldBlocks: count,
  length: count,
  /** Peers that replicate this core with us now. */
  peers: count,
  /** Of these, how many hold every block. */
  fullCopies: count,
  /** How many of them hold the whole newest issue; 0 if there is none. */
  newestCopies: count,
  /** How many of them hold everything before it. */
  olderCopies: count,
  /** Of blocks, since the start of the process. */
  uploadedBytes: count,
  downloadedBytes: count,
  /** The same over all runs. Absent from an older daemon. */
  totals: traffic.optional(),
  /** How much of it stays here, as its reader chose; `{}` is everything. */
  keep: keepSchema,
  /** Issues that are not here because of that, or of the disk cap. They can still be read while a peer has them. */
  leftOut: count,
  /** Numbers of those that alone are larger than the disk cap. */
  tooLarge: z.array(number),
  /** Web servers that are asked for what no peer has. Absent from an older daemon. */
  mirrors: z.array(mirror).optional(),
  problem: problem.optional(),
  successor: successor.optional(),
})

/** What the disk has to do with it. */
export const diskStatus = z.object({
  /** What others wrote takes here, with all that belongs to it, and letters. */
  usedBytes: count,
  /** Letters of that. Absent from an older daemon. */
  letterBytes: count.optional(),
  /** Absent where there is no cap. */
  capBytes: count.optional(),
  /** What goes first when room is needed. */
  next: z
    .object({
      ...named,
      /** Absent for a newsletter that cannot be read here. */
      number: number.optional(),
    })
    .optional(),
})

/** How far a download has come. */
export const progress = z.object({
  event: z.literal('progress'),
  heldBlocks: count,
  length: count,
  peers: count,
})

type Kind = 'value' | 'events' | 'bytes'

export interface OperationSpec {
  readonly kind: Kind
  readonly input: z.ZodType
  readonly output: z.ZodType
}

export const value = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O) =>
  ({ kind: 'value', input, output }) as const
export const events = <I extends z.ZodType, O extends z.ZodType>(input: I, output: O) =>
  ({ kind: 'events', input, output }) as const
export const bytes = <I extends z.ZodType>(input: I) =>
  ({
    kind: 'bytes',
    input,
    output: z.custom<Uint8Array>((it) => it instanceof Uint8Array),
  }) as const

export const gatewayFacts = z.object({
  address: z.string(),
  /** Browser tabs that are connected. */
  tabs: count,
  /** Sent to browsers since the start, by HTTP and to tabs. */
  uploadedBytes: count,
  /** Feed keys of those that it is opened for. */
  newsletters: z.array(z.string()),
  /** Why it cannot be reached, or not by all. */
  problem: z.string().optional(),
})
