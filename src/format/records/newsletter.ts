import * as z from 'zod/mini'
import { author, languageTag, line, name, paragraph, timestamp, webUrl } from './text.ts'

/** What an author says of a newsletter. The newest `newsletter` record counts, except for `recoveryKey`. */
export const newsletterFields = {
  title: name(256),
  description: z.optional(paragraph(4_096)),
  language: z.optional(languageTag),
  authors: z.optional(z.array(author).check(z.maxLength(32))),
  website: z.optional(webUrl),
  license: z.optional(line(256)),
  createdAt: timestamp,
  /** Public half of the recovery key pair, z-base-32. Only the first record's counts. */
  recoveryKey: z
    .string()
    .check(
      z.regex(
        /^[ybndrfg8ejkmcpqxot1uwisza345h769]{51}[yo]$/,
        'must be a z-base-32 key of 52 characters',
      ),
    ),
}

export const newsletterBody = z.looseObject(newsletterFields)
export type Newsletter = z.infer<typeof newsletterBody>
