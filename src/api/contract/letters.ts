import * as z from 'zod'
import { MAX_WORK_BITS, MIN_WORK_BITS } from '../../format/records/bodies.ts'
import { MAX_ANSWER, MAX_LETTERS } from '../../format/records/letters.ts'
import { name, paragraph, z32Key } from '../../format/records/text.ts'
import {
  count,
  feedKey,
  newsletterRef,
  number,
  value,
  type OperationSpec,
  events,
} from './parts.ts'
import { MAX_LINE } from '../../format/letters/line.ts'

/** Seconds that `writeLetter` waits for a peer to take the letter. */
const waitSeconds = z.number().nonnegative().max(3_600)

/** Who may write to an author. */
export const letterSenders = z.enum(['anyone', 'admitted', 'nobody'])

/** Bits of work of the letters of those who were neither published nor admitted; each doubles it. */
export const workBits = z.int().min(MIN_WORK_BITS).max(MAX_WORK_BITS)

/** A sender's key for one newsletter, z-base-32. */
const from = z.string()

const written = {
  /** The issue that it is about. */
  issue: number.optional(),
  /** The published letter that it answers. */
  letter: number.optional(),
  /** The published letter that its sender wants back. */
  withdraw: number.optional(),
  /** By the clock of its sender, ISO 8601 UTC. */
  writtenAt: z.string(),
}

/** Why no peer has a letter of this user, where one said so. */
const obstacle = z.object({ code: z.enum(['too-many', 'work', 'admission']), message: z.string() })

export const publishedLetter = z.object({
  number,
  from,
  ...written,
  /** What the sender wants to be called. */
  name: z.string().optional(),
  text: z.string(),
  /** The author's reply. */
  answer: z.string().optional(),
})

const answerText = paragraph(MAX_ANSWER)

const saidLine = z.object({
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

export const lettersContract = {
  /** Writes to the author of a newsletter. The letter is sealed; readers carry it until the author has it. */
  writeLetter: value(
    z.strictObject({
      newsletter: newsletterRef,
      issue: number.optional(),
      letter: number.optional(),
      withdraw: number.optional(),
      /** May be absent where `withdraw` says all. */
      text: z.optional(paragraph(8_192)),
      /** What its sender wants to be called. */
      as: z.optional(name(64)),
      private: z.boolean().optional(),
      /** An admission code that the author gave to this user; it is remembered. */
      code: z.optional(z32Key),
      waitSeconds: waitSeconds.optional(),
    }),
    z.object({
      feedKey,
      /** How the author sees its sender: a key that is used for this newsletter alone. */
      from,
      /** Peers that took it so far to carry it. */
      carriers: count,
      /** The author has it already. */
      received: z.boolean(),
      obstacle: obstacle.optional(),
    }),
  ),

  /** The letters of a newsletter: published ones, those of this user, and those that wait for their author. */
  listLetters: value(
    z.strictObject({ newsletter: newsletterRef }),
    z.object({
      feedKey,
      /** Whether its author wants letters. */
      wanted: z.boolean(),
      senders: letterSenders,
      /** Oldest first; only those that are on this machine. */
      published: z.array(publishedLetter),
      /** Those that this user wrote, oldest first. */
      mine: z.array(
        z.object({
          ...written,
          text: z.string(),
          state: z.enum(['waiting', 'received', 'published', 'expired']),
          carriers: count,
          private: z.literal(true).optional(),
          obstacle: obstacle.optional(),
          /** Under which it is published. */
          number: number.optional(),
          /** The author's reply. */
          answer: z.string().optional(),
        }),
      ),
      /** Those that wait for the author who uses this device: first who wants a letter back, then known senders. */
      waiting: z.array(
        z.object({
          /** By which it is accepted or declined. */
          number,
          from,
          /** A letter of this sender was published before. */
          known: z.boolean(),
          ...written,
          name: z.string().optional(),
          text: z.string(),
          /** Its sender does not want it published. */
          private: z.literal(true).optional(),
        }),
      ),
      /** Senders whom the author who uses this device has blocked. */
      blocked: z.array(from),
      /** Admission codes that count. Absent from an older daemon. */
      codes: count.optional(),
    }),
  ),

  /** Publishes letters that wait, with answers, and declines others; answers, withdraws, blocks. */
  decideLetters: value(
    z.strictObject({
      newsletter: newsletterRef.optional(),
      accept: z
        .array(z.strictObject({ number, answer: z.optional(answerText) }))
        .max(MAX_LETTERS)
        .optional(),
      decline: z.array(number).max(1_000).optional(),
      /** Letters that wait, which are declined; nothing more of their senders is carried. */
      block: z.array(number).max(256).optional(),
      /** Senders who may write again. */
      unblock: z.array(z32Key).max(256).optional(),
      /** Replies to letters that are published. */
      answers: z
        .array(z.strictObject({ number, answer: answerText }))
        .max(MAX_LETTERS)
        .optional(),
      /** Published letters that are shown no more. */
      withdraw: z
        .array(z.strictObject({ number, reason: z.optional(answerText) }))
        .max(MAX_LETTERS)
        .optional(),
    }),
    z.object({
      feedKey,
      /** Numbers under which the accepted ones are published, in their order. */
      published: z.array(number),
      declined: count,
      answered: count,
      withdrawn: count,
      /** All senders who are blocked now. */
      blocked: z.array(from),
    }),
  ),

  /** Makes a code by which 8 people may write whatever others may; or takes all codes back. */
  admitSenders: value(
    z.strictObject({ newsletter: newsletterRef.optional(), revoke: z.boolean().optional() }),
    z.object({
      feedKey,
      /** To be given to these people. It is stored nowhere. */
      code: z.string().optional(),
      /** Codes that count now. */
      codes: count,
    }),
  ),

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
