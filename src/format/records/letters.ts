import * as z from 'zod/mini'
import { contentFields } from './bodies.ts'
import { paragraph, timestamp, z32Key } from './text.ts'

/** Length in bytes of the head of a letter, see letters/letter.ts. */
export const LETTER_HEAD_BYTES = 221

/** Longest content of a letter, in bytes. */
export const MAX_LETTER_BYTES = 16_384

export const LETTER_MEDIA_TYPE = 'application/vnd.hyperletter.letter'

/** Letters, answers and withdrawals in one record. */
export const MAX_LETTERS = 64

/** Longest answer of an author to a letter, and reason why one is withdrawn, in code points. */
export const MAX_ANSWER = 4_096

const number = z.int().check(z.positive())

/** A letter of a reader that the author accepted. All but number and answer repeats what its block says. */
export const letter = z.looseObject({
  ...contentFields,
  /** Ordinal among the letters of this newsletter, from 1. */
  number,
  from: z32Key,
  /** The issue that it is about. */
  issue: z.optional(number),
  /** The published letter that it answers. */
  letter: z.optional(number),
  /** The author's reply. */
  answer: z.optional(paragraph(MAX_ANSWER)),
})
export type AcceptedLetter = z.infer<typeof letter>

/** A later reply of the author to a letter. The newest counts. */
export const letterAnswer = z.looseObject({ letter: number, answer: paragraph(MAX_ANSWER) })

/** A letter that is shown no more. */
export const letterWithdrawal = z.looseObject({
  letter: number,
  reason: z.optional(paragraph(MAX_ANSWER)),
})

export const lettersBody = z.looseObject({
  at: timestamp,
  letters: z.array(letter).check(z.maxLength(MAX_LETTERS)),
  answers: z.optional(z.array(letterAnswer).check(z.maxLength(MAX_LETTERS))),
  withdrawn: z.optional(z.array(letterWithdrawal).check(z.maxLength(MAX_LETTERS))),
})
export type AcceptedLetters = z.infer<typeof lettersBody>
