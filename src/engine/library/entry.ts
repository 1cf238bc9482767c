import * as z from 'zod'
import { keepSchema } from '../../config/keep-schema.ts'
import { attempt, HyperletterError, invalidInput } from '../../errors.ts'
import { parseEncryptionKey, parseFeedKey } from '../../format/keys/feed-key.ts'
import { parseLink } from '../../format/keys/link.ts'
import { short } from '../../logger.ts'

export const ROLES = ['author', 'subscriber', 'seeder'] as const
export type Role = (typeof ROLES)[number]

export type NameCheck = Readonly<z.infer<typeof storedNameCheck>>

const storedNameCheck = z.object({
  name: z.string(),
  /** When it was asked. */
  at: z.iso.datetime(),
  isVerified: z.boolean(),
})

const storedSuccessor = z.object({
  feedKey: z.string().transform(parseFeedKey),
  /** Milliseconds since 1970. */
  issuedAt: z.int().nonnegative(),
  /** The whole statement as text, to pass on. */
  statement: z.string(),
  /** The user has seen it. */
  told: z.boolean(),
})

export type Successor = Readonly<z.infer<typeof storedSuccessor>>

/** How another history of a log showed. */
const storedEvidence = z.object({
  /** Blocks and fork number of the other history. */
  length: z.number(),
  fork: z.number(),
  /** Short forms of the keys of peers that were connected. */
  peers: z.array(z.string()),
  foundAt: z.string(),
})

/** Damage that was found in a log, and by what it was known. */
const storedProblem = z.object({
  code: z.string(),
  message: z.string(),
  evidence: storedEvidence.optional(),
})

const storedEntry = z.object({
  feedKey: z.string().transform(parseFeedKey),
  roles: z.array(z.enum(ROLES)).readonly(),
  addedAt: z.string(),
  /** When its log grew here, roughly. */
  activeAt: z.string().optional(),
  /** The last title seen, so that a newsletter has a name before its log is open. */
  title: z.string().optional(),
  /** For a private newsletter that this user may read. */
  encryptionKey: z.string().transform(parseEncryptionKey).optional(),
  problem: storedProblem.optional(),
  /** Where the newsletter continues, as its recovery key signed it. */
  successor: storedSuccessor.loose().optional(),
  /** Set where the user did not choose it: the newsletter of theirs from which statements of succession led here. */
  origin: z.string().transform(parseFeedKey).optional(),
  /** How much of it stays on this machine; everything when absent, and for a policy of a newer version. */
  keep: keepSchema.optional().catch(undefined),
  /** Issues up to this number were there when the user began to follow it, and count as read. */
  archiveUpTo: z.int().nonnegative().optional().catch(undefined),
  /** Until that number is known: how many of the newest issues do not count as read. */
  unreadAtFirst: z.int().nonnegative().optional().catch(undefined),
  /** Addresses of web servers with its log as files, which the user added; each ends in `/`. */
  mirrors: z.array(z.string()).readonly().optional().catch(undefined),
  /** When issues arrived that are dated later. */
  arrivals: z
    .array(z.tuple([z.int().positive(), z.string()]).readonly())
    .readonly()
    .optional()
    .catch(undefined),
  /** What its reader calls it; then its `title` is this, too. */
  petname: z.string().optional().catch(undefined),
  /** Domains that were asked whether they name it. */
  nameChecks: z.array(storedNameCheck).readonly().optional().catch(undefined),
  /** The payment addresses that were seen in its profile. */
  support: z
    .object({
      uris: z.array(z.string()).readonly(),
      before: z.array(z.string()).readonly().optional(),
      changedAt: z.iso.datetime().optional(),
    })
    .optional()
    .catch(undefined),
})

/** What this user has to do with one feed. */
export type LibraryEntry = Readonly<z.infer<typeof storedEntry>>

// Loose: what a newer version wrote beside these fields survives a rewrite by this one.
const looseEntry = storedEntry.loose()

/** An entry as it is stored; undefined for one that this version does not understand. */
export function readEntry(value: unknown): LibraryEntry | undefined {
  return attempt(() => looseEntry.parse(value, { jitless: true }))
}

/** Characters of a key as lists show it; what a person names by as many is no title. */
const MIN_KEY_LENGTH = 8

/** Characters of a title, or of what was looked for, in an error. */
const MAX_SHOWN = 80

/** Share of the letters of a reference that may be wrong in it. */
const MAX_WRONG = 0.4

