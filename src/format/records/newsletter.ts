import { z } from 'zod'
import { author, languageTag, line, name, paragraph, timestamp, webUrl } from './text.ts'

/** What an author says of a newsletter. The newest `newsletter` record counts, except for `recoveryKey`. */
export const newsletterFields = {
  title: name(256),
  description: paragraph(4_096).optional(),
  language: languageTag.optional(),
  authors: z.array(author).max(32).optional(),
  website: webUrl.optional(),
  license: line(256).optional(),
  createdAt: timestamp,
  /** Public half of the recovery key pair, z-base-32. Only the first record's counts. */
  recoveryKey: z
    .string()
    .regex(
      /^[ybndrfg8ejkmcpqxot1uwisza345h769]{51}[yo]$/,
      'must be a z-base-32 key of 52 characters',
    ),
}

export const newsletterBody = z.looseObject(newsletterFields)
export type Newsletter = z.infer<typeof newsletterBody>
