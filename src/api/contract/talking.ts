import * as z from 'zod'
import { MAX_LINE } from '../../format/letters/line.ts'
import { name, paragraph } from '../../format/records/text.ts'
import { count, events, feedKey, newsletterRef, value, type OperationSpec } from './parts.ts'

export const saidLine = z.object({
  event: z.literal('line'),
  id: z.string(),
  /** The sender's key for this newsletter. */
  from: z.string(),
  /** This user said it. */
  own: z.literal(true).optional(),
  /** What the sender wants to be called. */
  name: z.string().optional(),
  text: z.string(),
  /** By the clock of its sender, ISO 8601 UTC. */
  writtenAt: z.string(),
})

/** The conversation of those who read a newsletter now. Not moderated, and not kept. */
export const talkingContract = {
  /** What was said in the last 24 hours, as far as peers still have it; then `now`; then each line as it comes. */
  followTalk: events(
    z.strictObject({ newsletter: newsletterRef }),
    z.union([
      saidLine,
      z.object({
        event: z.literal('now'),
        feedKey,
        /** Peers that a line reaches at once. */
        peers: count,
      }),
    ]),
  ),

  sayLine: value(
    z.strictObject({
      newsletter: newsletterRef,
      text: paragraph(MAX_LINE),
      /** What its sender wants to be called. */
      as: z.optional(name(64)),
    }),
    z.object({ feedKey, id: z.string(), from: z.string(), peers: count }),
  ),

  /** Shows no lines of a sender here any more, until this process ends. */
  hideSpeaker: value(
    z.strictObject({ newsletter: newsletterRef, from: z.string().length(52) }),
    z.object({ feedKey, from: z.string() }),
  ),
} as const satisfies Record<string, OperationSpec>