/** What a newsletter is found by. */
interface Named {
  readonly feedKey: string
  readonly title?: string | undefined
}

/**
 * The library entry that a person means: a link, a feed key, a title, the unique beginning of a feed key
 * or title, or else a part of one title. A title is a claim: none wins over a key that begins so.
 * @throws NEWSLETTER_NOT_FOUND; INVALID_INPUT if several match.
 */
export function resolveEntry<T extends Named>(entries: readonly T[], reference: string): T {
  const wanted = reference.trim().toLowerCase()
  const named = attempt(() => parseLink(reference).feedKey)
  const isBegun = (text: string | undefined) => text?.toLowerCase().startsWith(wanted) === true
  const titled = entries.filter((it) => it.title?.toLowerCase() === wanted)
  const [match, ...others] =
    [
      entries.filter((it) => it.feedKey === named),
      wanted.length < MIN_KEY_LENGTH ? [] : entries.filter((it) => isBegun(it.feedKey)),
      titled.length === 0 ? [] : entries.filter((it) => titled.includes(it) || isBegun(it.feedKey)),
      entries.filter((it) => wanted !== '' && (isBegun(it.feedKey) || isBegun(it.title))),
      // A title may have the key of another newsletter in it.
      wanted === '' || named !== undefined
        ? []
        : entries.filter((it) => it.title?.toLowerCase().includes(wanted)),
    ].find((it) => it.length > 0) ?? []
  const shown = reference.slice(0, MAX_SHOWN)
  if (match === undefined) {
    const near = nearestTitle(entries, wanted)?.slice(0, MAX_SHOWN)
    const hint = `Did you mean "${near}"? \`hyperletter list\` shows what is here.`
    const message = `No newsletter here is called "${shown}".`
    throw new HyperletterError('NEWSLETTER_NOT_FOUND', message, near === undefined ? {} : { hint })
  }
  if (others.length === 0) return match
  const keys = [match, ...others].map((it) => short(it.feedKey)).join(', ')
  throw invalidInput(`"${shown}" matches several: ${keys}.`, {
    hint: 'Name it by the beginning of its feed key.',
  })
}

/** The title that a reference was meant for, where most of its letters are those of the title or of one of its words. */
function nearestTitle(entries: readonly Named[], wanted: string): string | undefined {
  let least = MAX_WRONG * Math.min(wanted.length, MAX_SHOWN)
  let nearest: string | undefined
  for (const { title } of entries) {
    const lower = title?.slice(0, MAX_SHOWN).toLowerCase() ?? ''
    for (const part of [lower, ...lower.split(/\s+/)]) {
      const wrong = editDistance(wanted.slice(0, MAX_SHOWN), part)
      if (part === '' || wrong > least || (wrong === least && nearest !== undefined)) continue
      least = wrong
      nearest = title
    }
  }
  return nearest
}

/** Letters to add, leave out or replace (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/**
 * When issues arrived whose dates lie ahead of that: pairs of a number and a time. Issues above the number of the pair
 * before, up to this one, were there by that time.
 */
export type Arrivals = readonly (readonly [number: number, at: string])[]

/** Authors' clocks differ by as much without anybody noticing. */
const TOLERANCE_MS = 10 * 60_000

/** Of one newsletter. With more, two of them become one. */
const MOST_ARRIVALS = 32

interface Dated {
  readonly number: number
  readonly publishedAt: string
}

/** Where an issue belongs among others by time, if that is before its date. */
export function arrivalOf(arrivals: Arrivals = [], { number, publishedAt }: Dated) {
  const at = arrivals.find(([upTo]) => number <= upTo)?.[1]
  return at !== undefined && at < publishedAt ? at : undefined
}

/** With what arrived by now; undefined where no date that lies ahead is new. */
export function addArrivals(
  arrivals: Arrivals = [],
  issues: readonly Dated[],
  now = Date.now(),
): Arrivals | undefined {
  const latest = new Date(now + TOLERANCE_MS).toISOString()
  const ahead = issues.filter((it) => it.publishedAt > latest)
  const newest = ahead.reduce((so, { number }) => Math.max(so, number), 0)
  if (newest <= (arrivals.at(-1)?.[0] ?? 0)) return undefined
  const all = [...arrivals, [newest, new Date(now).toISOString()] as const]
  // The oldest keeps its time: what was there for long does not become news.
  return all.length > MOST_ARRIVALS ? all.toSpliced(1, 1) : all
}
