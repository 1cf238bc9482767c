import { z } from 'zod'
import type { Keep } from '../../config/keep.ts'
import { keepSchema } from '../../config/keep-schema.ts'
import { HyperletterError } from '../../errors.ts'
import {
  parseEncryptionKey,
  parseFeedKey,
  type EncryptionKey,
  type FeedKey,
} from '../../format/keys/feed-key.ts'
import { parseLink } from '../../format/keys/link.ts'
import { short } from '../../logger.ts'
import type { Arrivals } from './arrivals.ts'

export const ROLES = ['author', 'subscriber', 'seeder'] as const
export type Role = (typeof ROLES)[number]

/** What this user has to do with one feed. */
export interface LibraryEntry {
  readonly feedKey: FeedKey
  readonly roles: readonly Role[]
  readonly addedAt: string
  /** When its log grew here, roughly. */
  readonly activeAt?: string | undefined
  /** The last title seen, so that a newsletter has a name before its log is open. */
  readonly title?: string | undefined
  /** For a private newsletter that this user may read. */
  readonly encryptionKey?: EncryptionKey | undefined
  /** Damage that was found in the log. */
  readonly problem?: Problem | undefined
  /** Where the newsletter continues, as its recovery key signed it. */
  readonly successor?: Successor | undefined
  /** Set where the user did not choose it: the newsletter of theirs from which statements of succession led here. */
  readonly origin?: FeedKey | undefined
  /** How much of it stays on this machine; everything when absent. */
  readonly keep?: Keep | undefined
  /** When issues arrived that are dated later. */
  readonly arrivals?: Arrivals | undefined
}

/** What is remembered of a statement of succession. */
export interface Successor {
  readonly feedKey: FeedKey
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  /** The whole statement as text, to pass on. */
  readonly statement: string
  /** The user has been told. */
  readonly told: boolean
}

/** Damage that was found in a log, and by what it was known. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly evidence?: Evidence | undefined
}

/** How another history of a log showed. */
export interface Evidence {
  /** Blocks and fork number of the other history. */
  readonly length: number
  readonly fork: number
  /** Short forms of the keys of peers that were connected. */
  readonly peers: string[]
  readonly foundAt: string
}

const storedEvidence = z.object({
  length: z.number(),
  fork: z.number(),
  peers: z.array(z.string()),
  foundAt: z.string(),
})

// Loose: what a newer version wrote beside these fields survives a rewrite by this one.
const storedEntry = z.looseObject({
  feedKey: z.string().transform(parseFeedKey),
  roles: z.array(z.enum(ROLES)),
  addedAt: z.string(),
  activeAt: z.string().optional(),
  title: z.string().optional(),
  encryptionKey: z.string().transform(parseEncryptionKey).optional(),
  problem: z
    .object({ code: z.string(), message: z.string(), evidence: storedEvidence.optional() })
    .optional(),
  successor: z
    .looseObject({
      feedKey: z.string().transform(parseFeedKey),
      issuedAt: z.int().nonnegative(),
      statement: z.string(),
      told: z.boolean(),
    })
    .optional(),
  origin: z.string().transform(parseFeedKey).optional(),
  // A policy of a newer version that this one cannot follow keeps everything.
  keep: keepSchema.optional().catch(undefined),
  arrivals: z
    .array(z.tuple([z.int().positive(), z.string()]))
    .optional()
    .catch(undefined),
})

/** An entry as it is stored; undefined for one that this version does not understand. */
export function readEntry(value: unknown): LibraryEntry | undefined {
  try {
    return storedEntry.parse(value, { jitless: true })
  } catch {
    return undefined
  }
}

/** Characters of a key as lists show it; what a person names by as many is no title. */
const MIN_KEY_LENGTH = 8

/** What a newsletter is found by. */
interface Named {
  readonly feedKey: string
  readonly title?: string | undefined
}

/**
 * The library entry that a person means: a link, a feed key, a title, or the unique beginning of a
 * feed key or title. A title is a claim: none wins over a key that begins so.
 * @throws NEWSLETTER_NOT_FOUND; INVALID_INPUT if several match.
 */
export function resolveEntry<T extends Named>(entries: readonly T[], reference: string): T {
  const wanted = reference.trim().toLowerCase()
  const named = feedKeyIn(reference)
  const isBegun = (text: string | undefined) => text?.toLowerCase().startsWith(wanted) === true
  const titled = entries.filter((it) => it.title?.toLowerCase() === wanted)
  const [match, ...others] =
    [
      entries.filter((it) => it.feedKey === named),
      wanted.length < MIN_KEY_LENGTH ? [] : entries.filter((it) => isBegun(it.feedKey)),
      titled.length === 0 ? [] : entries.filter((it) => titled.includes(it) || isBegun(it.feedKey)),
      entries.filter((it) => wanted !== '' && (isBegun(it.feedKey) || isBegun(it.title))),
    ].find((it) => it.length > 0) ?? []
  const shown = reference.slice(0, 80)
  if (match === undefined) {
    throw new HyperletterError('NEWSLETTER_NOT_FOUND', `No newsletter here is called "${shown}".`)
  }
  if (others.length === 0) return match
  const keys = [match, ...others].map((it) => short(it.feedKey)).join(', ')
  throw new HyperletterError('INVALID_INPUT', `"${shown}" may be any of ${keys}.`, {
    hint: 'Name it by the beginning of its feed key.',
  })
}

function feedKeyIn(reference: string): FeedKey | undefined {
  try {
    return parseLink(reference).feedKey
  } catch {
    return undefined
  }
}
