import { z } from 'zod'
import {
  feedKey,
  newsletterRef,
  none,
  successor,
  timeoutSeconds,
  value,
  type OperationSpec,
} from './parts.ts'

/** How a newsletter continues elsewhere. */
export const succeedingContract = {
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
} as const satisfies Record<string, OperationSpec>
